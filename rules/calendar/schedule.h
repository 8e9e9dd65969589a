#pragma once
/// Schedule: when something recurs, by the five fields of cron in a time zone, or every so often.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "rules/calendar/zone.h"

namespace rules {

/// Immutable; any thread.
class Schedule {
public:
    /// `minute hour day-of-month month day-of-week`, as in crontab(5): numbers, names of months and days,
    /// `*`, ranges, lists and steps; when both days are given, either will do. `@hourly`, `@daily`, `@weekly`
    /// and `@monthly` are short for some. Where clocks go forward, a time that is skipped comes at the first
    /// instant after it; where they go back, a time that comes twice counts the first time. When every hour
    /// is meant, hours count as they pass: none is skipped, and the one that comes twice counts twice.
    /// Fails with invalid_input, naming the field.
    static engine::Result<Schedule> cron(const std::string& text, Zone zone);
    /// At the multiples of the span since 1970. Not shorter than `every_min`.
    static Schedule every(engine::Duration span);
    static constexpr engine::Duration every_min = std::chrono::minutes(1);

    /// The first time after that instant; nothing when there is none within 30 years.
    std::optional<engine::Instant> next(engine::Instant after) const;

private:
    explicit Schedule(std::optional<Zone> zone) : zone_(std::move(zone)) {}
    bool is_on(std::chrono::local_days day) const;
    std::optional<engine::Instant> first_of(std::chrono::local_days day, engine::Instant after) const;
    std::optional<engine::Instant> first_of_any_hour(std::chrono::local_days day,
                                                     engine::Instant after) const;

    std::optional<Zone> zone_;
    engine::Duration every_{};  ///< 0 = by the fields
    // Bit n = n is meant.
    std::uint64_t minutes_ = 0;
    std::uint64_t hours_ = 0;
    std::uint64_t days_ = 0;
    std::uint64_t months_ = 0;
    std::uint64_t weekdays_ = 0;  ///< 0 = Sunday
    bool any_day_ = true;
    bool any_weekday_ = true;
};

}  // namespace rules
