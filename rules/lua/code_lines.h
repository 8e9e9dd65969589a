#pragma once
/// What can be read in a compiled file: which of its lines have something to run, and its texts.

#include <set>
#include <string_view>
#include <unordered_set>

namespace rules {

/// Of what lua_dump gave, unstripped, in this process; the format is that of ldump.c of Lua 5.4
/// (https://www.lua.org/source/5.4/ldump.c.html), which Debian links. The `return` that every function ends
/// with, whether it is reached or not, is left out. Empty for what is no such code.
std::set<int> code_lines(std::string_view dumped);
/// Adds the texts of such code to `texts`, which borrow it: constants, and the names of its variables.
void add_code_texts(std::string_view dumped, std::unordered_set<std::string_view>& texts);

}  // namespace rules
