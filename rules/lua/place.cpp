#include "rules/lua/place.h"

#include <algorithm>
#include <lua.hpp>

#include "engine/base/text.h"

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

}  // namespace

std::string on_one_line(std::string_view text, std::size_t bytes_max) {
    std::string line(text.substr(0, bytes_max));
    while (line.size() < text.size() && !line.empty() && !engine::is_utf8(line) &&
           line.size() + 4 > bytes_max)
        line.pop_back();
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 127; }, ' ');
    return line;
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
