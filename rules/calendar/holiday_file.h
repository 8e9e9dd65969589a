#pragma once
/// Holidays from iCalendar files (RFC 5545), as calendars on the web offer them. The home of libical.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "rules/calendar/calendar.h"

namespace rules {

/// A date that is none, and where it stands.
struct BrokenDate {
    int line = 0;
    std::string what;
};

struct HolidayFile {
    std::set<Calendar::Day> days;           ///< of whole-day events, those that recur included
    std::vector<std::string> left_out;      ///< names of events that are not of whole days
    std::vector<std::string> not_followed;  ///< of those whose rule for recurring cannot be followed
    std::vector<BrokenDate> broken;         ///< where there are some, no days are read
};

/// Recurring events are followed up to this year.
inline constexpr int holiday_years_end = 2101;
inline constexpr std::size_t holidays_max = 20'000;

/// Cancelled events are passed over, and one that stands for a single occurrence (RECURRENCE-ID) replaces it.
/// Fails with invalid_input when the text is no iCalendar, with exhausted when it holds more days than may
/// be. Any thread.
engine::Result<HolidayFile> read_holidays(std::string_view text);

}  // namespace rules
