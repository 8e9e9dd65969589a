#pragma once
/// GlobalUse: which globals a script reads and writes, as the compiler has it: locals and upvalues are none.

#include <string>
#include <string_view>
#include <vector>

namespace rules {

struct GlobalUse {
    std::string name;
    int line = 0;
    bool is_write = false;
};

/// Of a chunk that `lua_dump` of Lua 5.4 has just written, with its names.
std::vector<GlobalUse> globals_of(std::string_view chunk);

}  // namespace rules
