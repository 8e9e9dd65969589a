#pragma once
/// PlainLua: a script as most embed it, with Lua's own libraries and without any wall: the floor that the
/// hosts are measured against. Never for scripts of tenants.

#include <string>

#include "engine/base/json.h"

struct lua_State;

namespace rules {

/// One thread.
class PlainLua {
public:
    /// Runs the file, whose table is kept; aborts when it cannot: the script is ours.
    explicit PlainLua(const std::string& source);
    ~PlainLua();
    PlainLua(const PlainLua&) = delete;
    PlainLua& operator=(const PlainLua&) = delete;

    /// Calls the function `run` of the table with the context as tables, in which `set`, `add_tags` and `log`
    /// note what they are given. Gives what it returned and what was noted.
    engine::Json run(const engine::Json& context);

private:
    lua_State* state_;
    engine::Json noted_;
};

}  // namespace rules
