// utf8: what the manual of Lua 5.4 says, metered.
#include <array>
#include <cstdint>
#include <limits>

#include "rules/lua/inside.h"
#include "rules/lua/libraries.h"

namespace rules {

namespace {

constexpr std::uint32_t unicode_max = 0x10FFFF;
constexpr std::uint32_t code_max = 0x7FFFFFFF;

bool is_continuation(std::string_view text, lua_Integer at) {
    return at >= 0 && at < static_cast<lua_Integer>(text.size()) &&
           (static_cast<unsigned char>(text[static_cast<std::size_t>(at)]) & 0xC0U) == 0x80U;
}

lua_Integer from_end(lua_Integer position, std::size_t size) {
    if (position >= 0) return position;
    if (0U - static_cast<std::size_t>(position) > size) return 0;
    return static_cast<lua_Integer>(size) + position + 1;
}

/// Reads one code; gives the bytes it takes, 0 = what is there is none.
std::size_t read_code(std::string_view text, bool is_strict, std::uint32_t& code) {
    if (text.empty()) return 0;
    const auto first = static_cast<unsigned char>(text[0]);
    code = first;
    if (first < 0x80) return 1;
    std::size_t more = 0;
    while (more < 6 && ((first >> (6 - more)) & 1U) != 0) ++more;
    if ((first & 0x40U) == 0 || more > 5 || text.size() <= more) return 0;
    code = first & (0x3FU >> more);
    for (std::size_t i = 1; i <= more; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0U) != 0x80U) return 0;
        code = (code << 6U) | (next & 0x3FU);
    }
    constexpr std::array<std::uint32_t, 6> least{0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000};
    if (code < least.at(more)) return 0;
    if (is_strict && (code > unicode_max || (code >= 0xD800 && code <= 0xDFFF))) return 0;
    return more + 1;
}

void add_code(TextMaker& made, std::uint32_t code) {
    if (code < 0x80) return made.add(static_cast<char>(code));
    std::array<char, 6> bytes{};
    std::size_t size = 0;
    std::uint32_t first_max = 0x3F;
    do {
        bytes.at(5 - size++) = static_cast<char>(0x80U | (code & 0x3FU));
        code >>= 6U;
        first_max >>= 1U;
    } while (code > first_max);
    bytes.at(5 - size++) = static_cast<char>((~first_max << 1U) | code);
    made.add({bytes.data() + 6 - size, size});
}

int utf8_char(lua_State* state) {
    const int count = lua_gettop(state);
    TextMaker made(state);
    for (int i = 1; i <= count; ++i) {
        const auto code = static_cast<lua_Unsigned>(check_integer(state, i));
        luaL_argcheck(state, code <= code_max, i, "value out of range");
        spend(state, 1);
        add_code(made, static_cast<std::uint32_t>(code));
    }
    made.push();
    return 1;
}

int utf8_codepoint(lua_State* state) {
    const auto text = check_text(state, 1);
    const auto first = from_end(check_integer(state, 2, 1), text.size());
    const auto last = from_end(check_integer(state, 3, first), text.size());
    const bool is_strict = lua_toboolean(state, 4) == 0;
    luaL_argcheck(state, first >= 1, 2, "out of bounds");
    luaL_argcheck(state, last <= static_cast<lua_Integer>(text.size()), 3, "out of bounds");
    if (first > last) return 0;
    if (last - first >= std::numeric_limits<int>::max()) return luaL_error(state, "string slice too long");
    luaL_checkstack(state, static_cast<int>(last - first) + 1, "string slice too long");
    int count = 0;
    for (auto at = static_cast<std::size_t>(first - 1); at < static_cast<std::size_t>(last); ++count) {
        spend(state, 1);
        std::uint32_t code = 0;
        const auto size = read_code(text.substr(at), is_strict, code);
        if (size == 0) return luaL_error(state, "invalid UTF-8 code");
        lua_pushinteger(state, code);
        at += size;
    }
    return count;
}

int utf8_len(lua_State* state) {
    const auto text = check_text(state, 1);
    const auto size = static_cast<lua_Integer>(text.size());
    auto at = from_end(check_integer(state, 2, 1), text.size()) - 1;
    const auto last = from_end(check_integer(state, 3, -1), text.size()) - 1;
    const bool is_strict = lua_toboolean(state, 4) == 0;
    luaL_argcheck(state, at >= 0 && at <= size, 2, "initial position out of bounds");
    luaL_argcheck(state, last < size, 3, "final position out of bounds");
    lua_Integer count = 0;
    for (; at <= last; ++count) {
        spend(state, 1);
        std::uint32_t code = 0;
        const auto bytes = read_code(text.substr(static_cast<std::size_t>(at)), is_strict, code);
        if (bytes == 0) {
            luaL_pushfail(state);
            lua_pushinteger(state, at + 1);
            return 2;
        }
        at += static_cast<lua_Integer>(bytes);
    }
    lua_pushinteger(state, count);
    return 1;
}

int utf8_offset(lua_State* state) {
    const auto text = check_text(state, 1);
    auto wanted = check_integer(state, 2);
    const auto size = static_cast<lua_Integer>(text.size());
    auto at = from_end(check_integer(state, 3, wanted > 0 ? 1 : size + 1), text.size()) - 1;
    luaL_argcheck(state, at >= 0 && at <= size, 3, "position out of bounds");
    if (wanted == 0) {
        while (at > 0 && is_continuation(text, at)) --at, spend_bytes(state, 1);
        lua_pushinteger(state, at + 1);
        return 1;
    }
    if (is_continuation(text, at)) return luaL_error(state, "initial position is a continuation byte");
    for (; wanted < 0 && at > 0; ++wanted) {
        spend(state, 1);
        do --at, spend_bytes(state, 1);
        while (at > 0 && is_continuation(text, at));
    }
    if (wanted > 0) {
        for (--wanted; wanted > 0 && at < size; --wanted) {
            spend(state, 1);
            do ++at, spend_bytes(state, 1);
            while (is_continuation(text, at));
        }
    }
    if (wanted == 0)
        lua_pushinteger(state, at + 1);
    else
        luaL_pushfail(state);
    return 1;
}

int next_code(lua_State* state, bool is_strict) {
    const auto text = check_text(state, 1);
    spend_for_number(state, 2);
    auto at = lua_tointeger(state, 2);
    if (at < 0 || at > static_cast<lua_Integer>(text.size())) return 0;
    while (is_continuation(text, at)) {
        ++at;
        spend_bytes(state, 1);
    }
    if (at >= static_cast<lua_Integer>(text.size())) return 0;
    std::uint32_t code = 0;
    const auto bytes = read_code(text.substr(static_cast<std::size_t>(at)), is_strict, code);
    if (bytes == 0 || is_continuation(text, at + static_cast<lua_Integer>(bytes)))
        return luaL_error(state, "invalid UTF-8 code");
    lua_pushinteger(state, at + 1);
    lua_pushinteger(state, code);
    return 2;
}

int utf8_codes(lua_State* state) {
    const bool is_lax = lua_toboolean(state, 2) != 0;
    const auto text = check_text(state, 1);
    luaL_argcheck(state, !is_continuation(text, 0), 1, "invalid UTF-8 code");
    lua_pushcfunction(
        state, is_lax ? [](lua_State* lax) { return next_code(lax, false); }
                      : [](lua_State* strict) { return next_code(strict, true); });
    lua_pushvalue(state, 1);
    lua_pushinteger(state, 0);
    return 3;
}

constexpr std::array<luaL_Reg, 6> utf8_functions{{{"char", utf8_char},
                                                  {"codepoint", utf8_codepoint},
                                                  {"codes", utf8_codes},
                                                  {"len", utf8_len},
                                                  {"offset", utf8_offset},
                                                  {nullptr, nullptr}}};

}  // namespace

void push_utf8_library(lua_State* state) {
    lua_createtable(state, 0, static_cast<int>(utf8_functions.size()));
    luaL_setfuncs(state, utf8_functions.data(), 0);
    lua_pushliteral(state, "[\0-\x7F\xC2-\xFD][\x80-\xBF]*");
    lua_setfield(state, -2, "charpattern");
}

}  // namespace rules
