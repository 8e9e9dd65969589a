#include "rules/evaluator/date_format.h"

#include <array>
#include <cstdint>

namespace rules {
namespace {

constexpr std::string_view letters = "YymdejHIMSfpaAbBFTsZz%";

constexpr std::array<std::string_view, 12> months = {"January",   "February", "March",    "April",
                                                     "May",       "June",     "July",     "August",
                                                     "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> weekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                      "Thursday", "Friday", "Saturday"};

std::string padded(long long number, int width, char fill = '0') {
    std::string digits = std::to_string(number < 0 ? -number : number);
    if (digits.size() < static_cast<std::size_t>(width)) digits.insert(0, width - digits.size(), fill);
    return number < 0 ? "-" + digits : digits;
}

/// An instant taken apart once, whatever the pattern asks for.
struct Parts {
    std::chrono::year_month_day day;
    std::chrono::hh_mm_ss<engine::Duration> clock;
    std::size_t weekday = 0;
    long long day_of_year = 0;
    std::int64_t seconds = 0;
};

Parts parts_of(engine::Instant instant) {
    const auto midnight = std::chrono::floor<std::chrono::days>(instant);
    const std::chrono::year_month_day day(midnight);
    const std::chrono::sys_days new_year(day.year() / std::chrono::January / 1);
    return {day, std::chrono::hh_mm_ss<engine::Duration>(instant - midnight),
            std::chrono::weekday(midnight).c_encoding(), (midnight - new_year).count() + 1,
            std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch().count()};
}

std::string part(const Parts& parts, char letter) {
    const int year = static_cast<int>(parts.day.year());
    const unsigned month = static_cast<unsigned>(parts.day.month());
    const unsigned day = static_cast<unsigned>(parts.day.day());
    const auto hour = parts.clock.hours().count();
    const auto two = [](long long number) { return padded(number, 2); };
    switch (letter) {
        case 'Y':
            return padded(year, 4);
        case 'y':
            return two(((year % 100) + 100) % 100);
        case 'm':
            return two(month);
        case 'd':
            return two(day);
        case 'e':
            return padded(day, 2, ' ');
        case 'j':
            return padded(parts.day_of_year, 3);
        case 'H':
            return two(hour);
        case 'I':
            return two(hour % 12 == 0 ? 12 : hour % 12);
        case 'M':
            return two(parts.clock.minutes().count());
        case 'S':
            return two(parts.clock.seconds().count());
        case 'f':
            return padded(parts.clock.subseconds().count(), 6);
        case 'p':
            return hour < 12 ? "AM" : "PM";
        case 'a':
            return std::string(weekdays[parts.weekday].substr(0, 3));
        case 'A':
            return std::string(weekdays[parts.weekday]);
        case 'b':
            return std::string(months[month - 1].substr(0, 3));
        case 'B':
            return std::string(months[month - 1]);
        case 'F':
            return part(parts, 'Y') + "-" + two(month) + "-" + two(day);
        case 'T':
            return two(hour) + ":" + part(parts, 'M') + ":" + part(parts, 'S');
        case 's':
            return std::to_string(parts.seconds);
        case 'Z':
            return "UTC";
        case 'z':
            return "+0000";
        default:
            return "%";
    }
}

}  // namespace

std::optional<std::string> date_format_problem(std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%') continue;
        if (++i == pattern.size()) return "ends in a lone %";
        if (letters.find(pattern[i]) == std::string_view::npos)
            return "does not know %" + std::string(1, pattern[i]) + "; it knows %" + std::string(letters);
    }
    return std::nullopt;
}

std::string format_date(engine::Instant instant, std::string_view pattern) {
    const auto parts = parts_of(instant);
    std::string text;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const bool is_part = pattern[i] == '%' && i + 1 < pattern.size();
        if (is_part)
            text += part(parts, pattern[++i]);
        else
            text += pattern[i];
    }
    return text;
}

}  // namespace rules
