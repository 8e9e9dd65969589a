#include "rules/language/lua_rules.h"

#include <algorithm>
#include <map>
#include <optional>

#include "engine/base/text.h"
#include "rules/language/reading.h"
#include "rules/language/rule_reader.h"
#include "rules/script_rule.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

YamlNode tree_of_scalar(engine::Place place, std::string text, bool is_text) {
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.place = std::move(place);
    node.text = std::move(text);
    node.quoted = is_text;
    return node;
}

YamlNode tree_of_one(YamlNode::Entry entry) {
    YamlNode node;
    node.kind = YamlNode::Kind::map;
    node.place = entry.place;
    node.entries.push_back(std::move(entry));
    return node;
}

YamlNode tree_of_list(std::vector<YamlNode> items, engine::Place place) {
    YamlNode node;
    node.kind = YamlNode::Kind::list;
    node.place = std::move(place);
    node.items = std::move(items);
    return node;
}

/// An empty table is a list, but for what is a map.
bool is_map_of_rule(const std::string& name) {
    return name == "when" || name == "accept" || name == "schedule";
}

class LuaRuleTree {
public:
    LuaRuleTree(const std::string& file, const LuaRule& rule, engine::Diagnostics& found)
        : file_(file), rule_(rule), found_(found) {}

    YamlNode read() {
        YamlNode node;
        node.kind = YamlNode::Kind::map;
        node.place = place(rule_.declared);
        for (const auto& member : rule_.members)
            if (is_new(member.name, member.key)) read_member(member, node);
        // What it does not do is told of here, in this file's words.
        if (does_nothing()) node.entries.push_back({"then", node.place, tree_of_list({}, node.place)});
        return node;
    }
    bool does_nothing() const { return !seen_.contains("run") && !seen_.contains("stop"); }

private:
    using Kind = LuaToken::Kind;

    engine::Place place(std::size_t i) const {
        const auto& token = rule_.tokens[i];
        return {file_, token.line, token.column};
    }
    bool is_mark(std::size_t i, std::string_view words) const {
        return rule_.tokens[i].kind == Kind::mark && rule_.tokens[i].words == words;
    }
    bool is_word(std::size_t i, std::string_view words) const {
        return rule_.tokens[i].kind == Kind::name && rule_.tokens[i].words == words;
    }

    bool is_new(const std::string& name, std::size_t key) {
        const auto [first, is_new] = seen_.emplace(name, place(key));
        if (!is_new)
            found_.error(
                "duplicate-key", place(key),
                "rule." + name + " is given twice, first in line " + std::to_string(first->second.line));
        return is_new;
    }

    // ---- what the rule has

    void read_member(const LuaRuleMember& member, YamlNode& node) {
        const auto key = place(member.key);
        const auto known = lua_rule_names();
        const bool is_function = member.kind == LuaRuleMember::Kind::function;
        if (!has(known, member.name)) {
            const auto near = engine::nearest(member.name, known);
            found_.error("unknown-key", key,
                         "a rule has no " + in_quotes(member.name) +
                             (near.empty() ? "" : engine::did_you_mean("rule." + near)) +
                             (near.empty() && is_function ? ": what only this file uses is local" : ""));
        } else if (member.name == "run") {
            if (!is_function)
                found_.error("wrong-type", key, "rule.run is a function: write function rule.run(ctx) … end");
            const auto step = tree_of_one({"lua", key, function_of(member.first, "run")});
            node.entries.push_back({"then", key, tree_of_list({step}, key)});
        } else if (member.name == "when" && is_function) {
            node.entries.push_back(
                {"when", key, tree_of_one({"lua", key, function_of(member.first, "when")})});
        } else {
            node.entries.push_back({member.name, key, value_of_member(member)});
        }
    }

    YamlNode value_of_member(const LuaRuleMember& member) {
        if (member.kind == LuaRuleMember::Kind::function)
            return wrong(member.first, "wrong-type",
                         "rule." + member.name + " is no function: write its value");
        if (member.kind == LuaRuleMember::Kind::computed) return computed(member.first);
        auto node = value(member.first, member.last, member.name == "when" ? 0 : 1);
        if (member.name == "when" && !node.is_map() && !node.items.empty())
            return wrong(member.first, "wrong-type",
                         "rule.when is a table with fields as its keys, or a function of ctx");
        if (is_map_of_rule(member.name) && node.is_list() && node.items.empty())
            node.kind = YamlNode::Kind::map;
        return node;
    }

    /// `rules/96-vip.lua#run`
    YamlNode function_of(std::size_t i, const std::string& name) const {
        return tree_of_scalar(place(i), file_ + "#" + name, true);
    }

    // ---- values as they are written

    /// Stands for what could not be read; nothing more is said of that place.
    YamlNode wrong(std::size_t i, const std::string& kind, std::string message) {
        found_.error(kind, place(i), std::move(message));
        return tree_of_scalar(place(i), "", true);
    }
    YamlNode computed(std::size_t i) {
        if (is_word(i, "function"))
            return wrong(i, "computed-value",
                         "only rule.run and rule.when are functions, and lua beside the fields of rule.when");
        const auto& token = rule_.tokens[i];
        return wrong(i, "computed-value",
                     (token.kind == Kind::name ? in_quotes(token.words) : "what is computed here") +
                         " is known only when the file runs: write the value itself");
    }

    /// Of the tokens before `last`, which have to be one value. Depth 0: the conditions, where `lua` may be a
    /// function.
    YamlNode value(std::size_t first, std::size_t last, std::size_t depth) {
        if (++values_ == limits_.nodes_max)
            return wrong(first, "limit",
                         "more than " + std::to_string(limits_.nodes_max) + " values in one rule");
        if (first >= last) return wrong(first, "lua-rule", "a value is missing here");
        if (values_ > limits_.nodes_max) return tree_of_scalar(place(first), "", true);
        const auto& token = rule_.tokens[first];
        const bool is_negative = is_mark(first, "-") && first + 2 == last;
        if (is_negative && rule_.tokens[first + 1].kind == Kind::number) return number(first + 1, "-");
        if (is_mark(first, "{") && rule_.closing[first] + 1 == last) return table(first, depth);
        if (first + 1 != last) return computed(first);
        if (token.kind == Kind::text) return text(first);
        if (token.kind == Kind::number) return number(first, "");
        if (is_word(first, "true") || is_word(first, "false"))
            return tree_of_scalar(place(first), std::string(token.words), false);
        return is_word(first, "nil") ? wrong(first, "lua-rule", "nil is no value: leave it out")
                                     : computed(first);
    }

    YamlNode text(std::size_t i) {
        const auto read = value_of(rule_.tokens[i]);
        if (!read) return wrong(i, "lua-rule", "the text has an escape that Lua does not know");
        if (!engine::is_utf8(*read)) return wrong(i, "lua-rule", "the text is not UTF-8");
        return tree_of_scalar(place(i), *read, true);
    }

    /// As rules write it: what Lua has besides, such as 0x1p4, is none.
    YamlNode number(std::size_t i, const std::string& sign) {
        const auto& words = rule_.tokens[i].words;
        auto node = tree_of_scalar(place(i), sign + std::string(words), false);
        const bool is_decimal = words.find_first_of("xX") == std::string_view::npos;
        if (is_decimal && engine::to_json(node).is_number()) return node;
        return wrong(i, "lua-rule", in_quotes(words) + " is no number of a rule: write it in decimals");
    }

    YamlNode table(std::size_t open, std::size_t depth) {
        if (depth >= limits_.depth_max)
            return wrong(open, "limit",
                         "nested deeper than " + std::to_string(limits_.depth_max) + " levels");
        YamlNode node = tree_of_list({}, place(open));
        std::map<std::string, int> lines;
        const auto close = rule_.closing[open];
        for (auto i = open + 1; i < close;) {
            auto end = i;
            while (end < close && !is_mark(end, ",") && !is_mark(end, ";"))
                end = std::max(rule_.closing[end], end) + 1;
            read_item(i, end, depth, node, lines);
            i = end + 1;
        }
        if (node.entries.empty()) return node;
        node.kind = YamlNode::Kind::map;
        if (!node.items.empty())
            found_.error("lua-rule", node.place,
                         "a part of this table has no names: name all of it, or nothing");
        node.items.clear();
        return node;
    }

    void read_item(std::size_t i, std::size_t end, std::size_t depth, YamlNode& node,
                   std::map<std::string, int>& lines) {
        const bool has_brackets = is_mark(i, "[");
        const auto value_at = has_brackets ? rule_.closing[i] + 2 : i + 2;
        const bool has_key = value_at <= end && is_mark(value_at - 1, "=");
        if (!has_key) return node.items.push_back(value(i, end, depth + 1));
        const auto key_at = has_brackets ? i + 1 : i;
        const auto key = key_of(key_at, has_brackets);
        if (!key) return;
        const auto [first, is_new] = lines.emplace(*key, place(key_at).line);
        if (!is_new)
            found_.error(
                "duplicate-key", place(key_at),
                "key " + in_quotes(*key) + " is given twice, first in line " + std::to_string(first->second));
        else if (depth == 0 && *key == "lua" && is_word(value_at, "function") &&
                 rule_.closing[value_at] + 1 == end)
            node.entries.push_back({*key, place(key_at), function_of(value_at, "when.lua")});
        else
            node.entries.push_back({*key, place(key_at), value(value_at, end, depth + 1)});
    }

    /// `status`, `["ticket.status"]`
    std::optional<std::string> key_of(std::size_t i, bool has_brackets) {
        const auto& token = rule_.tokens[i];
        const auto wanted = has_brackets ? Kind::text : Kind::name;
        if (token.kind != wanted || (has_brackets && rule_.closing[i - 1] != i + 1)) {
            computed(i);
            return std::nullopt;
        }
        return has_brackets ? text(i).text : std::string(token.words);
    }

    const std::string& file_;
    const LuaRule& rule_;
    engine::Diagnostics& found_;
    const engine::YamlLimits limits_;
    std::map<std::string, engine::Place> seen_;
    std::size_t values_ = 0;
};

}  // namespace

YamlNode read_lua_rule_file(const std::string& name, std::string_view source, Problems& problems) {
    const auto rule = read_lua_rule(source);
    engine::Diagnostics found;
    for (const auto& problem : rule.problems) {
        const auto& token = rule.tokens[problem.token];
        found.error("lua-rule", {name, token.line, token.column}, problem.message);
    }
    // Without its form nothing else can be said of the file.
    const bool has_rule = rule.declared != 0;
    LuaRuleTree tree(name, rule, found);
    YamlNode node = has_rule ? tree.read() : YamlNode();
    problems.take(found);
    if (!has_rule) return {};
    const auto place = node.place;
    if (tree.does_nothing())
        problems.error("missing-key", place, "the rule does nothing: write function rule.run(ctx) … end");
    return tree_of_one({"rules", place, tree_of_list({std::move(node)}, place)});
}

std::vector<std::string> lua_rule_names() {
    auto names = RuleReader::key_names();
    std::replace(names.begin(), names.end(), std::string("then"), std::string("run"));
    return names;
}

}  // namespace rules
