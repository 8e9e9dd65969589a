#pragma once
/// Which lines of a compiled file have something to run.

#include <set>
#include <string_view>

namespace rules {

/// Of what lua_dump gave, unstripped, in this process; the format is that of ldump.c of Lua 5.4
/// (https://www.lua.org/source/5.4/ldump.c.html), which Debian links. The `return` that every function ends
/// with, whether it is reached or not, is left out. Empty for what is no such code.
std::set<int> code_lines(std::string_view dumped);

}  // namespace rules
