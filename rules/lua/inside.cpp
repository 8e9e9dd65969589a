#include "rules/lua/inside.h"

#include <algorithm>

namespace rules {

std::string_view text_at(lua_State* state, int index) {
    std::size_t size = 0;
    const char* bytes = lua_tolstring(state, index, &size);
    return {bytes ? bytes : "", size};
}

std::string_view check_text(lua_State* state, int argument) {
    if (lua_type(state, argument) == LUA_TNUMBER) spend(state, turns_of_a_shown_number);
    std::size_t size = 0;
    const char* bytes = luaL_checklstring(state, argument, &size);
    return {bytes, size};
}

std::string_view check_text(lua_State* state, int argument, std::string_view fallback) {
    return lua_isnoneornil(state, argument) ? fallback : check_text(state, argument);
}

void push_text(lua_State* state, std::string_view text) {
    spend_bytes(state, text.size());
    lua_pushlstring(state, text.data(), text.size());
}

void spend_for_number(lua_State* state, int index) {
    if (lua_type(state, index) == LUA_TSTRING) spend_bytes(state, lua_rawlen(state, index));
}

lua_Number check_number(lua_State* state, int argument) {
    spend_for_number(state, argument);
    return luaL_checknumber(state, argument);
}

lua_Number check_number(lua_State* state, int argument, lua_Number fallback) {
    return lua_isnoneornil(state, argument) ? fallback : check_number(state, argument);
}

lua_Integer check_integer(lua_State* state, int argument) {
    spend_for_number(state, argument);
    return luaL_checkinteger(state, argument);
}

lua_Integer check_integer(lua_State* state, int argument, lua_Integer fallback) {
    return lua_isnoneornil(state, argument) ? fallback : check_integer(state, argument);
}

TextMaker::TextMaker(lua_State* state) : state_(state), data_(small_.data()), capacity_(small_.size()) {
    luaL_checkstack(state, 4, nullptr);
    lua_pushnil(state);
    slot_ = lua_gettop(state);
}

void TextMaker::grow(std::size_t more) {
    auto& meter = inside(state_).meter;
    const auto needed = size_ + more;
    if (more > meter.limits().text_bytes_max || needed > meter.limits().text_bytes_max)
        meter.end(state_, Ending::text);
    const auto capacity = std::max(needed, 2 * capacity_);
    auto* data = static_cast<char*>(lua_newuserdatauv(state_, capacity, 0));
    std::copy_n(data_, size_, data);
    lua_replace(state_, slot_);
    data_ = data;
    capacity_ = capacity;
}

void TextMaker::push() {
    push_text(state_, {data_, size_});
}

void TextMaker::finish() {
    push();
    lua_replace(state_, slot_);
}

std::optional<engine::Duration> read_short_span(std::string_view text) {
    if (text.size() > time_bytes_max) return std::nullopt;
    const auto span = engine::parse_duration(text);
    return span ? std::optional(*span) : std::nullopt;
}

}  // namespace rules
