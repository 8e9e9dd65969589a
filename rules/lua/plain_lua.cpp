#include "rules/lua/plain_lua.h"

#include <lua.hpp>

#include "engine/base/ensure.h"

namespace rules {
namespace {

using engine::Json;

void push_plain(lua_State* state, const Json& value) {
    if (const auto* text = value.get_ptr<const std::string*>()) {
        lua_pushlstring(state, text->data(), text->size());
    } else if (value.is_boolean()) {
        lua_pushboolean(state, value.get<bool>() ? 1 : 0);
    } else if (value.is_number_integer()) {
        lua_pushinteger(state, value.get<lua_Integer>());
    } else if (value.is_number()) {
        lua_pushnumber(state, value.get<lua_Number>());
    } else if (value.is_array()) {
        lua_createtable(state, static_cast<int>(value.size()), 0);
        for (std::size_t i = 0; i < value.size(); ++i) {
            push_plain(state, value[i]);
            lua_rawseti(state, -2, static_cast<lua_Integer>(i + 1));
        }
    } else if (value.is_object()) {
        lua_createtable(state, 0, static_cast<int>(value.size()));
        for (auto member = value.begin(); member != value.end(); ++member) {
            lua_pushlstring(state, member.key().data(), member.key().size());
            push_plain(state, member.value());
            lua_rawset(state, -3);
        }
    } else {
        lua_pushnil(state);
    }
}

Json read_plain(lua_State* state, int index) {
    index = lua_absindex(state, index);
    if (lua_isinteger(state, index) != 0) return lua_tointeger(state, index);
    if (lua_type(state, index) == LUA_TNUMBER) return lua_tonumber(state, index);
    if (lua_isboolean(state, index)) return lua_toboolean(state, index) != 0;
    if (lua_type(state, index) == LUA_TSTRING) {
        std::size_t bytes = 0;
        const char* text = lua_tolstring(state, index, &bytes);
        return std::string(text, bytes);
    }
    if (!lua_istable(state, index)) return nullptr;
    const bool is_list = lua_rawlen(state, index) > 0;
    Json table = is_list ? Json::array() : Json::object();
    for (lua_pushnil(state); lua_next(state, index) != 0; lua_pop(state, 1)) {
        if (is_list)
            table.push_back(read_plain(state, -1));
        else
            table[lua_tostring(state, -2)] = read_plain(state, -1);
    }
    return table;
}

int note(lua_State* state) {
    auto& noted = *static_cast<Json*>(lua_touserdata(state, lua_upvalueindex(1)));
    Json arguments = Json::array();
    for (int i = 1; i <= lua_gettop(state); ++i) arguments.push_back(read_plain(state, i));
    noted.push_back(std::move(arguments));
    return 0;
}

}  // namespace

PlainLua::PlainLua(const std::string& source) : state_(luaL_newstate()) {
    ENSURE(state_ != nullptr);
    luaL_openlibs(state_);
    ENSURE(luaL_loadstring(state_, source.c_str()) == LUA_OK && lua_pcall(state_, 0, 1, 0) == LUA_OK);
    lua_getfield(state_, 1, "run");
    ENSURE(lua_isfunction(state_, -1));
}

PlainLua::~PlainLua() {
    lua_close(state_);
}

Json PlainLua::run(const Json& context) {
    noted_ = Json::array();
    lua_pushvalue(state_, 2);
    push_plain(state_, context);
    for (const auto* name : {"set", "add_tags", "log"}) {
        lua_pushlightuserdata(state_, &noted_);
        lua_pushcclosure(state_, note, 1);
        lua_setfield(state_, -2, name);
    }
    ENSURE(lua_pcall(state_, 1, 1, 0) == LUA_OK);
    auto result = read_plain(state_, -1);
    lua_settop(state_, 2);
    return {{"result", std::move(result)}, {"effects", noted_}};
}

}  // namespace rules
