#include "rules/lua/keys.h"

#include <algorithm>
#include <bit>
#include <lua.hpp>
#include <numeric>

#include "rules/lua/inside.h"

namespace rules {

TableKey key_at(lua_State* state, int index) {
    TableKey key{};
    switch (lua_type(state, index)) {
        case LUA_TNUMBER:
            key.is_whole = lua_isinteger(state, index) != 0;
            key.whole = key.is_whole ? lua_tointeger(state, index) : 0;
            key.number = key.is_whole ? 0 : lua_tonumber(state, index);
            break;
        case LUA_TSTRING:
            key.rank = 1;
            key.text = lua_tolstring(state, index, &key.size);
            break;
        case LUA_TBOOLEAN:
            key.rank = lua_toboolean(state, index) != 0 ? 3 : 2;
            break;
        case LUA_TLIGHTUSERDATA:
            key.rank = 4;
            break;
        default:
            key.rank = -1;
            break;
    }
    return key;
}

bool is_before(const TableKey& left, const TableKey& right) {
    if (left.rank != right.rank) return left.rank < right.rank;
    if (left.rank == 1)
        return std::string_view(left.text, left.size) < std::string_view(right.text, right.size);
    if (left.rank != 0) return false;
    if (left.is_whole && right.is_whole) return left.whole < right.whole;
    const auto exact = [](const TableKey& key) {
        return key.is_whole ? static_cast<long double>(key.whole) : static_cast<long double>(key.number);
    };
    return exact(left) < exact(right);
}

bool next_key(lua_State* state, int table) {
    inside(state).meter.spend_slow_turn(state);
    return lua_next(state, table) != 0;
}

TableShape shape_of(lua_State* state, int table) {
    TableShape shape;
    for (lua_pushnil(state); next_key(state, table); lua_pop(state, 1), ++shape.count) {
        const auto key = key_at(state, -2);
        const bool may_be_of_list = key.is_whole && key.whole >= 1;
        shape.is_list = shape.is_list && may_be_of_list;
        shape.whole_max = may_be_of_list ? std::max(shape.whole_max, key.whole) : shape.whole_max;
        shape.is_object = shape.is_object && key.rank == 1;
        shape.has_order = shape.has_order && key.rank >= 0;
    }
    shape.is_list = shape.is_list && shape.whole_max == shape.count;
    return shape;
}

void sort_keys(lua_State* state, TableKey* keys, std::size_t count) {
    const auto sizes = std::accumulate(keys, keys + count, std::size_t{0},
                                       [](std::size_t sum, const TableKey& key) { return sum + key.size; });
    spend_bytes(state, std::bit_width(count) * (sizes + 16 * count));
    std::sort(keys, keys + count, is_before);
}

int no_order(lua_State* state, const char* caller) {
    return luaL_error(
        state, "%s: keys that are tables or functions have no order; use numbers or texts as keys", caller);
}

}  // namespace rules
