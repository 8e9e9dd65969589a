#pragma once
/// TableKey: keys of a table in the one order in which scripts see them: numbers upwards, texts by their
/// bytes, false, true, json.null. Lua's own order depends on a random seed and on addresses, so what is
/// counted must not depend on it either.

#include <cstddef>
#include <cstdint>
#include <string_view>

struct lua_State;

namespace rules {

struct TableKey {
    int rank;
    bool is_whole;
    int place;  ///< in a list of keys, if there is one
    std::int64_t whole;
    double number;
    const char* text;  ///< the table's own
    std::size_t size;
};

/// The key at `index`; its rank is -1 when it has no place in the order.
TableKey key_at(lua_State* state, int index);
bool is_before(const TableKey& left, const TableKey& right);

/// lua_next, which pays. Going on from a key that collides with others takes as long as there are such, and
/// what was emptied is gone through in one step.
bool next_key(lua_State* state, int table);

/// What keys a table has. Neither what it says nor what it costs depends on the order of lua_next.
struct TableShape {
    std::int64_t count = 0;
    std::int64_t whole_max = 0;
    bool is_list = true;    ///< the keys are 1 to `count`; so are those of an empty table
    bool is_object = true;  ///< all are texts
    bool has_order = true;  ///< none has a rank of -1
};
TableShape shape_of(lua_State* state, int table);

/// Sorts, and pays for it by their number and sizes alone.
void sort_keys(lua_State* state, TableKey* keys, std::size_t count);
/// Raises an error about a key that has no place in the order.
int no_order(lua_State* state, const char* caller);

}  // namespace rules
