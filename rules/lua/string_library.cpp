// string: what the manual of Lua 5.4 says, metered; without dump, pack and unpack, and without %p.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "rules/lua/inside.h"
#include "rules/lua/libraries.h"
#include "rules/lua/pattern.h"

namespace rules {

namespace {

/// Positions as Lua counts them: from 1, negative from the end; clipped to the text.
std::size_t first_position(lua_Integer position, std::size_t size) {
    if (position > 0) return static_cast<std::size_t>(position);
    if (position == 0) return 1;
    if (position < -static_cast<lua_Integer>(size)) return 1;
    return size + static_cast<std::size_t>(position + 1);
}
std::size_t last_position(lua_Integer position, std::size_t size) {
    if (position > static_cast<lua_Integer>(size)) return size;
    if (position >= 0) return static_cast<std::size_t>(position);
    if (position < -static_cast<lua_Integer>(size)) return 0;
    return size + static_cast<std::size_t>(position + 1);
}

int string_len(lua_State* state) {
    lua_pushinteger(state, static_cast<lua_Integer>(check_text(state, 1).size()));
    return 1;
}

int string_sub(lua_State* state) {
    const auto text = check_text(state, 1);
    const auto first = first_position(check_integer(state, 2), text.size());
    const auto last = last_position(check_integer(state, 3, -1), text.size());
    push_text(state, first <= last ? text.substr(first - 1, last - first + 1) : std::string_view());
    return 1;
}

template <class Change>
int string_changed(lua_State* state, Change change) {
    const auto text = check_text(state, 1);
    TextMaker made(state);
    std::transform(text.begin(), text.end(), made.room(text.size()), change);
    made.added(text.size());
    spend_bytes(state, text.size());
    made.push();
    return 1;
}
char lower_ascii(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
char upper_ascii(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}
int string_lower(lua_State* state) {
    return string_changed(state, lower_ascii);
}
int string_upper(lua_State* state) {
    return string_changed(state, upper_ascii);
}

int string_reverse(lua_State* state) {
    const auto text = check_text(state, 1);
    TextMaker made(state);
    std::reverse_copy(text.begin(), text.end(), made.room(text.size()));
    made.added(text.size());
    spend_bytes(state, text.size());
    made.push();
    return 1;
}

int string_rep(lua_State* state) {
    const auto text = check_text(state, 1);
    const auto times = check_integer(state, 2);
    const auto between = check_text(state, 3, "");
    if (times <= 0 || text.size() + between.size() == 0) {
        lua_pushliteral(state, "");
        return 1;
    }
    auto& meter = inside(state).meter;
    const auto most = meter.limits().text_bytes_max / (text.size() + between.size()) + 1;
    if (static_cast<std::uint64_t>(times) > most) meter.end(state, Ending::text);
    spend(state, static_cast<std::uint64_t>(times));
    TextMaker made(state);
    for (lua_Integer i = 1; i < times; ++i) {
        made.add(text);
        made.add(between);
    }
    made.add(text);
    made.push();
    return 1;
}

int string_byte(lua_State* state) {
    const auto text = check_text(state, 1);
    const auto from = check_integer(state, 2, 1);
    const auto first = first_position(from, text.size());
    const auto last = last_position(check_integer(state, 3, static_cast<lua_Integer>(first)), text.size());
    if (first > last) return 0;
    const auto count = last - first + 1;
    if (count >= static_cast<std::size_t>(std::numeric_limits<int>::max()))
        return luaL_error(state, "string slice too long");
    spend(state, count);
    luaL_checkstack(state, static_cast<int>(count), "string slice too long");
    for (auto i = first; i <= last; ++i) lua_pushinteger(state, static_cast<unsigned char>(text[i - 1]));
    return static_cast<int>(count);
}

int string_char(lua_State* state) {
    const int count = lua_gettop(state);
    spend(state, static_cast<std::uint64_t>(count));
    TextMaker made(state);
    for (int i = 1; i <= count; ++i) {
        const auto c = static_cast<lua_Unsigned>(check_integer(state, i));
        luaL_argcheck(state, c <= 255, i, "value out of range");
        made.add(static_cast<char>(c));
    }
    made.push();
    return 1;
}

bool is_plain(std::string_view pattern) {
    return pattern.find_first_of("^$*+?.([%-") == std::string_view::npos;
}

int string_found(lua_State* state, bool is_find) {
    const auto text = check_text(state, 1);
    const auto pattern = check_text(state, 2);
    const auto start = first_position(check_integer(state, 3, 1), text.size()) - 1;
    if (start > text.size()) {
        luaL_pushfail(state);
        return 1;
    }
    spend_bytes(state, pattern.size());
    if (is_find && (lua_toboolean(state, 4) != 0 || is_plain(pattern))) {
        spend_bytes(state, text.size() - start);
        const void* found = memmem(text.data() + start, text.size() - start, pattern.data(), pattern.size());
        if (!found) {
            luaL_pushfail(state);
            return 1;
        }
        const auto at = static_cast<const char*>(found) - text.data();
        lua_pushinteger(state, at + 1);
        lua_pushinteger(state, at + static_cast<lua_Integer>(pattern.size()));
        return 2;
    }
    const bool is_anchored = !pattern.empty() && pattern[0] == '^';
    Pattern looked_for(state, text, pattern);
    const char* const items = pattern.data() + (is_anchored ? 1 : 0);
    const char* from = text.data() + start;
    do {
        const char* const to = looked_for.match(from, items);
        if (!to) continue;
        if (!is_find) return looked_for.push_captures(from, to, true);
        lua_pushinteger(state, from - text.data() + 1);
        lua_pushinteger(state, to - text.data());
        return looked_for.push_captures(from, to, false) + 2;
    } while (from++ < text.data() + text.size() && !is_anchored);
    luaL_pushfail(state);
    return 1;
}
int string_find(lua_State* state) {
    return string_found(state, true);
}
int string_match(lua_State* state) {
    return string_found(state, false);
}

/// Upvalues: text, pattern, where to go on, end of the last match (-1 = none).
int string_next_match(lua_State* state) {
    const auto text = text_at(state, lua_upvalueindex(1));
    const auto pattern = text_at(state, lua_upvalueindex(2));
    const auto last = lua_tointeger(state, lua_upvalueindex(4));
    Pattern looked_for(state, text, pattern);
    for (auto at = lua_tointeger(state, lua_upvalueindex(3)); at <= static_cast<lua_Integer>(text.size());
         ++at) {
        const char* const from = text.data() + at;
        const char* const to = looked_for.match(from, pattern.data());
        if (!to || to - text.data() == last) continue;
        lua_pushinteger(state, to - text.data());
        lua_copy(state, -1, lua_upvalueindex(3));
        lua_replace(state, lua_upvalueindex(4));
        return looked_for.push_captures(from, to, true);
    }
    return 0;
}

int string_gmatch(lua_State* state) {
    const auto text = check_text(state, 1);
    check_text(state, 2);
    const auto start = first_position(check_integer(state, 3, 1), text.size()) - 1;
    lua_settop(state, 2);
    lua_pushinteger(state, static_cast<lua_Integer>(std::min(start, text.size() + 1)));
    lua_pushinteger(state, -1);
    lua_pushcclosure(state, string_next_match, 4);
    return 1;
}

void add_replacement_text(lua_State* state, TextMaker& made, const Pattern& found, const char* from,
                          const char* to) {
    const auto replacement = text_at(state, 3);
    spend_bytes(state, 16 + replacement.size());
    for (std::size_t at = 0; at < replacement.size();) {
        const auto percent = std::min(replacement.find('%', at), replacement.size());
        made.add(replacement.substr(at, percent - at));
        if (percent == replacement.size()) return;
        const char what = percent + 1 < replacement.size() ? replacement[percent + 1] : '\0';
        at = percent + 2;
        spend(state, 1);
        if (what == '%') {
            made.add(what);
        } else if (what == '0') {
            made.add({from, static_cast<std::size_t>(to - from)});
        } else if (std::isdigit(static_cast<unsigned char>(what)) == 0) {
            luaL_error(state, "invalid use of '%%' in replacement string");
        } else {
            found.push_capture(what - '1', from, to);
            made.add(text_at(state, -1));
            lua_pop(state, 1);
        }
    }
}

/// True if the match was replaced by something else.
bool add_replacement(lua_State* state, TextMaker& made, const Pattern& found, const char* from,
                     const char* to) {
    const int type = lua_type(state, 3);
    if (type == LUA_TFUNCTION) {
        luaL_checkstack(state, 4, nullptr);
        lua_pushvalue(state, 3);
        const int count = found.push_captures(from, to, true);
        lua_call(state, count, 1);
    } else if (type == LUA_TTABLE) {
        found.push_capture(0, from, to);
        lua_rawget(state, 3);
    } else {
        add_replacement_text(state, made, found, from, to);
        return true;
    }
    const bool is_kept = lua_toboolean(state, -1) == 0;
    if (!is_kept && lua_isstring(state, -1) == 0)
        luaL_error(state, "invalid replacement value (a %s)", luaL_typename(state, -1));
    if (!is_kept && lua_type(state, -1) == LUA_TNUMBER) spend(state, turns_of_a_shown_number);
    made.add(is_kept ? std::string_view(from, static_cast<std::size_t>(to - from)) : text_at(state, -1));
    lua_pop(state, 1);
    return !is_kept;
}

int string_gsub(lua_State* state) {
    const auto text = check_text(state, 1);
    auto pattern = check_text(state, 2);
    const int type = lua_type(state, 3);
    if (type == LUA_TNUMBER) lua_tolstring(state, 3, nullptr);
    if (type != LUA_TNUMBER && type != LUA_TSTRING && type != LUA_TTABLE && type != LUA_TFUNCTION)
        return luaL_typeerror(state, 3, "string/function/table");
    const auto times_max = check_integer(state, 4, static_cast<lua_Integer>(text.size()) + 1);
    const bool is_anchored = !pattern.empty() && pattern[0] == '^';
    if (is_anchored) pattern.remove_prefix(1);
    lua_settop(state, 4);
    TextMaker made(state);
    Pattern looked_for(state, text, pattern);
    const char* const end = text.data() + text.size();
    const char* from = text.data();
    const char* last = nullptr;
    lua_Integer times = 0;
    bool is_changed = false;
    while (times < times_max) {
        const char* const to = looked_for.match(from, pattern.data());
        if (to && to != last) {
            ++times;
            is_changed = add_replacement(state, made, looked_for, from, to) || is_changed;
            from = last = to;
        } else if (from < end) {
            made.add(*from++);
        } else {
            break;
        }
        if (is_anchored) break;
    }
    if (is_changed) {
        made.add({from, static_cast<std::size_t>(end - from)});
        made.push();
    } else {
        lua_pushvalue(state, 1);
    }
    lua_pushinteger(state, times);
    return 2;
}

// ---- format

struct FormatItem {
    std::array<char, 40> form;  ///< as printf takes it
    std::size_t size = 0;
    bool has_modifiers = false;
    int precision = -1;
    char conversion = '\0';
};

/// Reads from behind the '%' to behind the conversion.
FormatItem format_item(lua_State* state, std::string_view format, std::size_t& at) {
    FormatItem item;
    const auto start = at;
    while (at < format.size() && std::strchr("-+#0 ", format[at]) && format[at] != '\0') ++at;
    if (at - start > 5) {
        auto& shown = inside(state).text;
        shown = on_one_line(format.substr(start), 20);
        luaL_error(state, "invalid conversion '%%%s' to 'format'", shown.c_str());
    }
    const auto digits = [&] {
        int value = -1;
        for (int i = 0; i < 2 && at < format.size() && std::isdigit(static_cast<unsigned char>(format[at]));
             ++i)
            value = std::max(value, 0) * 10 + (format[at++] - '0');
        return value;
    };
    digits();
    if (at < format.size() && format[at] == '.') {
        ++at;
        item.precision = std::max(digits(), 0);
    }
    item.has_modifiers = at > start;
    if (at < format.size()) item.conversion = format[at++];
    item.form[item.size++] = '%';
    for (auto c : format.substr(start, at - start - (item.conversion != '\0' ? 1 : 0)))
        item.form[item.size++] = c;
    return item;
}

int bad_conversion(lua_State* state, const FormatItem& item) {
    char shown[48];
    std::snprintf(shown, sizeof(shown), "%.*s%c", static_cast<int>(item.size), item.form.data(),
                  item.conversion != '\0' ? item.conversion : ' ');
    return luaL_error(state, "invalid conversion '%s' to 'format'", shown);
}

/// Flags that printf knows for the conversion, a width, and a precision; the rest is refused.
void check_format_item(lua_State* state, const FormatItem& item, std::string_view flags,
                       bool may_be_precise) {
    std::string_view left(item.form.data() + 1, item.size - 1);
    const auto skip = [&](std::string_view known, std::size_t most) {
        for (; most > 0 && !left.empty() && known.find(left[0]) != known.npos; --most) left.remove_prefix(1);
    };
    constexpr std::string_view digits = "0123456789";
    skip(flags, left.size());
    if (!left.empty() && left[0] != '0') skip(digits, 2);
    if (!left.empty() && left[0] == '.' && may_be_precise) {
        left.remove_prefix(1);
        skip(digits, 2);
    }
    if (!left.empty()) bad_conversion(state, item);
}

template <class Value>
void add_printed(lua_State* state, TextMaker& made, FormatItem item, const char* length, Value value) {
    for (const char* c = length; *c != '\0'; ++c) item.form[item.size++] = *c;
    item.form[item.size++] = item.conversion;
    item.form[item.size] = '\0';
    constexpr std::size_t longest = 512;  // %99.99f of the largest number
    spend(state, longest / 16);
    char* const room = made.room(longest);
    const int size = std::snprintf(room, longest, item.form.data(), value);
    made.added(std::min(static_cast<std::size_t>(std::max(size, 0)), longest - 1));
}

void add_quoted_text(lua_State* state, TextMaker& made, std::string_view text) {
    spend(state, text.size() / 4);
    made.add('"');
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c == '"' || c == '\\' || c == '\n') {
            made.add('\\');
            made.add(text[i]);
        } else if (std::iscntrl(c) != 0) {
            const bool before_digit =
                i + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[i + 1])) != 0;
            char* const room = made.room(8);
            made.added(static_cast<std::size_t>(std::snprintf(room, 8, before_digit ? "\\%03d" : "\\%d", c)));
        } else {
            made.add(text[i]);
        }
    }
    made.add('"');
}

void add_quoted_number(lua_State* state, TextMaker& made, int argument) {
    char* const room = made.room(64);
    int size = 0;
    if (lua_isinteger(state, argument) != 0) {
        const auto value = lua_tointeger(state, argument);
        size = std::snprintf(room, 64, value == std::numeric_limits<lua_Integer>::min() ? "0x%llx" : "%lld",
                             static_cast<long long>(value));
    } else {
        const auto value = lua_tonumber(state, argument);
        const char* const form = std::isnan(value) ? "(0/0)" : value > 0 ? "1e9999" : "-1e9999";
        size =
            std::isfinite(value) ? std::snprintf(room, 64, "%a", value) : std::snprintf(room, 64, "%s", form);
    }
    made.added(static_cast<std::size_t>(size));
}

void add_quoted(lua_State* state, TextMaker& made, int argument) {
    switch (lua_type(state, argument)) {
        case LUA_TSTRING:
            return add_quoted_text(state, made, text_at(state, argument));
        case LUA_TNUMBER:
            return add_quoted_number(state, made, argument);
        case LUA_TNIL:
            return made.add("nil");
        case LUA_TBOOLEAN:
            return made.add(lua_toboolean(state, argument) != 0 ? "true" : "false");
        default:
            luaL_argerror(state, argument, "value has no literal form");
    }
}

void add_text_item(lua_State* state, TextMaker& made, FormatItem item, int argument) {
    luaL_checkany(state, argument);
    push_text_of(state, argument);
    const auto text = text_at(state, -1);
    if (!item.has_modifiers) {
        made.add(text);
        lua_pop(state, 1);
        return;
    }
    spend_bytes(state, text.size());
    luaL_argcheck(state, text.find('\0') == std::string_view::npos, argument, "string contains zeros");
    check_format_item(state, item, "-", true);
    if (item.precision < 0 && text.size() >= 100) {
        made.add(text);
    } else {
        add_printed(state, made, item, "", text.data());
    }
    lua_pop(state, 1);
}

void add_item(lua_State* state, TextMaker& made, const FormatItem& item, int argument) {
    switch (item.conversion) {
        case 'c':
            check_format_item(state, item, "-", false);
            if (item.has_modifiers)
                return add_printed(state, made, item, "", static_cast<int>(check_integer(state, argument)));
            return made.add(static_cast<char>(check_integer(state, argument)));
        case 'd':
        case 'i':
            check_format_item(state, item, "-+0 ", true);
            return add_printed(state, made, item, "ll",
                               static_cast<long long>(check_integer(state, argument)));
        case 'u':
            check_format_item(state, item, "-0", true);
            return add_printed(state, made, item, "ll",
                               static_cast<long long>(check_integer(state, argument)));
        case 'o':
        case 'x':
        case 'X':
            check_format_item(state, item, "-#0", true);
            return add_printed(state, made, item, "ll",
                               static_cast<long long>(check_integer(state, argument)));
        case 'a':
        case 'A':
        case 'f':
        case 'e':
        case 'E':
        case 'g':
        case 'G':
            check_format_item(state, item, "-+#0 ", true);
            return add_printed(state, made, item, "", static_cast<double>(check_number(state, argument)));
        case 'q':
            if (item.has_modifiers) luaL_error(state, "specifier '%%q' cannot have modifiers");
            return add_quoted(state, made, argument);
        case 's':
            return add_text_item(state, made, item, argument);
        default:
            bad_conversion(state, item);
    }
}

int string_format(lua_State* state) {
    const auto format = check_text(state, 1);
    const int arguments = lua_gettop(state);
    int argument = 1;
    spend_bytes(state, format.size());
    TextMaker made(state);
    for (std::size_t at = 0; at < format.size();) {
        const auto percent = std::min(format.find('%', at), format.size());
        made.add(format.substr(at, percent - at));
        if (percent == format.size()) break;
        at = percent + 1;
        if (at < format.size() && format[at] == '%') {
            made.add(format[at++]);
            continue;
        }
        if (++argument > arguments) return luaL_argerror(state, argument, "no value");
        spend(state, 4);
        add_item(state, made, format_item(state, format, at), argument);
    }
    made.push();
    return 1;
}

constexpr std::array<luaL_Reg, 15> string_functions{{{"byte", string_byte},
                                                     {"char", string_char},
                                                     {"find", string_find},
                                                     {"format", string_format},
                                                     {"gmatch", string_gmatch},
                                                     {"gsub", string_gsub},
                                                     {"len", string_len},
                                                     {"lower", string_lower},
                                                     {"match", string_match},
                                                     {"rep", string_rep},
                                                     {"reverse", string_reverse},
                                                     {"sub", string_sub},
                                                     {"upper", string_upper},
                                                     {nullptr, nullptr}}};

}  // namespace

void push_string_library(lua_State* state) {
    lua_createtable(state, 0, static_cast<int>(string_functions.size()));
    luaL_setfuncs(state, string_functions.data(), 0);
}

}  // namespace rules
