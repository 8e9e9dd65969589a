#pragma once
/// LuaToken: the words of a script with their places, for checks that need no more than that.

#include <string>
#include <string_view>
#include <vector>

namespace rules {

struct LuaToken {
    enum class Kind { name, text, number, mark, end } kind = Kind::end;
    std::string_view words;  ///< as written; of a text without its quotes
    int line = 0;
    int column = 0;  ///< in bytes, from 1
};

/// Comments are left out. What is no Lua gives tokens of some kind: the compiler tells of it. The last is an
/// end.
std::vector<LuaToken> tokens_of(std::string_view source);

}  // namespace rules
