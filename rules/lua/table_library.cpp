// table: what the manual of Lua 5.4 says of tables without metatables, metered; sort is a merge sort, which
// keeps what is equal in its order and has no order function that it could not stand.
#include <algorithm>
#include <array>
#include <limits>

#include "rules/lua/inside.h"
#include "rules/lua/libraries.h"

namespace rules {

namespace {

constexpr std::uint64_t turns_of_an_item = 4;

lua_Integer table_size(lua_State* state, int argument) {
    luaL_checktype(state, argument, LUA_TTABLE);
    return static_cast<lua_Integer>(lua_rawlen(state, argument));
}

void spend_turns(lua_State* state, lua_Integer turns) {
    if (turns > 0) spend(state, static_cast<std::uint64_t>(turns));
}

int table_concat(lua_State* state) {
    const auto size = table_size(state, 1);
    const auto between = check_text(state, 2, "");
    const auto first = check_integer(state, 3, 1);
    const auto last = check_integer(state, 4, size);
    lua_settop(state, 4);
    TextMaker made(state);
    for (auto i = first; i <= last; ++i) {
        spend(state, turns_of_an_item);
        lua_rawgeti(state, 1, i);
        if (lua_isstring(state, -1) == 0)
            return luaL_error(state, "invalid value (at index %I) in table for 'concat'",
                              static_cast<LUAI_UACINT>(i));
        if (lua_type(state, -1) == LUA_TNUMBER) spend(state, turns_of_a_shown_number);
        made.add(text_at(state, -1));
        lua_pop(state, 1);
        if (i == last) break;
        made.add(between);
    }
    made.push();
    return 1;
}

int table_insert(lua_State* state) {
    const auto next = static_cast<lua_Integer>(static_cast<lua_Unsigned>(table_size(state, 1)) + 1);
    switch (lua_gettop(state)) {
        case 2:
            lua_rawseti(state, 1, next);
            return 0;
        case 3:
            break;
        default:
            return luaL_error(state, "wrong number of arguments to 'insert'");
    }
    const auto position = check_integer(state, 2);
    luaL_argcheck(state, static_cast<lua_Unsigned>(position) - 1U < static_cast<lua_Unsigned>(next), 2,
                  "position out of bounds");
    for (auto i = next; i > position; --i) {
        spend(state, turns_of_an_item);
        lua_rawgeti(state, 1, i - 1);
        lua_rawseti(state, 1, i);
    }
    lua_rawseti(state, 1, position);
    return 0;
}

int table_remove(lua_State* state) {
    const auto size = table_size(state, 1);
    auto position = check_integer(state, 2, size);
    if (position != size)
        luaL_argcheck(state, static_cast<lua_Unsigned>(position) - 1U <= static_cast<lua_Unsigned>(size), 2,
                      "position out of bounds");
    lua_settop(state, 1);
    lua_rawgeti(state, 1, position);
    for (; position < size; ++position) {
        spend(state, turns_of_an_item);
        lua_rawgeti(state, 1, position + 1);
        lua_rawseti(state, 1, position);
    }
    lua_pushnil(state);
    lua_rawseti(state, 1, position);
    return 1;
}

int table_move(lua_State* state) {
    const auto first = check_integer(state, 2);
    const auto last = check_integer(state, 3);
    const auto to = check_integer(state, 4);
    const int target = lua_isnoneornil(state, 5) ? 1 : 5;
    luaL_checktype(state, 1, LUA_TTABLE);
    luaL_checktype(state, target, LUA_TTABLE);
    if (last >= first) {
        luaL_argcheck(state, first > 0 || last < std::numeric_limits<lua_Integer>::max() + first, 3,
                      "too many elements to move");
        luaL_argcheck(state, to <= std::numeric_limits<lua_Integer>::max() - (last - first), 4,
                      "destination wrap around");
        const bool is_upwards =
            to > last || to <= first || (target != 1 && lua_rawequal(state, 1, target) == 0);
        for (lua_Integer i = 0; i <= last - first; ++i) {
            const auto offset = is_upwards ? i : last - first - i;
            spend(state, turns_of_an_item);
            lua_rawgeti(state, 1, first + offset);
            lua_rawseti(state, target, to + offset);
        }
    }
    lua_pushvalue(state, target);
    return 1;
}

int table_pack(lua_State* state) {
    const int count = lua_gettop(state);
    spend_turns(state, count);
    lua_createtable(state, count, 1);
    lua_insert(state, 1);
    for (int i = count; i >= 1; --i) lua_rawseti(state, 1, i);
    lua_pushinteger(state, count);
    lua_setfield(state, 1, "n");
    return 1;
}

int table_unpack(lua_State* state) {
    luaL_checktype(state, 1, LUA_TTABLE);
    const auto first = check_integer(state, 2, 1);
    const auto last = luaL_opt(state, check_integer, 3, static_cast<lua_Integer>(lua_rawlen(state, 1)));
    if (first > last) return 0;
    const auto more = static_cast<lua_Unsigned>(last) - static_cast<lua_Unsigned>(first);
    if (more >= static_cast<lua_Unsigned>(std::numeric_limits<int>::max()) ||
        lua_checkstack(state, static_cast<int>(more + 1)) == 0)
        return luaL_error(state, "too many results to unpack");
    spend(state, more + 1);
    for (lua_Unsigned i = 0; i <= more; ++i) lua_rawgeti(state, 1, first + static_cast<lua_Integer>(i));
    return static_cast<int>(more + 1);
}

// ---- sort

constexpr int order_slot = 2;
constexpr int from_slot = 3;
constexpr int to_slot = 4;

/// Of the two values on top, and takes them away.
bool table_less(lua_State* state) {
    bool is_less = false;
    if (!lua_isnil(state, order_slot)) {
        lua_pushvalue(state, order_slot);
        lua_pushvalue(state, -3);
        lua_pushvalue(state, -3);
        lua_call(state, 2, 1);
        is_less = lua_toboolean(state, -1) != 0;
        lua_pop(state, 1);
    } else if (lua_type(state, -1) == LUA_TSTRING && lua_type(state, -2) == LUA_TSTRING) {
        const auto left = text_at(state, -2);
        const auto right = text_at(state, -1);
        spend_bytes(state, std::min(left.size(), right.size()));
        is_less = left < right;
    } else {
        is_less = lua_compare(state, -2, -1, LUA_OPLT) != 0;
    }
    lua_pop(state, 2);
    return is_less;
}

void take_item(lua_State* state, lua_Integer from, lua_Integer to) {
    lua_rawgeti(state, from_slot, from);
    lua_rawseti(state, to_slot, to);
}

/// Two runs of `from`, [first, middle) and [middle, end), become one of `to`.
void merge_runs(lua_State* state, lua_Integer first, lua_Integer middle, lua_Integer end) {
    auto left = first;
    auto right = middle;
    for (auto at = first; at < end; ++at) {
        spend(state, turns_of_an_item);
        if (left == middle || right == end) {
            take_item(state, left == middle ? right++ : left++, at);
            continue;
        }
        lua_rawgeti(state, from_slot, right);
        lua_rawgeti(state, from_slot, left);
        take_item(state, table_less(state) ? right++ : left++, at);
    }
}

int table_sort(lua_State* state) {
    const auto size = table_size(state, 1);
    if (!lua_isnoneornil(state, 2)) luaL_checktype(state, 2, LUA_TFUNCTION);
    if (size < 2) return 0;
    luaL_argcheck(state, size < std::numeric_limits<int>::max(), 1, "array too big");
    lua_settop(state, 2);
    spend_turns(state, size);
    lua_createtable(state, static_cast<int>(size), 0);
    lua_createtable(state, static_cast<int>(size), 0);
    for (lua_Integer i = 1; i <= size; ++i) {
        lua_rawgeti(state, 1, i);
        lua_rawseti(state, from_slot, i);
    }
    for (lua_Integer width = 1; width < size; width *= 2) {
        for (lua_Integer first = 1; first <= size; first += 2 * width)
            merge_runs(state, first, std::min(first + width, size + 1),
                       std::min(first + 2 * width, size + 1));
        lua_insert(state, from_slot);
    }
    for (lua_Integer i = 1; i <= size; ++i) {
        lua_rawgeti(state, from_slot, i);
        lua_rawseti(state, 1, i);
    }
    return 0;
}

constexpr std::array<luaL_Reg, 8> table_functions{{{"concat", table_concat},
                                                   {"insert", table_insert},
                                                   {"move", table_move},
                                                   {"pack", table_pack},
                                                   {"remove", table_remove},
                                                   {"sort", table_sort},
                                                   {"unpack", table_unpack},
                                                   {nullptr, nullptr}}};

}  // namespace

void push_table_library(lua_State* state) {
    lua_createtable(state, 0, static_cast<int>(table_functions.size()));
    luaL_setfuncs(state, table_functions.data(), 0);
}

}  // namespace rules
