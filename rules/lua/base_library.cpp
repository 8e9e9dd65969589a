// What scripts know without a module: the functions, and the tables of the libraries, made when first used.
#include <algorithm>
#include <array>
#include <cctype>

#include "engine/base/diagnostic.h"
#include "rules/lua/inside.h"
#include "rules/lua/keys.h"
#include "rules/lua/libraries.h"

namespace rules {

int base_type(lua_State* state) {
    luaL_checkany(state, 1);
    lua_pushstring(state, luaL_typename(state, 1));
    return 1;
}

void push_text_of(lua_State* state, int index) {
    switch (lua_type(state, index)) {
        case LUA_TSTRING:
            lua_pushvalue(state, index);
            break;
        case LUA_TNUMBER:
            spend(state, turns_of_a_shown_number);
            lua_pushvalue(state, index);
            lua_tolstring(state, -1, nullptr);
            break;
        case LUA_TBOOLEAN:
            lua_pushstring(state, lua_toboolean(state, index) != 0 ? "true" : "false");
            break;
        case LUA_TLIGHTUSERDATA:
            lua_pushliteral(state, "null");
            break;
        default:
            lua_pushstring(state, luaL_typename(state, index));
            break;
    }
}

int base_tostring(lua_State* state) {
    luaL_checkany(state, 1);
    push_text_of(state, 1);
    return 1;
}

namespace {

/// Digits of the base with a sign; false when the text is none.
bool whole_of_base(std::string_view text, int base, lua_Integer& number) {
    const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
    const auto* at = std::find_if_not(text.begin(), text.end(), is_space);
    const bool is_negative = at != text.end() && *at == '-';
    if (at != text.end() && (*at == '-' || *at == '+')) ++at;
    const auto* const first = at;
    lua_Unsigned value = 0;
    for (; at != text.end() && std::isalnum(static_cast<unsigned char>(*at)) != 0; ++at) {
        const int c = std::toupper(static_cast<unsigned char>(*at));
        const int digit = std::isdigit(c) != 0 ? c - '0' : c - 'A' + 10;
        if (digit >= base) return false;
        value = value * static_cast<lua_Unsigned>(base) + static_cast<lua_Unsigned>(digit);
    }
    if (at == first || std::find_if_not(at, text.end(), is_space) != text.end()) return false;
    number = static_cast<lua_Integer>(is_negative ? 0U - value : value);
    return true;
}

}  // namespace

int base_tonumber(lua_State* state) {
    if (lua_isnoneornil(state, 2)) {
        if (lua_type(state, 1) == LUA_TNUMBER) {
            lua_settop(state, 1);
            return 1;
        }
        luaL_checkany(state, 1);
        if (lua_type(state, 1) == LUA_TSTRING) {
            const auto text = text_at(state, 1);
            spend(state, text.size() / 4);
            if (lua_stringtonumber(state, text.data()) == text.size() + 1) return 1;
        }
        luaL_pushfail(state);
        return 1;
    }
    const auto base = check_integer(state, 2);
    luaL_checktype(state, 1, LUA_TSTRING);
    const auto text = text_at(state, 1);
    luaL_argcheck(state, base >= 2 && base <= 36, 2, "base out of range");
    spend(state, text.size() / 4);
    lua_Integer number = 0;
    if (whole_of_base(text, static_cast<int>(base), number))
        lua_pushinteger(state, number);
    else
        luaL_pushfail(state);
    return 1;
}

int base_select(lua_State* state) {
    const int count = lua_gettop(state);
    if (lua_type(state, 1) == LUA_TSTRING && *lua_tostring(state, 1) == '#') {
        lua_pushinteger(state, count - 1);
        return 1;
    }
    auto position = check_integer(state, 1);
    if (position < 0)
        position = count + position;
    else if (position > count)
        position = count;
    luaL_argcheck(state, position >= 1, 1, "index out of range");
    spend(state, static_cast<std::uint64_t>(count) / 16);
    return count - static_cast<int>(position);
}

// ---- errors

int base_error(lua_State* state) {
    const auto level = check_integer(state, 2, 1);
    lua_settop(state, 1);
    if (lua_type(state, 1) == LUA_TSTRING && level > 0) {
        luaL_where(state, static_cast<int>(std::min<lua_Integer>(level, 200)));
        lua_pushvalue(state, 1);
        spend_bytes(state, 2 * text_at(state, 1).size());
        lua_concat(state, 2);
    }
    return lua_error(state);
}

int base_assert(lua_State* state) {
    if (lua_toboolean(state, 1) != 0) return lua_gettop(state);
    luaL_checkany(state, 1);
    lua_remove(state, 1);
    lua_pushliteral(state, "assertion failed!");
    lua_settop(state, 1);
    return base_error(state);
}

namespace {

/// What was caught, as `pcall` gives it: unless the run is ending, which nobody catches.
int caught(lua_State* state, int status, std::size_t requiring) {
    auto& run = inside(state);
    run.meter.pass_on(state, status);
    if (status == LUA_OK) return lua_gettop(state);
    run.requiring.resize(requiring);
    lua_pushboolean(state, 0);
    lua_insert(state, -2);
    return 2;
}

int handle_error(lua_State* state) {
    if (inside(state).meter.ending() != Ending::none) return 1;
    lua_pushvalue(state, lua_upvalueindex(1));
    lua_insert(state, 1);
    lua_settop(state, 2);
    lua_call(state, 1, 1);
    return 1;
}

}  // namespace

int base_pcall(lua_State* state) {
    luaL_checkany(state, 1);
    spend(state, 8);
    const auto requiring = inside(state).requiring.size();
    lua_pushboolean(state, 1);
    lua_insert(state, 1);
    const int status = lua_pcall(state, lua_gettop(state) - 2, LUA_MULTRET, 0);
    return caught(state, status, requiring);
}

int base_xpcall(lua_State* state) {
    luaL_checktype(state, 2, LUA_TFUNCTION);
    spend(state, 8);
    const auto requiring = inside(state).requiring.size();
    lua_pushvalue(state, 2);
    lua_pushcclosure(state, handle_error, 1);
    lua_replace(state, 2);
    lua_pushboolean(state, 1);
    lua_pushvalue(state, 1);
    lua_rotate(state, 3, 2);
    const int status = lua_pcall(state, lua_gettop(state) - 4, LUA_MULTRET, 2);
    if (status == LUA_OK) {
        inside(state).meter.pass_on(state, status);
        return lua_gettop(state) - 2;
    }
    return caught(state, status, requiring);
}

// ---- going through tables

namespace {

/// Upvalues: the table, its size, where we are.
int next_of_list(lua_State* state) {
    const auto size = lua_tointeger(state, lua_upvalueindex(2));
    for (auto at = lua_tointeger(state, lua_upvalueindex(3)) + 1; at <= size; ++at) {
        spend(state, 1);
        lua_pushinteger(state, at);
        lua_copy(state, -1, lua_upvalueindex(3));
        if (lua_rawgeti(state, lua_upvalueindex(1), at) != LUA_TNIL) return 2;
        lua_pop(state, 2);
    }
    lua_pushnil(state);
    return 1;
}

/// Upvalues: the table, its keys, their order, how many, where we are.
int next_of_keys(lua_State* state) {
    const auto* order = static_cast<const TableKey*>(lua_touserdata(state, lua_upvalueindex(3)));
    const auto count = lua_tointeger(state, lua_upvalueindex(4));
    for (auto at = lua_tointeger(state, lua_upvalueindex(5)); at < count; ++at) {
        spend(state, 1);
        lua_pushinteger(state, at + 1);
        lua_replace(state, lua_upvalueindex(5));
        lua_rawgeti(state, lua_upvalueindex(2), order[at].place);
        lua_pushvalue(state, -1);
        if (lua_rawget(state, lua_upvalueindex(1)) != LUA_TNIL) return 2;
        lua_pop(state, 2);
    }
    lua_pushnil(state);
    return 1;
}

void make_all(lua_State* state, int table) {
    if (lua_getmetatable(state, table) == 0) return;
    if (lua_getfield(state, -1, "make_all") == LUA_TFUNCTION) {
        lua_pushvalue(state, table);
        lua_call(state, 1, 0);
        lua_pop(state, 1);
    } else {
        lua_pop(state, 2);
    }
}

}  // namespace

int base_pairs(lua_State* state) {
    luaL_checktype(state, 1, LUA_TTABLE);
    lua_settop(state, 1);
    make_all(state, 1);
    const auto shape = shape_of(state, 1);
    if (!shape.has_order) return no_order(state, "pairs");
    if (shape.is_list) {
        lua_pushvalue(state, 1);
        lua_pushinteger(state, shape.count);
        lua_pushinteger(state, 0);
        lua_pushcclosure(state, next_of_list, 3);
        return 1;
    }
    lua_newtable(state);  // 2: the keys
    lua_Integer count = 0;
    for (lua_pushnil(state); next_key(state, 1);) {
        lua_pop(state, 1);
        lua_pushvalue(state, -1);
        lua_rawseti(state, 2, ++count);
    }
    auto* order = static_cast<TableKey*>(
        lua_newuserdatauv(state, static_cast<std::size_t>(count) * sizeof(TableKey), 0));
    for (lua_Integer i = 0; i < count; ++i) {
        lua_rawgeti(state, 2, i + 1);
        order[i] = key_at(state, -1);
        order[i].place = static_cast<int>(i + 1);
        lua_pop(state, 1);
    }
    sort_keys(state, order, static_cast<std::size_t>(count));
    lua_pushvalue(state, 1);
    lua_insert(state, 2);
    lua_pushinteger(state, count);
    lua_pushinteger(state, 0);
    lua_pushcclosure(state, next_of_keys, 5);
    return 1;
}

/// The first key after this one in the order of `pairs`, by looking at all.
int base_next(lua_State* state) {
    luaL_checktype(state, 1, LUA_TTABLE);
    lua_settop(state, 2);
    make_all(state, 1);
    const bool is_first = lua_isnil(state, 2);
    const auto after = is_first ? TableKey{} : key_at(state, 2);
    if (after.rank < 0) return no_order(state, "next");
    bool has_best = false;
    bool has_order = true;
    TableKey best{};
    lua_pushnil(state);  // 3: the best
    for (lua_pushnil(state); next_key(state, 1);) {
        lua_pop(state, 1);
        const auto key = key_at(state, -1);
        has_order = has_order && key.rank >= 0;
        spend_bytes(state, 64 + key.size + after.size);
        const bool is_after = is_first || is_before(after, key);
        if (!is_after || (has_best && !is_before(key, best))) continue;
        has_best = true;
        best = key;
        lua_copy(state, -1, 3);
    }
    if (!has_order) return no_order(state, "next");
    lua_settop(state, 3);
    if (!has_best) return 1;
    lua_pushvalue(state, 3);
    lua_rawget(state, 1);
    return 2;
}

namespace {

int next_of_items(lua_State* state) {
    // Behind the greatest number comes the least, as everywhere in Lua.
    const auto at = static_cast<lua_Integer>(static_cast<lua_Unsigned>(check_integer(state, 2)) + 1);
    luaL_checktype(state, 1, LUA_TTABLE);
    lua_pushinteger(state, at);
    return lua_rawgeti(state, 1, at) == LUA_TNIL ? 1 : 2;
}

}  // namespace

int base_ipairs(lua_State* state) {
    luaL_checktype(state, 1, LUA_TTABLE);
    lua_pushcfunction(state, next_of_items);
    lua_pushvalue(state, 1);
    lua_pushinteger(state, 0);
    return 3;
}

// ---- files

namespace {

void set_globals_of_file(lua_State* state) {
    if (!lua_setupvalue(state, -2, 1)) lua_pop(state, 1);
}

}  // namespace

void push_file(lua_State* state, const std::string& name) {
    auto& run = inside(state);
    const auto& files = run.set.files;
    const auto file =
        std::find_if(files.begin(), files.end(), [&](const ScriptFile& one) { return one.name == name; });
    const auto number = static_cast<lua_Integer>(file - files.begin()) + 1;
    if (std::find(run.used_files.begin(), run.used_files.end(), number) == run.used_files.end())
        run.used_files.push_back(number);
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_files);
    lua_rawgeti(state, -1, number);
    lua_remove(state, -2);
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_globals);
    set_globals_of_file(state);
}

void forget_globals_of_files(lua_State* state) {
    auto& used = inside(state).used_files;
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_files);
    for (; !used.empty(); used.pop_back()) {
        lua_rawgeti(state, -1, used.back());
        lua_pushnil(state);
        set_globals_of_file(state);
        lua_pop(state, 1);
    }
    lua_pop(state, 1);
}

const ScriptFile* file_required(const ScriptSet& set, std::string_view name) {
    constexpr std::string_view folder = "scripts/";
    constexpr std::string_view ending = ".lua";
    const auto is_named = [&](std::string_view file) {
        if (file == name) return true;
        if (file.size() != name.size() + ending.size() || file.substr(name.size()) != ending) return false;
        return std::equal(name.begin(), name.end(), file.begin(),
                          [](char asked, char has) { return asked == has || (asked == '.' && has == '/'); });
    };
    const auto is_meant = [&](std::string_view file) {
        if (is_named(file)) return true;
        return file.substr(0, folder.size()) == folder && is_named(file.substr(folder.size()));
    };
    const auto found = std::find_if(set.files.begin(), set.files.end(),
                                    [&](const ScriptFile& file) { return is_meant(file.name); });
    return found == set.files.end() ? nullptr : &*found;
}

namespace {

/// Leaves the message in `run.text`, which no jump has to destroy.
void describe_circle(Inside& run, const std::string& name) {
    run.text = "require: " + name + " needs itself: ";
    const auto first = std::find(run.requiring.begin(), run.requiring.end(), name);
    std::for_each(first, run.requiring.end(), [&](const std::string& file) { run.text += file + " → "; });
    run.text += name;
}

}  // namespace

/// `, did you mean "scripts/lib/words"?`, in `run.text`.
void describe_nearest(lua_State* state, std::string_view name) {
    constexpr std::size_t name_bytes_max = 80;
    auto& run = inside(state);
    run.text.clear();
    if (name.size() > name_bytes_max) return;
    spend(state, run.set.files.size() * name.size());
    std::vector<std::string> names;
    for (const auto& file : run.set.files) {
        const std::string_view whole = file.name;
        if (whole.starts_with("scripts/")) names.emplace_back(whole.substr(0, whole.rfind('.')));
    }
    run.text = engine::hint(name, names);
}

int base_require(lua_State* state) {
    const auto asked = check_text(state, 1);
    auto& run = inside(state);
    spend_bytes(state, 64 * run.set.files.size());
    const auto* file = file_required(run.set, asked);
    if (!file) {
        describe_nearest(state, asked);
        return luaL_error(state, "require: there is no file \"%s\" among the tenant's scripts%s",
                          lua_tostring(state, 1), run.text.c_str());
    }
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_required);
    if (lua_getfield(state, -1, file->name.c_str()) != LUA_TNIL) return 1;
    if (std::find(run.requiring.begin(), run.requiring.end(), file->name) != run.requiring.end()) {
        describe_circle(run, file->name);
        return luaL_error(state, "%s", run.text.c_str());
    }
    run.requiring.push_back(file->name);
    push_file(state, file->name);
    lua_call(state, 0, 1);
    run.requiring.pop_back();
    if (lua_isnil(state, -1)) {
        lua_pop(state, 1);
        lua_pushboolean(state, 1);
    }
    lua_pushvalue(state, -1);
    lua_setfield(state, 2, file->name.c_str());
    return 1;
}

// ---- made when first used

const std::vector<LibraryEntry>& library_entries() {
    static const std::vector<LibraryEntry> entries{
        {"assert", base_assert},
        {"date", nullptr, push_date_library},
        {"error", base_error},
        {"ipairs", base_ipairs},
        {"json", nullptr, push_json_library},
        {"math", nullptr, push_math_library},
        {"next", base_next},
        {"pairs", base_pairs},
        {"pcall", base_pcall},
        {"require", base_require},
        {"select", base_select},
        {"string", nullptr, push_strings},
        {"table", nullptr, push_table_library},
        {"text", nullptr, push_text_library},
        {"tonumber", base_tonumber},
        {"tostring", base_tostring},
        {"type", base_type},
        {"utf8", nullptr, push_utf8_library},
        {"xpcall", base_xpcall},
    };
    return entries;
}

void push_strings(lua_State* state) {
    if (lua_rawgeti(state, LUA_REGISTRYINDEX, kept_strings) == LUA_TTABLE) return;
    lua_pop(state, 1);
    push_string_library(state);
    lua_pushvalue(state, -1);
    lua_rawseti(state, LUA_REGISTRYINDEX, kept_strings);
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_strings_meta);
    lua_pushvalue(state, -2);
    lua_setfield(state, -2, "__index");
    lua_pop(state, 1);
}

int index_strings(lua_State* state) {
    push_strings(state);
    lua_pushvalue(state, 2);
    lua_rawget(state, -2);
    return 1;
}

namespace {

/// Pushes what the entry is, and puts it where it is looked for from now on.
void make_global(lua_State* state, int table, const LibraryEntry& entry) {
    if (entry.function)
        lua_pushcfunction(state, entry.function);
    else
        entry.push(state);
    lua_pushstring(state, entry.name);
    lua_pushvalue(state, -2);
    lua_rawset(state, table);
}

}  // namespace

int index_globals(lua_State* state) {
    if (lua_type(state, 2) != LUA_TSTRING) return 0;
    const auto& entries = library_entries();
    const auto name = text_at(state, 2);
    const auto found = std::lower_bound(
        entries.begin(), entries.end(), name,
        [](const auto& entry, auto wanted) { return std::string_view(entry.name) < wanted; });
    if (found == entries.end() || found->name != name) return 0;
    const auto bit = std::uint64_t{1} << static_cast<std::uint64_t>(found - entries.begin());
    if ((inside(state).made_globals & bit) != 0) return 0;
    inside(state).made_globals |= bit;
    make_global(state, 1, *found);
    return 1;
}

int make_all_globals(lua_State* state) {
    auto bit = std::uint64_t{1};
    for (const auto& entry : library_entries()) {
        const bool is_new = (inside(state).made_globals & bit) == 0;
        inside(state).made_globals |= bit;
        bit <<= 1U;
        if (!is_new) continue;
        lua_pushstring(state, entry.name);
        const bool is_free = lua_rawget(state, 1) == LUA_TNIL;
        lua_pop(state, 1);
        if (!is_free) continue;  // the script has called something else so
        make_global(state, 1, entry);
        lua_pop(state, 1);
    }
    return 0;
}

}  // namespace rules
