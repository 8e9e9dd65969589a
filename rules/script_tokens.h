#pragma once
/// LuaToken: the words of a script with their places, for checks that need no more than that.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rules {

struct LuaToken {
    enum class Kind { name, text, number, mark, end } kind = Kind::end;
    std::string_view words;  ///< as written; of a text without its quotes
    int line = 0;
    int column = 0;        ///< in characters, from 1
    bool is_long = false;  ///< a text in long brackets, where a backslash is one
};

/// Comments are left out. What is no Lua gives tokens of some kind: the compiler tells of it. The last is an
/// end.
std::vector<LuaToken> tokens_of(std::string_view source);

/// What a token of kind text says, its escapes read; nothing when one of them is none.
std::optional<std::string> value_of(const LuaToken& text);

/// A word that Lua keeps for itself, such as `end`.
bool is_kept_word(std::string_view name);

}  // namespace rules
