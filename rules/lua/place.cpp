#include "rules/lua/place.h"

#include <algorithm>
#include <lua.hpp>

#include "engine/base/text.h"
#include "rules/lua/values.h"

namespace rules {

namespace {

constexpr int calls_shown = 16;
constexpr std::size_t name_bytes_max = 80;

std::string call_line(const lua_Debug& call) {
    std::string line = std::string(call.source + 1) + ":" + std::to_string(call.currentline) + ": in ";
    if (*call.what == 'm') return line + "the file";
    if (call.name) return line + "function '" + on_one_line(call.name, name_bytes_max) + "'";
    return line + "the function of line " + std::to_string(call.linedefined);
}

/// The size of the character at the start, if it steers whatever shows the text: the control characters of
/// ASCII and of Latin-1 (terminals obey U+009B as they do an escape), the ends of lines and paragraphs, and
/// what turns the direction of writing, so that a line reads as another one. 0 = it does not.
std::size_t control_bytes(std::string_view text) {
    const auto byte = [&](std::size_t at) {
        return at < text.size() ? static_cast<unsigned char>(text[at]) : static_cast<unsigned char>(0);
    };
    const auto is_between = [&](std::size_t at, unsigned first, unsigned last) {
        return byte(at) >= first && byte(at) <= last;
    };
    if (byte(0) < ' ' || byte(0) == 127) return 1;
    if (byte(0) == 0xC2 && is_between(1, 0x80, 0x9F)) return 2;
    if (byte(0) != 0xE2) return 0;
    const bool is_control =
        (byte(1) == 0x80 && is_between(2, 0xA8, 0xAE)) || (byte(1) == 0x81 && is_between(2, 0xA6, 0xA9));
    return is_control ? 3 : 0;
}

}  // namespace

std::string on_one_line(std::string_view text, std::size_t bytes_max) {
    std::string line(text.substr(0, bytes_max));
    while (line.size() < text.size() && !line.empty() && !engine::is_utf8(line) &&
           line.size() + 4 > bytes_max)
        line.pop_back();
    std::string shown;
    for (std::string_view left = line; !left.empty();) {
        const auto bytes = control_bytes(left);
        shown += bytes > 0 ? ' ' : left[0];
        left.remove_prefix(std::max<std::size_t>(bytes, 1));
    }
    return utf8_of(shown);
}

ScriptFailure place_of(lua_State* state) {
    ScriptFailure found;
    lua_Debug call{};
    for (int level = 0; lua_getstack(state, level, &call) != 0; ++level) {
        lua_getinfo(state, "Sln", &call);
        if (*call.what == 'C') continue;
        if (found.traceback.empty()) found.place = {call.source + 1, call.currentline, 0};
        if (found.traceback.size() == calls_shown) {
            found.traceback.push_back("...");
            break;
        }
        found.traceback.push_back(call_line(call));
    }
    return found;
}

}  // namespace rules
