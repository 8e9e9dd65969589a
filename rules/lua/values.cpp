#include "rules/lua/values.h"

#include <cmath>
#include <lua.hpp>

#include "engine/base/text.h"
#include "rules/lua/inside.h"
#include "rules/lua/keys.h"

namespace rules {

using engine::Json;

namespace {

constexpr std::int64_t exact_max = std::int64_t{1} << 53U;
const char null_mark = 0;

int depth_error(lua_State* state, std::size_t depth_max) {
    return luaL_error(state, "a value is deeper than %d: depth_max under `scripts` in tenant.yaml raises it",
                      static_cast<int>(depth_max));
}

void push_deep(lua_State* state, const Json& value, Nulls nulls, std::size_t depth) {
    const auto depth_max = inside(state).meter.limits().depth_max;
    if (depth > depth_max) depth_error(state, depth_max);
    spend(state, 4);
    luaL_checkstack(state, 4, nullptr);
    switch (value.type()) {
        case Json::value_t::null:
            return push_null(state);
        case Json::value_t::boolean:
            return lua_pushboolean(state, *value.get_ptr<const bool*>() ? 1 : 0);
        case Json::value_t::number_integer:
            return lua_pushinteger(state, *value.get_ptr<const std::int64_t*>());
        case Json::value_t::number_unsigned: {
            const auto number = *value.get_ptr<const std::uint64_t*>();
            if (number <= static_cast<std::uint64_t>(LUA_MAXINTEGER))
                return lua_pushinteger(state, static_cast<lua_Integer>(number));
            char text[24];
            const int size =
                std::snprintf(text, sizeof(text), "%llu", static_cast<unsigned long long>(number));
            return push_text(state, {text, static_cast<std::size_t>(size)});
        }
        case Json::value_t::number_float:
            return lua_pushnumber(state, *value.get_ptr<const double*>());
        case Json::value_t::string:
            return push_text(state, *value.get_ptr<const std::string*>());
        case Json::value_t::array: {
            lua_createtable(state, static_cast<int>(value.size()), 0);
            mark_list(state);
            lua_Integer place = 0;
            for (const auto& item : value) {
                push_deep(state, item, nulls, depth + 1);
                lua_rawseti(state, -2, ++place);
            }
            return;
        }
        case Json::value_t::object: {
            const auto& members = *value.get_ptr<const Json::object_t*>();
            lua_createtable(state, 0, static_cast<int>(members.size()));
            for (const auto& [name, member] : members) {
                if (member.is_null() && nulls == Nulls::left_out) continue;
                push_text(state, name);
                push_deep(state, member, nulls, depth + 1);
                lua_rawset(state, -3);
            }
            return;
        }
        default:
            lua_pushnil(state);
    }
}

/// Reads one value; `Inside::text` is the path to it.
class JsonReader {
public:
    JsonReader(lua_State* state, const JsonRoom& room) : state_(state), room_(room), run_(inside(state)) {}

    void read(int index, Json& out, std::size_t depth) {
        spend(state_, 8);
        switch (lua_type(state_, index)) {
            case LUA_TNIL:
                take(4);
                return;
            case LUA_TBOOLEAN:
                take(5);
                out = lua_toboolean(state_, index) != 0;
                return;
            case LUA_TNUMBER:
                return read_number(index, out);
            case LUA_TSTRING:
                return read_text(text_at(state_, index), out);
            case LUA_TTABLE:
                return read_table(index, out, depth);
            case LUA_TLIGHTUSERDATA:
                if (lua_touserdata(state_, index) != static_cast<const void*>(&null_mark)) break;
                take(4);
                out = nullptr;
                return;
            default:
                break;
        }
        fail("a %s is no value that can leave a script", luaL_typename(state_, index));
    }

private:
    void fail(const char* form, const char* argument) {
        const char* const message = lua_pushfstring(state_, form, argument);
        luaL_error(state_, "%s: %s: %s", room_.caller, run_.text.c_str(), message);
    }

    void take(std::size_t bytes) {
        room_.bytes += bytes + 1;
        spend_bytes(state_, bytes);
        if (room_.bytes > room_.bytes_max) run_.meter.end(state_, room_.over);
    }

    void read_number(int index, Json& out) {
        take(8);
        if (lua_isinteger(state_, index) != 0) return read_whole(lua_tointeger(state_, index), out);
        const auto number = lua_tonumber(state_, index);
        if (!std::isfinite(number))
            fail("%s is no number that JSON has", std::isnan(number) ? "nan" : "infinity");
        if (number == std::floor(number) && std::fabs(number) <= static_cast<double>(exact_max))
            out = static_cast<std::int64_t>(number);
        else
            out = number;
    }

    void read_whole(lua_Integer number, Json& out) {
        if (number > exact_max || number < -exact_max)
            out = std::to_string(number);
        else
            out = static_cast<std::int64_t>(number);
    }

    void read_text(std::string_view text, Json& out) {
        take(text.size() + 2);
        out = utf8_of(text);
    }

    bool is_marked_list(int table) {
        if (lua_getmetatable(state_, table) == 0) return false;
        lua_rawgeti(state_, LUA_REGISTRYINDEX, kept_list_meta);
        const bool is_list = lua_rawequal(state_, -1, -2) != 0;
        lua_pop(state_, 2);
        return is_list;
    }

    void read_table(int index, Json& out, std::size_t depth) {
        if (depth >= run_.meter.limits().depth_max) {
            lua_pushinteger(state_, static_cast<lua_Integer>(run_.meter.limits().depth_max));
            fail("deeper than %s: depth_max under `scripts` in tenant.yaml raises it",
                 lua_tostring(state_, -1));
        }
        luaL_checkstack(state_, 6, nullptr);
        take(1);
        const int table = lua_absindex(state_, index);
        const auto shape = shape_of(state_, table);
        if (shape.count == 0 ? is_marked_list(table) : shape.is_list)
            return read_list(table, shape.count, out, depth);
        if (shape.is_object) return read_object(table, static_cast<std::size_t>(shape.count), out, depth);
        const bool has_first = lua_rawgeti(state_, table, 1) != LUA_TNIL;
        fail("%s",
             has_first
                 ? "a list has the keys 1 to n, without a hole and without other keys (json.null stands for "
                   "nothing)"
                 : "a key has to be a text, or all of them have to be the numbers 1 to n");
    }

    void read_list(int table, lua_Integer size, Json& out, std::size_t depth) {
        out = Json::array();
        const auto path = run_.text.size();
        for (lua_Integer i = 1; i <= size; ++i) {
            run_.text.append("[").append(std::to_string(i)).append("]");
            out.emplace_back();
            lua_rawgeti(state_, table, i);
            read(-1, out.back(), depth + 1);
            lua_pop(state_, 1);
            run_.text.resize(path);
        }
    }

    /// In the order of the keys, so that of several mistakes it is always the same that is told.
    void read_object(int table, std::size_t count, Json& out, std::size_t depth) {
        out = Json::object();
        auto* const keys = static_cast<TableKey*>(lua_newuserdatauv(state_, count * sizeof(TableKey), 0));
        std::size_t place = 0;
        for (lua_pushnil(state_); next_key(state_, table); lua_pop(state_, 1))
            keys[place++] = key_at(state_, -2);
        sort_keys(state_, keys, count);
        const auto path = run_.text.size();
        for (place = 0; place < count; ++place) {
            const std::string_view key(keys[place].text, keys[place].size);
            take(key.size() + 3);
            run_.text.append(".").append(on_one_line(key, 80));
            lua_pushlstring(state_, key.data(), key.size());
            lua_rawget(state_, table);
            read(-1, out[utf8_of(key)], depth + 1);
            lua_pop(state_, 1);
            run_.text.resize(path);
        }
        lua_pop(state_, 1);
    }

    lua_State* state_;
    const JsonRoom& room_;
    Inside& run_;
};

}  // namespace

std::string utf8_of(std::string_view text) {
    if (engine::is_utf8(text)) return std::string(text);
    const auto written = engine::canonical_json(Json(std::string(text)));
    const auto read = engine::parse_json(written, {written.size(), 2});
    return read && read->is_string() ? read->get<std::string>() : std::string();
}

void push_null(lua_State* state) {
    lua_pushlightuserdata(state, const_cast<char*>(&null_mark));
}

void mark_list(lua_State* state) {
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_list_meta);
    lua_setmetatable(state, -2);
}

void push_json(lua_State* state, const Json& value, Nulls nulls) {
    push_deep(state, value, nulls, 0);
}

void read_json(lua_State* state, int index, Json& out, const JsonRoom& room) {
    inside(state).text = room.what;
    JsonReader(state, room).read(index, out, 0);
}

}  // namespace rules
