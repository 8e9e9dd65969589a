// json, text and date: what integrators would otherwise write again and again. What a function makes stands
// in Inside, so that nothing has to be destroyed when an error is raised.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "rules/escapes.h"
#include "rules/lua/api.h"
#include "rules/lua/inside.h"
#include "rules/lua/libraries.h"
#include "rules/lua/values.h"

namespace rules {

using engine::Json;

namespace {

// ---- json

int json_encode(lua_State* state) {
    static const auto& function = script_function("json.encode");
    check_arguments(state, function);
    auto& run = inside(state);
    std::size_t bytes = 0;
    read_json(state, 1, run.scratch,
              {"json.encode", "value", bytes, run.meter.limits().text_bytes_max, Ending::text});
    run.text = engine::canonical_json(run.scratch);
    run.scratch = nullptr;
    if (run.text.size() > run.meter.limits().text_bytes_max) run.meter.end(state, Ending::text);
    push_text(state, run.text);
    return 1;
}

/// The value in `scratch`, or what is wrong in `text`.
bool decode(Inside& run, std::string_view text) {
    const auto& limits = run.meter.limits();
    auto parsed = engine::parse_json(text, {limits.text_bytes_max, limits.depth_max});
    if (parsed)
        run.scratch = *std::move(parsed);
    else
        run.text = parsed.error().message;
    return static_cast<bool>(parsed);
}

int json_decode(lua_State* state) {
    static const auto& function = script_function("json.decode");
    check_arguments(state, function);
    auto& run = inside(state);
    const auto text = text_at(state, 1);
    spend(state, text.size());
    if (!decode(run, text)) {
        lua_pushnil(state);
        push_text(state, run.text);
        return 2;
    }
    push_json(state, run.scratch, Nulls::kept);
    run.scratch = nullptr;
    return 1;
}

int json_list(lua_State* state) {
    static const auto& function = script_function("json.list");
    check_arguments(state, function);
    if (lua_isnil(state, 1))
        lua_newtable(state);
    else
        lua_pushvalue(state, 1);
    mark_list(state);
    return 1;
}

// ---- text

/// Pushes what the helper makes of the first argument.
template <class Make>
int push_made(lua_State* state, Make make) {
    const auto text = text_at(state, 1);
    spend(state, text.size() / 4);
    auto& run = inside(state);
    run.text = make(text);
    if (run.text.size() > run.meter.limits().text_bytes_max) run.meter.end(state, Ending::text);
    push_text(state, run.text);
    return 1;
}

int text_trim(lua_State* state) {
    static const auto& function = script_function("text.trim");
    check_arguments(state, function);
    return push_made(state, [](std::string_view text) { return engine::trim(text); });
}
int text_fold(lua_State* state) {
    static const auto& function = script_function("text.fold");
    check_arguments(state, function);
    return push_made(state, [](std::string_view text) { return engine::fold_case(text); });
}
int text_upper(lua_State* state) {
    static const auto& function = script_function("text.upper");
    check_arguments(state, function);
    return push_made(state, [](std::string_view text) { return engine::to_upper(text); });
}

int text_slack_escape(lua_State* state) {
    static const auto& function = script_function("text.slack_escape");
    check_arguments(state, function);
    return push_made(state, slack_escaped);
}
int text_url_encode(lua_State* state) {
    static const auto& function = script_function("text.url_encode");
    check_arguments(state, function);
    return push_made(state, url_encoded);
}

int text_truncate(lua_State* state) {
    static const auto& function = script_function("text.truncate");
    check_arguments(state, function);
    const auto count = lua_tointeger(state, 2);
    const auto text = text_at(state, 1);
    spend(state, text.size() / 4);
    push_text(state, engine::first_of(text, static_cast<std::size_t>(std::max<lua_Integer>(count, 0))));
    return 1;
}

void add_part(lua_State* state, std::string_view part, lua_Integer place) {
    spend(state, 1);
    push_text(state, part);
    lua_rawseti(state, -2, place);
}

int text_split(lua_State* state) {
    static const auto& function = script_function("text.split");
    check_arguments(state, function);
    auto text = text_at(state, 1);
    const auto separator = text_at(state, 2);
    if (separator.empty()) return luaL_error(state, "text.split: separator: got an empty text");
    spend_bytes(state, text.size() + separator.size());
    lua_newtable(state);
    mark_list(state);
    for (lua_Integer place = 1;; ++place) {
        const auto* const found =
            static_cast<const char*>(memmem(text.data(), text.size(), separator.data(), separator.size()));
        if (!found) {
            add_part(state, text, place);
            return 1;
        }
        const auto at = static_cast<std::size_t>(found - text.data());
        add_part(state, text.substr(0, at), place);
        text.remove_prefix(at + separator.size());
    }
}

int text_words(lua_State* state) {
    static const auto& function = script_function("text.words");
    check_arguments(state, function);
    auto& run = inside(state);
    spend(state, text_at(state, 1).size());
    run.text = engine::fold_case(text_at(state, 1));
    lua_newtable(state);
    mark_list(state);
    const auto is_in_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    };
    const std::string_view text = run.text;
    lua_Integer place = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto start = at;
        while (at < text.size() && is_in_word(text[at])) ++at;
        if (at > start)
            add_part(state, text.substr(start, at - start), ++place);
        else
            ++at;
    }
    return 1;
}

int text_starts_with(lua_State* state) {
    static const auto& function = script_function("text.starts_with");
    check_arguments(state, function);
    const auto start = text_at(state, 2);
    spend_bytes(state, start.size());
    lua_pushboolean(state, text_at(state, 1).substr(0, start.size()) == start);
    return 1;
}

int text_ends_with(lua_State* state) {
    static const auto& function = script_function("text.ends_with");
    check_arguments(state, function);
    const auto text = text_at(state, 1);
    const auto ending = text_at(state, 2);
    spend_bytes(state, ending.size());
    lua_pushboolean(state,
                    text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending);
    return 1;
}

int text_contains(lua_State* state) {
    static const auto& function = script_function("text.contains");
    check_arguments(state, function);
    auto& run = inside(state);
    spend(state, (text_at(state, 1).size() + text_at(state, 2).size()) / 4);
    run.text = engine::fold_case(text_at(state, 1));
    run.asked = engine::fold_case(text_at(state, 2));
    lua_pushboolean(state,
                    memmem(run.text.data(), run.text.size(), run.asked.data(), run.asked.size()) != nullptr);
    return 1;
}

/// Each part after its size, so that parts cannot be taken for others that read the same when joined.
int text_fingerprint(lua_State* state) {
    static const auto& function = script_function("text.fingerprint");
    check_arguments(state, function);
    auto& run = inside(state);
    run.text.clear();
    for (int i = 1; i <= lua_gettop(state); ++i) {
        if (lua_type(state, i) != LUA_TSTRING)
            return luaL_error(state, "text.fingerprint: argument %d: got %s, expected string", i,
                              luaL_typename(state, i));
        const auto part = text_at(state, i);
        if (run.text.size() + part.size() > run.meter.limits().text_bytes_max)
            run.meter.end(state, Ending::text);
        spend(state, part.size() / 4);
        run.text.append(std::to_string(part.size())).append(":").append(part);
    }
    run.text = engine::to_hex(engine::bytes_of(engine::sha256(run.text))).substr(0, 32);
    push_text(state, run.text);
    return 1;
}

// ---- date

constexpr auto latest_instant =
    std::chrono::sys_days(std::chrono::year(9999) / 12 / 31) + std::chrono::days(1) - engine::Duration(1);
constexpr auto earliest_instant = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);

/// Raises an error about a text that is none of what was expected. The text is cut, and if it is too long
/// that is what is told.
void wrong_time(lua_State* state, int argument, const ScriptFunction& function, const char* expected) {
    auto& run = inside(state);
    const auto text = text_at(state, argument);
    run.text = "\"" + on_one_line(text, 40) + "\"";
    if (text.size() > time_bytes_max)
        run.text = "a text of " + std::to_string(text.size()) + " bytes, more than " +
                   std::to_string(time_bytes_max);
    luaL_error(state, "%s: %s: got %s, expected %s", function.name.c_str(),
               function.params[static_cast<std::size_t>(argument - 1)].name.c_str(), run.text.c_str(),
               expected);
}

bool read_instant(std::string_view text, engine::Instant& instant) {
    if (text.size() > time_bytes_max) return false;
    const auto read = engine::parse_instant(text);
    if (read) instant = *read;
    return static_cast<bool>(read);
}

engine::Instant check_instant(lua_State* state, int argument, const ScriptFunction& function) {
    engine::Instant instant{};
    if (read_instant(text_at(state, argument), instant)) return instant;
    wrong_time(state, argument, function, "an instant, as in \"2026-05-04T08:00:00Z\"");
    return instant;
}

int push_instant(lua_State* state, engine::Instant instant) {
    if (instant < earliest_instant || instant > latest_instant)
        return luaL_error(state, "date: a year before 0 or after 9999");
    inside(state).text = engine::to_text(instant);
    push_text(state, inside(state).text);
    return 1;
}

struct DateParts {
    std::chrono::year_month_day day;
    std::chrono::hh_mm_ss<engine::Duration> time;
    unsigned weekday;
    int day_of_year;
};

DateParts parts_of(engine::Instant instant) {
    const auto day = std::chrono::floor<std::chrono::days>(instant);
    const std::chrono::year_month_day date(day);
    const auto first = std::chrono::sys_days(date.year() / 1 / 1);
    return {date, std::chrono::hh_mm_ss<engine::Duration>(instant - day),
            std::chrono::weekday(day).iso_encoding(), static_cast<int>((day - first).count()) + 1};
}

void set_whole(lua_State* state, const char* name, std::int64_t value) {
    lua_pushinteger(state, value);
    lua_setfield(state, -2, name);
}

int date_parse(lua_State* state) {
    static const auto& function = script_function("date.parse");
    check_arguments(state, function);
    engine::Instant instant{};
    spend(state, 8);
    if (!read_instant(text_at(state, 1), instant)) {
        lua_pushnil(state);
        lua_pushliteral(state, "no instant, as in \"2026-05-04T08:00:00Z\"");
        return 2;
    }
    const auto parts = parts_of(instant);
    spend(state, 32);
    lua_createtable(state, 0, 8);
    set_whole(state, "year", static_cast<int>(parts.day.year()));
    set_whole(state, "month", static_cast<unsigned>(parts.day.month()));
    set_whole(state, "day", static_cast<unsigned>(parts.day.day()));
    set_whole(state, "hour", parts.time.hours().count());
    set_whole(state, "minute", parts.time.minutes().count());
    set_whole(state, "second", parts.time.seconds().count());
    set_whole(state, "weekday", parts.weekday);
    const auto microseconds = engine::microseconds_of(instant);
    if (microseconds % 1000000 == 0)
        lua_pushinteger(state, microseconds / 1000000);
    else
        lua_pushnumber(state, static_cast<double>(microseconds) / 1e6);
    lua_setfield(state, -2, "unix");
    return 1;
}

int date_text(lua_State* state) {
    static const auto& function = script_function("date.text");
    check_arguments(state, function);
    spend(state, 8);
    if (lua_type(state, 1) == LUA_TSTRING) return push_instant(state, check_instant(state, 1, function));
    const auto seconds = lua_tonumber(state, 1);
    if (!(std::fabs(seconds) < 1e12)) return luaL_error(state, "date.text: instant: too far away");
    return push_instant(state, engine::instant_of(static_cast<std::int64_t>(std::llround(seconds * 1e6))));
}

bool read_span(std::string_view text, engine::Duration& span) {
    if (text.size() > time_bytes_max) return false;
    const bool is_back = text.substr(0, 1) == "-";
    const auto read = read_short_span(is_back ? text.substr(1) : text);
    if (read) span = is_back ? -*read : *read;
    return read.has_value();
}

int date_add(lua_State* state) {
    static const auto& function = script_function("date.add");
    check_arguments(state, function);
    spend(state, 16);
    const auto instant = check_instant(state, 1, function);
    engine::Duration span{};
    constexpr auto longest = std::chrono::hours(24) * 366 * 10000;
    if (read_span(text_at(state, 2), span) && span < longest && span > -longest)
        return push_instant(state, instant + span);
    wrong_time(state, 2, function, "a span, as in \"3d\" or \"-1h30m\"");
    return 0;
}

int date_diff(lua_State* state) {
    static const auto& function = script_function("date.diff");
    check_arguments(state, function);
    spend(state, 16);
    const auto span = (check_instant(state, 2, function) - check_instant(state, 1, function)).count();
    if (span % 1000000 == 0)
        lua_pushinteger(state, span / 1000000);
    else
        lua_pushnumber(state, static_cast<double>(span) / 1e6);
    return 1;
}

constexpr std::array<std::string_view, 7> day_names{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 12> month_names{"January",   "February", "March",    "April",
                                                       "May",       "June",     "July",     "August",
                                                       "September", "October",  "November", "December"};

void add_digits(TextMaker& made, int width, std::int64_t value) {
    std::array<char, 24> digits{};
    const int size =
        std::snprintf(digits.data(), digits.size(), "%0*lld", width, static_cast<long long>(value));
    made.add({digits.data(), static_cast<std::size_t>(size)});
}

/// False for a letter that stands for nothing.
bool add_date_part(TextMaker& made, const DateParts& parts, char what) {
    const auto day_name = day_names.at(parts.weekday - 1);
    const auto month_name = month_names.at(static_cast<unsigned>(parts.day.month()) - 1);
    switch (what) {
        case 'Y':
            add_digits(made, 4, static_cast<int>(parts.day.year()));
            return true;
        case 'm':
            add_digits(made, 2, static_cast<unsigned>(parts.day.month()));
            return true;
        case 'd':
            add_digits(made, 2, static_cast<unsigned>(parts.day.day()));
            return true;
        case 'H':
            add_digits(made, 2, parts.time.hours().count());
            return true;
        case 'M':
            add_digits(made, 2, parts.time.minutes().count());
            return true;
        case 'S':
            add_digits(made, 2, parts.time.seconds().count());
            return true;
        case 'j':
            add_digits(made, 3, parts.day_of_year);
            return true;
        case 'u':
            add_digits(made, 1, parts.weekday);
            return true;
        case 'a':
            made.add(day_name.substr(0, 3));
            return true;
        case 'A':
            made.add(day_name);
            return true;
        case 'b':
            made.add(month_name.substr(0, 3));
            return true;
        case 'B':
            made.add(month_name);
            return true;
        case '%':
            made.add('%');
            return true;
        default:
            return false;
    }
}

int date_format(lua_State* state) {
    static const auto& function = script_function("date.format");
    check_arguments(state, function);
    const auto parts = parts_of(check_instant(state, 1, function));
    const auto form = text_at(state, 2);
    TextMaker made(state);
    for (std::size_t at = 0; at < form.size(); ++at) {
        spend(state, 1);
        if (form[at] != '%') {
            made.add(form[at]);
        } else if (++at == form.size() || !add_date_part(made, parts, form[at])) {
            return luaL_error(state, "date.format: form: a %% at byte %d stands for nothing that is known",
                              static_cast<int>(at));
        }
    }
    made.push();
    return 1;
}

constexpr std::array<luaL_Reg, 4> json_functions{
    {{"decode", json_decode}, {"encode", json_encode}, {"list", json_list}, {nullptr, nullptr}}};
constexpr std::array<luaL_Reg, 13> text_functions{{{"contains", text_contains},
                                                   {"ends_with", text_ends_with},
                                                   {"fingerprint", text_fingerprint},
                                                   {"fold", text_fold},
                                                   {"slack_escape", text_slack_escape},
                                                   {"split", text_split},
                                                   {"starts_with", text_starts_with},
                                                   {"trim", text_trim},
                                                   {"truncate", text_truncate},
                                                   {"upper", text_upper},
                                                   {"url_encode", text_url_encode},
                                                   {"words", text_words},
                                                   {nullptr, nullptr}}};
constexpr std::array<luaL_Reg, 6> date_functions{{{"add", date_add},
                                                  {"diff", date_diff},
                                                  {"format", date_format},
                                                  {"parse", date_parse},
                                                  {"text", date_text},
                                                  {nullptr, nullptr}}};

}  // namespace

void push_json_library(lua_State* state) {
    lua_createtable(state, 0, static_cast<int>(json_functions.size()));
    luaL_setfuncs(state, json_functions.data(), 0);
    push_null(state);
    lua_setfield(state, -2, "null");
}
void push_text_library(lua_State* state) {
    lua_createtable(state, 0, static_cast<int>(text_functions.size()));
    luaL_setfuncs(state, text_functions.data(), 0);
}
void push_date_library(lua_State* state) {
    lua_createtable(state, 0, static_cast<int>(date_functions.size()));
    luaL_setfuncs(state, date_functions.data(), 0);
}

}  // namespace rules
