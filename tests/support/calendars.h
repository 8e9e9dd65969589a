#pragma once
/// Calendars from JSON, as the files of vectors have them.

#include <string>

#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "rules/calendar/calendar.h"
#include "tests/support/instants.h"

namespace rules::testing {

using engine::Json;

using engine::test::at;

/// `2026-05-04`.
inline Calendar::Day day_of(const std::string& date) {
    return Calendar::Day(std::chrono::floor<std::chrono::days>(at(date + "T00:00:00Z")).time_since_epoch());
}

inline std::chrono::seconds time_of_day(const std::string& text) {
    return std::chrono::hours(std::stoi(text.substr(0, 2))) + std::chrono::minutes(std::stoi(text.substr(3)));
}

inline Calendar::Hours hours_of(const Json& list) {
    Calendar::Hours hours;
    for (const auto& one : list)
        hours.push_back(
            {time_of_day(one.at(0).get<std::string>()), time_of_day(one.at(1).get<std::string>())});
    return hours;
}

inline Zone zone_of(const std::string& name) {
    auto zone = Zone::named(name);
    ENSURE(zone);
    return *zone;
}

inline Calendar calendar_of(const Json& json, Skipped otherwise = Skipped::first_instant) {
    static const char* weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    Calendar::Times times{zone_of(json.at("tz").get<std::string>()), otherwise, {}, {}, {}, {}};
    if (json.value("skipped", "") == "moved") times.skipped = Skipped::moved;
    const auto member = [&](const char* name) { return json.contains(name) ? json.at(name) : Json(); };
    const auto week = member("hours"), special = member("special_hours"), breaks = member("breaks");
    for (std::size_t i = 0; i < times.week.size(); ++i)
        if (week.contains(weekdays[i])) times.week[i] = hours_of(week.at(weekdays[i]));
    for (const auto& [date, hours] : special.items()) times.special[day_of(date)] = hours_of(hours);
    for (const auto& [date, hours] : breaks.items()) times.breaks[day_of(date)] = hours_of(hours);
    const auto holidays = member("holidays");
    for (const auto& date : holidays) times.holidays.insert(day_of(date.get<std::string>()));
    return Calendar(std::move(times));
}

}  // namespace rules::testing
