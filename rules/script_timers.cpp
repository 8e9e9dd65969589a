#include "rules/script_timers.h"

#include "rules/script_tokens.h"

namespace rules {

namespace {

bool is_mark(const LuaToken& token, std::string_view words) {
    return token.kind == LuaToken::Kind::mark && token.words == words;
}

/// Behind the first argument of the call whose bracket opens here: at its comma, or at what closes it.
std::size_t behind_first_argument(const std::vector<LuaToken>& tokens, std::size_t open) {
    int depth = 0;
    for (auto i = open + 1; i < tokens.size(); ++i) {
        const bool opens = is_mark(tokens[i], "(") || is_mark(tokens[i], "{") || is_mark(tokens[i], "[");
        const bool closes = is_mark(tokens[i], ")") || is_mark(tokens[i], "}") || is_mark(tokens[i], "]");
        if (depth == 0 && (closes || is_mark(tokens[i], ","))) return i;
        depth += opens ? 1 : closes ? -1 : 0;
    }
    return tokens.size() - 1;
}

}  // namespace

ScriptTimers timers_set_by(const ScriptFile& file) {
    ScriptTimers timers;
    const auto tokens = tokens_of(file.source);
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        if (tokens[i].words != "after") continue;
        const bool is_member = i > 0 && is_mark(tokens[i - 1], ".") && tokens[i].kind == LuaToken::Kind::name;
        const bool is_index = i > 0 && is_mark(tokens[i - 1], "[") && tokens[i].kind == LuaToken::Kind::text;
        if (!is_member && !is_index) continue;
        const auto name = behind_first_argument(tokens, i + 1) + 1;
        const bool is_written = is_member && is_mark(tokens[i + 1], "(") && name + 1 < tokens.size() &&
                                tokens[name].kind == LuaToken::Kind::text &&
                                (is_mark(tokens[name + 1], ",") || is_mark(tokens[name + 1], ")"));
        const auto text = is_written ? value_of(tokens[name]) : std::nullopt;
        if (text)
            timers.names.insert(*text);
        else
            timers.has_others = true;
    }
    return timers;
}

}  // namespace rules
