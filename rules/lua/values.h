#pragma once
/// Values between JSON and Lua. A list is a table with the keys 1 to n, or one made by `json.list` or from a
/// JSON list, which stays one when it is empty; every other table is an object, whose keys are texts.

#include "engine/base/json.h"
#include "rules/lua/meter.h"

struct lua_State;

namespace rules {

/// A text of JSON is UTF-8: what is not is replaced as the canonical bytes would have it.
std::string utf8_of(std::string_view text);

/// What becomes of a null that is a member of an object; an item of a list is always `json.null`.
enum class Nulls { left_out, kept };

/// Pushes a copy. Fails, by a jump, when the value is deeper than the limit.
void push_json(lua_State* state, const engine::Json& value, Nulls nulls);
/// Pushes `json.null`.
void push_null(lua_State* state);
/// Marks the table on top as a list.
void mark_list(lua_State* state);

/// Where a value goes, and how large it may become.
struct JsonRoom {
    const char* caller;  ///< `ctx.action`, for messages
    const char* what;    ///< `params`
    std::size_t& bytes;  ///< so far, as JSON
    std::size_t bytes_max;
    Ending over;  ///< how the run ends when it is more
};

/// Reads the value at `index` into `out`, which outlives a jump. Texts that are not UTF-8 have their bad
/// bytes replaced; integers beyond 2^53 become texts. An error that names the place for what JSON does not
/// have.
void read_json(lua_State* state, int index, engine::Json& out, const JsonRoom& room);

}  // namespace rules
