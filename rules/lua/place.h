#pragma once
/// Where a script stands: its place and the calls that led there, in the tenant's own code.

#include <string_view>

#include "rules/script.h"

struct lua_State;

namespace rules {

/// Fills place and traceback. Asks Lua for no memory, so that it can be called where there is none.
ScriptFailure place_of(lua_State* state);
/// A text of a script as one line of a message: without what steers a terminal, cut when
/// long.
std::string on_one_line(std::string_view text, std::size_t bytes_max);

}  // namespace rules
