#include "rules/lua/script_words.h"

#include <algorithm>

#include "rules/script_rule.h"

namespace rules {

ScriptWords::ScriptWords(const ScriptFile& file) : file_(file) {
    // Of any file it tells what closes what.
    auto words = read_lua_rule(file.source);
    tokens_ = std::move(words.tokens);
    closing_ = std::move(words.closing);
    depth_.resize(tokens_.size());
    std::vector<int> change(tokens_.size() + 1);
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
        if (closing_[i] == 0) continue;
        ++change[i + 1];
        --change[closing_[i]];
    }
    int depth = 0;
    for (std::size_t i = 0; i < tokens_.size(); ++i) depth_[i] = depth += change[i];
    note_names();
}

std::vector<ScriptWords::Range> ScriptWords::parts(std::size_t open) const {
    std::vector<Range> all;
    const auto close = closing(open);
    auto first = open + 1;
    for (auto i = first; i < close; i = std::max(closing(i), i) + 1) {
        if (!is_mark(i, ",") && !is_mark(i, ";")) continue;
        all.emplace_back(first, i);
        first = i + 1;
    }
    if (first < close) all.emplace_back(first, close);
    return all;
}

std::size_t ScriptWords::end_of_chain(std::size_t i) const {
    for (++i;;) {
        if (is_mark(i, ".") && is(i + 1, LuaToken::Kind::name))
            i += 2;
        else if (is_mark(i, "[") && closing(i) != 0)
            i = closing(i) + 1;
        else
            return i;
    }
}

bool ScriptWords::is_named_here(std::string_view name) const {
    const auto found = made_.find(name);
    return found != made_.end() && found->second != Made::not_here;
}

bool ScriptWords::is_made_here(std::string_view name) const {
    const auto found = made_.find(name);
    return found != made_.end() && found->second == Made::by_statement;
}

void ScriptWords::note_names() {
    // How the list of names was begun that this one is in.
    std::vector<Made> begun(tokens_.size());
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
        const bool goes_on = is_mark(i - 1, ",") && is_name(i - 2);
        begun[i] = goes_on ? begun[i - 2] : how_begun(i);
        if (!is(i, LuaToken::Kind::name)) continue;
        const auto is_member = is_mark(i - 1, ".") || is_mark(i - 1, "{") || is_mark(i - 1, ",");
        auto& made = made_[tokens_[i].words];
        made = std::max(made, is_mark(i + 1, "=") && !is_member ? Made::by_statement : begun[i]);
    }
}

ScriptWords::Made ScriptWords::how_begun(std::size_t i) const {
    if (is_word(i - 1, "local") || is_word(i - 1, "for") || is_word(i - 1, "function"))
        return Made::by_statement;
    if (!is_mark(i - 1, "(")) return Made::not_here;
    for (--i; is(i - 1, LuaToken::Kind::name) || is_mark(i - 1, ".") || is_mark(i - 1, ":"); --i)
        if (is_word(i - 1, "function")) return Made::as_parameter;
    return Made::not_here;
}

}  // namespace rules
