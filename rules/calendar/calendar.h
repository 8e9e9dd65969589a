#pragma once
/// Calendar: when somebody is there, and how long that is between two instants. All arithmetic is in real
/// time inside the open hours, so a night in which clocks go forward is an hour shorter.

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "rules/calendar/zone.h"

namespace rules {

/// From one local time of a day to another; one beyond 24:00 is of the next day.
struct OpenHours {
    std::chrono::seconds opens{};   ///< since midnight
    std::chrono::seconds closes{};  ///< after it, at 48:00 at the latest
    bool operator==(const OpenHours&) const = default;
};

/// When a span that ends exactly as hours close is over.
enum class DueAt {
    first_instant,  ///< then: no more time passes until they open again
    next_opening,   ///< when they open again
};

/// Immutable; any thread.
class Calendar {
public:
    using Day = std::chrono::local_days;
    using Hours = std::vector<OpenHours>;

    struct Times {
        Zone zone;
        Skipped skipped = Skipped::first_instant;
        std::array<Hours, 7> week;      ///< Monday first
        std::map<Day, Hours> special;   ///< in place of the week's, for hours that begin on that day
        std::set<Day> holidays;         ///< no hours begin on that day but special ones
        std::map<Day, Hours> breaks{};  ///< taken out of the hours that begin on that day
    };
    /// Of real time, the closing instant left out.
    struct Period {
        engine::Instant opens;
        engine::Instant closes;
        bool operator==(const Period&) const = default;
    };

    /// Farther than that nothing is looked for: a calendar may never open again.
    static constexpr int years_looked = 25;

    explicit Calendar(Times times) : times_(std::move(times)) {}

    const Times& times() const { return times_; }
    bool is_open(engine::Instant instant) const;
    /// What is open from one instant to another, in order; none touch. As far as the years go that are
    /// looked at.
    std::vector<Period> periods(engine::Instant from, engine::Instant to) const;
    /// Open time between them; 0 when `to` is not after `from`, and nothing when it is farther than those
    /// years.
    std::optional<engine::Duration> between(engine::Instant from, engine::Instant to) const;

    // Spans and counts are not negative. Nothing when there is no such instant within those years.

    /// The first open instant that is not before it.
    std::optional<engine::Instant> next_opening(engine::Instant from) const;
    /// When so much open time has passed since; of no time at all the next open instant.
    std::optional<engine::Instant> add(engine::Instant from, engine::Duration span, DueAt due_at) const;
    /// Since when so much open time has passed; of no time at all when it was open last.
    std::optional<engine::Instant> subtract(engine::Instant to, engine::Duration span) const;
    /// So many days further on which hours begin, at the same local time of those hours, or when it is open
    /// next. Hours beyond midnight are of the day on which they began.
    std::optional<engine::Instant> add_days(engine::Instant from, int days) const;
    /// So many such days back, or when it was open last before.
    std::optional<engine::Instant> subtract_days(engine::Instant to, int days) const;

private:
    /// What opens on that day, as it really passes, in no order.
    std::vector<Period> periods_of(Day day) const;
    bool may_open(engine::Instant from, engine::Instant to) const;
    Day day_of_hours(engine::Instant open, bool is_end) const;
    std::optional<engine::Instant> moved(engine::Instant open, int days, int step) const;

    Times times_;
};

}  // namespace rules
