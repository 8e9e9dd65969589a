#include "rules/script_rule.h"

#include <algorithm>
#include <array>

#include "engine/base/diagnostic.h"

namespace rules {

namespace {

using engine::in_quotes;

class LuaRuleReader {
public:
    explicit LuaRuleReader(std::string_view source) : tokens_(tokens_of(source)) {
        rule_.closing.resize(tokens_.size());
        opener_.resize(tokens_.size());
    }

    LuaRule read() {
        if (match_brackets()) {
            for (at_ = 0; at_ < tokens_.size(); ++at_)
                if (is_word(at_, "rule") && !is_mark(at_ - 1, ".") && !is_mark(at_ - 1, ":")) look_here();
            check_frame();
        }
        rule_.tokens = std::move(tokens_);
        return std::move(rule_);
    }

private:
    static constexpr std::size_t nothing = static_cast<std::size_t>(-1);

    // Places before the first token are none.
    bool has_kind(std::size_t i, LuaToken::Kind kind) const {
        return i < tokens_.size() && tokens_[i].kind == kind;
    }
    bool is_mark(std::size_t i, std::string_view words) const {
        return has_kind(i, LuaToken::Kind::mark) && tokens_[i].words == words;
    }
    bool is_word(std::size_t i, std::string_view words) const {
        return has_kind(i, LuaToken::Kind::name) && tokens_[i].words == words;
    }
    void report(std::size_t token, std::string message) {
        rule_.problems.push_back({token, std::move(message)});
    }

    // ---- brackets and blocks

    /// What closes the bracket or block that the token opens; empty when it opens none.
    std::string_view closer_of(const LuaToken& token) const {
        constexpr std::array<std::array<std::string_view, 2>, 7> pairs{{{"(", ")"},
                                                                        {"{", "}"},
                                                                        {"[", "]"},
                                                                        {"function", "end"},
                                                                        {"if", "end"},
                                                                        {"do", "end"},
                                                                        {"repeat", "until"}}};
        const bool may_be = token.kind == LuaToken::Kind::mark || token.kind == LuaToken::Kind::name;
        for (const auto& [opens, closes] : pairs)
            if (may_be && token.words == opens) return closes;
        return "";
    }
    static bool closes(const LuaToken& token) {
        constexpr std::array<std::string_view, 5> words{")", "}", "]", "end", "until"};
        const bool may_be = token.kind == LuaToken::Kind::mark || token.kind == LuaToken::Kind::name;
        return may_be && std::find(words.begin(), words.end(), token.words) != words.end();
    }

    /// False when they do not fit: then nothing can be said of what is inside what.
    bool match_brackets() {
        std::vector<std::size_t> open;
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            const auto& token = tokens_[i];
            const bool is_name = is_mark(i - 1, ".") || is_mark(i + 1, "=");
            if (is_name && token.kind == LuaToken::Kind::name && is_kept_word(token.words)) {
                const std::string word(token.words);
                report(i, "Lua keeps the word " + word + " for itself: write [\"" + word + "\"]");
                return false;
            }
            opener_[i] = open.empty() ? nothing : open.back();
            if (closes(token)) {
                if (open.empty() || closer_of(tokens_[open.back()]) != token.words) {
                    report(i, in_quotes(token.words) + " closes nothing");
                    return false;
                }
                rule_.closing[open.back()] = i;
                open.pop_back();
            } else if (!closer_of(token).empty()) {
                open.push_back(i);
            }
        }
        if (open.empty()) return true;
        report(open.back(), in_quotes(tokens_[open.back()].words) + " is not closed");
        return false;
    }
    bool is_outermost(std::size_t i) const { return opener_[i] == nothing; }

    // ---- statements about the rule

    void look_here() {
        if (is_word(at_ - 1, "local")) return declare();
        if (is_word(at_ - 1, "function")) return define();
        if (is_mark(at_ + 1, ".") && is_mark(at_ + 3, "=")) return assign(at_ + 2, at_ + 4);
        if (is_mark(at_ + 1, "[")) return assign_in_brackets();
        if (is_mark(at_ + 1, "=") && is_outermost(at_))
            report(at_, "the rule is made once: write local rule = {} above, and rule.on = … here");
    }

    void declare() {
        if (!is_outermost(at_))
            return report(at_, "rule is what this file calls its rule: give this another name");
        if (is_declared_) return report(at_, "the rule is made once: a second one is a file of its own");
        is_declared_ = true;
        rule_.declared = at_;
        const auto open = at_ + 2;
        if (!is_mark(at_ + 1, "=") || !is_mark(open, "{"))
            return report(at_, "a rule is a table that is written here: local rule = {}");
        for (auto i = open + 1; i < rule_.closing[open];) i = read_item(i, rule_.closing[open]);
    }

    /// An item of the table, up to where the next one begins.
    std::size_t read_item(std::size_t i, std::size_t close) {
        auto value = i;
        auto key = nothing;
        if (has_kind(i, LuaToken::Kind::name) && is_mark(i + 1, "=")) {
            key = i;
            value = i + 2;
        } else if (is_mark(i, "[") && rule_.closing[i] == i + 2 && is_mark(i + 3, "=")) {
            key = i + 1;
            value = i + 4;
        }
        auto end = value;
        while (end < close && !is_mark(end, ",") && !is_mark(end, ";"))
            end = std::max(rule_.closing[end], end) + 1;
        if (key == nothing || !has_name(key))
            report(i, "what stands in a rule has a name: on = …");
        else
            add(key, value, end);
        return end + 1;
    }

    void define() {
        if (is_mark(at_ + 1, ":"))
            return report(at_, "a function behind a colon is given its table first: write rule." +
                                   std::string(tokens_[at_ + 2].words));
        if (!is_mark(at_ + 1, ".") || !is_mark(at_ + 3, "(")) return;
        if (!is_outermost(at_ - 1)) return too_deep();
        const auto last = rule_.closing[at_ - 1] + 1;
        rule_.members.push_back(
            {LuaRuleMember::Kind::function, std::string(tokens_[at_ + 2].words), at_ + 2, at_ - 1, last});
    }

    void assign_in_brackets() {
        const auto close = rule_.closing[at_ + 1];
        if (!is_mark(close + 1, "=")) return;
        if (close != at_ + 3 || !has_name(at_ + 2))
            return report(at_ + 2, "what a rule has is named where it is written: rule.on = …");
        assign(at_ + 2, close + 2);
    }

    void assign(std::size_t key, std::size_t value) {
        if (!is_outermost(at_)) return too_deep();
        if (is_mark(at_ - 1, ",")) return report(at_, "write this as an assignment of its own");
        auto end = end_of_value(value);
        // More may follow: `"a" .. b`, `{ "a" }, 1`.
        if (end != value && goes_on(end)) end = value;
        add(key, value, end == value ? nothing : end);
    }
    void too_deep() {
        report(at_,
               "what a rule is stands outside of functions and blocks: it is known before its code runs");
    }

    bool has_name(std::size_t key) const {
        return has_kind(key, LuaToken::Kind::name) ||
               (has_kind(key, LuaToken::Kind::text) && value_of(tokens_[key]));
    }

    /// With `end` behind the whole value, as far as that is known.
    void add(std::size_t key, std::size_t value, std::size_t end) {
        LuaRuleMember member;
        const auto& named = tokens_[key];
        member.name = named.kind == LuaToken::Kind::text ? *value_of(named) : std::string(named.words);
        member.key = key;
        member.first = value;
        member.last = end == nothing ? value + 1 : end;
        if (end != nothing && end_of_value(value) == end)
            member.kind =
                is_word(value, "function") ? LuaRuleMember::Kind::function : LuaRuleMember::Kind::literal;
        rule_.members.push_back(std::move(member));
    }

    /// Behind the function, table or constant that begins here; where it begins when it is none of them.
    std::size_t end_of_value(std::size_t i) const {
        if (is_mark(i, "{") || is_word(i, "function")) return rule_.closing[i] + 1;
        if (is_mark(i, "-") && has_kind(i + 1, LuaToken::Kind::number)) return i + 2;
        const bool is_constant = has_kind(i, LuaToken::Kind::text) || has_kind(i, LuaToken::Kind::number) ||
                                 is_word(i, "true") || is_word(i, "false") || is_word(i, "nil");
        return is_constant ? i + 1 : i;
    }

    /// Whether what stands here belongs to the value before it.
    bool goes_on(std::size_t i) const {
        if (is_word(i, "and") || is_word(i, "or")) return true;
        return has_kind(i, LuaToken::Kind::mark) && !is_mark(i, ";") && !is_mark(i, "::") && !is_mark(i, "(");
    }

    // ---- the file

    void check_frame() {
        if (!is_declared_)
            return report(
                0, "a rule file begins with: local rule = {}. What other files require is in scripts/");
        auto last = tokens_.size() - 1;  // the end
        while (is_mark(last - 1, ";")) --last;
        if (!is_word(last - 1, "rule") || !is_word(last - 2, "return"))
            report(last, "a rule file ends with: return rule");
    }

    std::vector<LuaToken> tokens_;
    std::vector<std::size_t> opener_;  ///< of what each token is directly in
    LuaRule rule_;
    std::size_t at_ = 0;
    bool is_declared_ = false;
};

}  // namespace

bool is_lua_rule(std::string_view file) {
    return file.starts_with("rules/") && file.ends_with(".lua");
}

LuaRule read_lua_rule(std::string_view source) {
    return LuaRuleReader(source).read();
}

}  // namespace rules
