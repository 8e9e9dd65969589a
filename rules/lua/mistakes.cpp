#include "rules/lua/mistakes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "engine/base/text.h"
#include "engine/base/time.h"
#include "rules/lua/api.h"
#include "rules/lua/calls.h"
#include "rules/lua/libraries.h"

namespace rules {

using engine::Diagnostics;
using engine::in_quotes;
using Kind = LuaToken::Kind;

namespace {

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// ---- names

class NameMistakes {
public:
    NameMistakes(const ScriptInQuestion& script, Diagnostics& found)
        : script_(script), words_(script.words), found_(found) {}

    void check(const std::vector<GlobalUse>& globals) {
        check_globals(globals);
        for (std::size_t i = 0; i < words_.size(); ++i) {
            if (!words_.begins_chain(i)) continue;
            check_colon(i);
            check_result(i);
            check_unused(i);
            if (words_.at(i).words == "require") check_required(i);
        }
    }

private:
    void check_globals(const std::vector<GlobalUse>& globals) {
        // Who speaks of the table of globals means it.
        for (std::size_t i = 0; i < words_.size(); ++i)
            if (words_.is_word(i, "_ENV")) return;
        std::set<std::string_view> told;
        for (const auto& use : globals) {
            if (!use.is_write || told.contains(use.name)) continue;
            const auto at = place_of_write(use);
            if (!at) continue;
            told.insert(use.name);
            const bool is_function = words_.is_word(*at - 1, "function");
            found_.warning("global-variable", words_.place(*at),
                           in_quotes(use.name) +
                               " is a global variable, which no other file sees and which is gone "
                               "when the run ends: write local " +
                               (is_function ? "function " : "") + use.name);
        }
    }
    /// The last such name up to the line that the compiler tells of: a statement may go over several.
    std::optional<std::size_t> place_of_write(const GlobalUse& use) const {
        std::optional<std::size_t> place;
        for (std::size_t i = 0; i < words_.size() && words_.at(i).line <= use.line; ++i) {
            const bool is_set =
                words_.is_mark(i + 1, "=") || words_.is_mark(i + 1, ",") || words_.is_word(i - 1, "function");
            if (words_.is_word(i, use.name) && words_.begins_chain(i) && is_set) place = i;
        }
        return place;
    }

    /// `ctx:set(…)`.
    void check_colon(std::size_t i) {
        static constexpr std::array<std::string_view, 8> tables{"ctx",    "json",  "text", "date",
                                                                "string", "table", "math", "utf8"};
        std::string table(words_.at(i).words);
        if (!is_one_of(tables, table)) return;
        const auto first = i;
        if (table == "ctx" && words_.is_mark(i + 1, ".") && words_.is_word(i + 2, "kv")) i += 2;
        if (!words_.is_mark(i + 1, ":") || !words_.is_name(i + 2)) return;
        if (table == "ctx" ? words_.is_made_here(table) : words_.is_named_here(table)) return;
        if (i != first) table = "ctx.kv";
        const auto name = table + "." + std::string(words_.at(i + 2).words);
        found_.error("script-arguments", words_.place(i + 2),
                     name + " takes no self: write " + name + "(…) with a dot");
    }

    /// `local r = ctx.action(…)`.
    void check_result(std::size_t i) {
        static constexpr std::array<std::string_view, 15> before{
            "=", "==", "~=", "<", ">", "<=", ">=", "..", "+", "-", "*", "if", "not", "elseif", "while"};
        static constexpr std::array<std::string_view, 10> behind{
            ".", ":", "[", "==", "~=", "..", "<", ">", "+", "*"};
        if (words_.at(i).words != "ctx") return;
        const auto open = words_.end_of_chain(i);
        if (!words_.is_mark(open, "(") || words_.closing(open) == 0) return;
        std::string name = "ctx";
        for (auto at = i + 2; at < open && words_.is_mark(at - 1, "."); at += 2)
            name.append(".").append(words_.at(at).words);
        const auto* function = script_api().function(name);
        if (!function || !function->returns.empty()) return;
        const bool is_dropped = words_.is_mark(i - 1, "=") && words_.is_word(i - 2, "_");
        const bool is_read = (!words_.is(i - 1, Kind::text) && is_one_of(before, words_.at(i - 1).words)) ||
                             (words_.is(words_.closing(open) + 1, Kind::mark) &&
                              is_one_of(behind, words_.at(words_.closing(open) + 1).words));
        if (!is_read || is_dropped || words_.is_made_here("ctx")) return;
        found_.warning(
            "no-result", words_.place(open - 1),
            name + " gives nothing back: " +
                (name == "ctx.action"
                     ? "it is done when the script has ended, and a later step of the rule reads its "
                       "answer by { as = \"name\" }; ctx.call asks and waits"
                     : "call it for itself"));
    }

    /// `ctx.call(…)` for itself: what it gives is lost, and it does nothing else.
    void check_unused(std::size_t i) {
        const auto open = words_.end_of_chain(i);
        if (!words_.is_mark(open, "(") || words_.closing(open) == 0 || !begins_statement(i)) return;
        std::string name(words_.at(i).words);
        for (auto at = i + 2; at < open && words_.is_mark(at - 1, "."); at += 2)
            name.append(".").append(words_.at(at).words);
        const auto* function = script_api().function(name);
        if (!function || function->returns.empty() || words_.is_made_here(words_.at(i).words)) return;
        const auto behind = words_.closing(open) + 1;
        static constexpr std::array<std::string_view, 5> goes_on{".", ":", "[", "(", "{"};
        if (words_.is(behind, Kind::text) ||
            (words_.is(behind, Kind::mark) && is_one_of(goes_on, words_.at(behind).words)))
            return;
        found_.warning(
            "unused-result", words_.place(open - 1),
            name +
                " only gives something back, and nothing is made of it: put it into a variable, or leave "
                "it out");
    }

    /// An expression cannot follow another one, so what does is a statement.
    bool begins_statement(std::size_t i) const {
        static constexpr std::array<std::string_view, 5> ends{")", "]", "}", ";", "..."};
        static constexpr std::array<std::string_view, 8> words{"then",   "do",  "else", "end",
                                                               "repeat", "nil", "true", "false"};
        if (i == 0) return true;
        if (words_.is(i - 1, Kind::mark)) return is_one_of(ends, words_.at(i - 1).words);
        if (words_.is(i - 1, Kind::name))
            return words_.is_name(i - 1) || is_one_of(words, words_.at(i - 1).words);
        return true;
    }

    void check_required(std::size_t i) {
        if (words_.is_named_here("require")) return;
        const auto name = words_.is_mark(i + 1, "(") && words_.closing(i + 1) == i + 3 ? i + 2 : i + 1;
        const auto asked = words_.is(name, Kind::text) ? value_of(words_.at(name)) : std::nullopt;
        if (!asked || file_required(script_.scripts, *asked)) return;
        const bool is_whole = asked->starts_with("scripts/");
        std::vector<std::string> names;
        for (const auto& file : script_.scripts.files) {
            if (!file.name.starts_with("scripts/")) continue;
            auto near = file.name.substr(is_whole ? 0 : std::string_view("scripts/").size());
            if (!asked->ends_with(".lua")) near.resize(near.size() - std::string_view(".lua").size());
            names.push_back(std::move(near));
        }
        const auto hint = engine::hint(*asked, names);
        found_.error(
            "dangling-script", words_.place(name),
            "there is no script " + in_quotes(*asked) + " to require" +
                (hint.empty() ? ": it counts from the tenant's folder, such as scripts/words" : hint));
    }

    const ScriptInQuestion& script_;
    const ScriptWords& words_;
    Diagnostics& found_;
};

// ---- assignments

std::string dotted(const std::vector<std::string>& names) {
    return engine::join(names, ".");
}

/// Nobody reads what the script keeps there.
bool is_read_here(const WrittenPath& write, const std::vector<WrittenPath>& reads) {
    return std::any_of(reads.begin(), reads.end(),
                       [&](const WrittenPath& read) { return write.is_above(read) || read.is_above(write); });
}

void check_writes(const ScriptInQuestion& script, const ScriptUses& uses, Diagnostics& found) {
    for (const auto& write : uses.writes) {
        if (write.names.empty()) continue;
        const auto path = "ctx." + dotted(write.names);
        const auto& root = write.names.front();
        const bool is_kind = has(script.kinds, root);
        if (is_kind || root == "entity")
            found.warning("lost-write", write.places.back(),
                          path + " is a copy, and what is assigned to it is lost: ctx.set(" +
                              (is_kind && write.names.size() > 1 ? in_quotes(dotted(write.names))
                                                                 : std::string("\"kind.field\"")) +
                              ", …) writes it");
        else if (!is_read_here(write, uses.reads))
            found.warning(
                "lost-write", write.places.back(),
                "what is assigned to " + path +
                    " is lost: ctx.set writes a field, and a local variable keeps what the script needs");
    }
}

// ---- constants

/// Whether a constant is of one of the types, `string|number`; what is computed may be.
bool may_be(const WrittenValue& value, std::string_view types) {
    using Written = WrittenValue::Kind;
    if (value.kind == Written::computed) return true;
    for (const auto& type : engine::split(types, '|')) {
        if (type == "any" && value.kind != Written::nil) return true;
        const bool is_plain = type == "string" || type == "number" || type == "integer" || type == "boolean";
        if (value.kind == Written::table && !is_plain) return true;
        if (value.kind != Written::constant) continue;
        if ((type == "string" && value.constant.is_string()) ||
            (type == "boolean" && value.constant.is_boolean()) ||
            ((type == "number" || type == "integer") && value.constant.is_number()))
            return true;
    }
    return false;
}

std::string words_of(const WrittenValue& value) {
    if (value.kind == WrittenValue::Kind::nil) return "nil";
    if (value.kind == WrittenValue::Kind::table) return "a table";
    return value.constant.is_string()   ? "the text " + in_quotes(*value.text())
           : value.constant.is_number() ? engine::number_text(value.constant)
                                        : value.constant.dump();
}

class ConstantMistakes {
public:
    ConstantMistakes(const WrittenCall& call, Diagnostics& found) : call_(call), found_(found) {}

    void check() {
        const auto* function = script_api().function(call_.function);
        for (std::size_t i = 0; i < std::min(call_.arguments.size(), function->params.size()); ++i)
            check_argument(call_.arguments[i], function->params[i]);
        if (call_.function == "ctx.after" && call_.text(0))
            check_span(call_.arguments[0], "ctx.after", false);
        if (call_.function == "date.add" && call_.text(1)) check_span(call_.arguments[1], "date.add", true);
        if (call_.function == "ctx.call" && call_.arguments.size() > 2)
            if (const auto* cache = call_.arguments[2].member("cache"); cache && cache->text())
                check_span(*cache, "cache", false);
    }

private:
    void check_argument(const WrittenValue& value, const ScriptParam& param) {
        if (value.kind == WrittenValue::Kind::nil && param.is_optional) return;
        if (!may_be(value, param.type)) return report(value, call_.function + ": " + param.name, param.type);
        const auto* type = script_api().class_of(param.type);
        if (value.kind != WrittenValue::Kind::table || !type) return;
        std::vector<std::string> names;
        for (const auto& field : type->fields) names.push_back(field.name);
        for (const auto& [name, option] : value.members) {
            const auto field =
                std::find_if(type->fields.begin(), type->fields.end(),
                             [&, &wanted = name](const auto& one) { return one.name == wanted; });
            if (field == type->fields.end())
                found_.error("unknown-key", option.place,
                             "unknown key " + in_quotes(name) + " in the options of " + call_.function +
                                 hint_or_all(name, names));
            else if (option.kind != WrittenValue::Kind::nil && !may_be(option, field->type))
                report(option, call_.function + ": " + name, field->type);
        }
    }
    static std::string hint_or_all(const std::string& name, const std::vector<std::string>& names) {
        const auto hint = engine::hint(name, names);
        return hint.empty() ? ", only " + engine::join(names, ", ") : hint;
    }

    void report(const WrittenValue& value, const std::string& what, const std::string& type) {
        const bool removes = call_.function == "ctx.set" && value.kind == WrittenValue::Kind::nil;
        found_.error("wrong-type", value.place,
                     what + " takes " + type + ", found " + words_of(value) +
                         (removes ? ": ctx.unset removes a value" : ""));
    }

    void check_span(const WrittenValue& value, const std::string& what, bool may_go_back) {
        std::string_view text = *value.text();
        if (may_go_back && text.starts_with('-')) text.remove_prefix(1);
        if (auto span = engine::parse_duration(text); !span)
            found_.error("bad-value", value.place, what + ": " + span.error().message);
    }

    const WrittenCall& call_;
    Diagnostics& found_;
};

}  // namespace

void add_mistakes(const ScriptInQuestion& script, const std::vector<GlobalUse>& globals, Diagnostics& found) {
    NameMistakes(script, found).check(globals);
    const auto uses = uses_of(script.file);
    check_writes(script, uses, found);
    for (const auto& call : uses.calls) ConstantMistakes(call, found).check();
}

}  // namespace rules
