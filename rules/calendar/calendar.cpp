#include "rules/calendar/calendar.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace rules {
namespace {

using engine::Duration;
using engine::Instant;
using std::chrono::days;
using Day = Calendar::Day;
using Period = Calendar::Period;

/// Hours that began so long before may still be open.
constexpr days longest_hours{2};
/// Looked through at once, twice as many each time.
constexpr days first_stretch{8};
constexpr days longest_stretch{128};
constexpr days farthest{366 * Calendar::years_looked};

/// What is left of the periods without another one.
std::vector<Period> without(const std::vector<Period>& periods, const Period& gap) {
    if (gap.opens >= gap.closes) return periods;
    std::vector<Period> left;
    for (const auto& one : periods) {
        if (one.opens < gap.opens) left.push_back({one.opens, std::min(one.closes, gap.opens)});
        if (gap.closes < one.closes) left.push_back({std::max(one.opens, gap.closes), one.closes});
    }
    return left;
}

Day day_of(std::chrono::local_time<Duration> local) {
    return std::chrono::floor<days>(local);
}

/// Stretches of time one after another, forwards or backwards, until `visit` says that it has seen enough.
template <class Visit>
void walk(Instant from, int direction, Visit&& visit) {
    auto stretch = first_stretch;
    for (Duration gone{0}; gone < farthest; stretch = std::min(stretch * 2, longest_stretch)) {
        const auto near = from + direction * gone;
        gone += stretch;
        const auto far = from + direction * gone;
        if (direction > 0 ? visit(near, far) : visit(far, near)) return;
    }
}

}  // namespace

std::vector<Period> Calendar::periods_of(Day day) const {
    std::vector<Period> periods;
    const auto special = times_.special.find(day);
    if (special == times_.special.end() && times_.holidays.contains(day)) return periods;
    // Local times are turned into instants before anything is reckoned: then nothing is left but real time.
    const auto period_of = [&](const OpenHours& hours) {
        return Period{times_.zone.utc(day + hours.opens, times_.skipped),
                      times_.zone.utc(day + hours.closes, times_.skipped)};
    };
    const auto weekday = std::chrono::weekday(day).iso_encoding() - 1;
    for (const auto& hours : special == times_.special.end() ? times_.week[weekday] : special->second)
        if (const auto period = period_of(hours); period.opens < period.closes) periods.push_back(period);
    if (const auto breaks = times_.breaks.find(day); breaks != times_.breaks.end())
        for (const auto& gap : breaks->second) periods = without(periods, period_of(gap));
    return periods;
}

/// Whether a look at each day is worth while.
bool Calendar::may_open(Instant from, Instant to) const {
    const auto has_hours = [](const Hours& day) { return !day.empty(); };
    if (std::any_of(times_.week.begin(), times_.week.end(), has_hours)) return true;
    const auto first = times_.special.lower_bound(day_of(times_.zone.local(from)) - longest_hours);
    return first != times_.special.end() && first->first <= day_of(times_.zone.local(to)) + days(1);
}

std::vector<Period> Calendar::periods(Instant from, Instant to) const {
    std::vector<Period> all;
    to = std::min<Instant>(to, from + farthest);
    if (to <= from || !may_open(from, to)) return all;
    const auto last = day_of(times_.zone.local(to)) + days(1);
    for (auto day = day_of(times_.zone.local(from)) - longest_hours; day <= last; day += days(1))
        for (const auto& one : periods_of(day)) {
            const Period period{std::max(from, one.opens), std::min(to, one.closes)};
            if (period.opens < period.closes) all.push_back(period);
        }
    std::sort(all.begin(), all.end(), [](const Period& a, const Period& b) { return a.opens < b.opens; });
    std::vector<Period> joined;
    for (const auto& period : all)
        if (!joined.empty() && period.opens <= joined.back().closes)
            joined.back().closes = std::max(joined.back().closes, period.closes);
        else
            joined.push_back(period);
    return joined;
}

bool Calendar::is_open(Instant instant) const {
    return !periods(instant, instant + Duration(1)).empty();
}

std::optional<Duration> Calendar::between(Instant from, Instant to) const {
    if (to > from + farthest) return std::nullopt;
    Duration sum{0};
    for (auto at = from; at < to; at += longest_stretch)
        for (const auto& period : periods(at, std::min<Instant>(to, at + longest_stretch)))
            sum += period.closes - period.opens;
    return sum;
}

std::optional<Instant> Calendar::next_opening(Instant from) const {
    return add(from, Duration(0), DueAt::next_opening);
}

std::optional<Instant> Calendar::add(Instant from, Duration span, DueAt due_at) const {
    ENSURE(span >= Duration(0));
    std::optional<Instant> due;
    walk(from, +1, [&](Instant near, Instant far) {
        for (const auto& period : periods(near, far)) {
            const auto length = period.closes - period.opens;
            // A period that a stretch cuts goes on in the next one, in which no time is left to pass.
            const bool may_end = due_at == DueAt::first_instant || span < length;
            if (span <= length && may_end) {
                due = period.opens + span;
                return true;
            }
            span -= length;
        }
        return false;
    });
    return due;
}

std::optional<Instant> Calendar::subtract(Instant to, Duration span) const {
    ENSURE(span >= Duration(0));
    std::optional<Instant> since;
    walk(to, -1, [&](Instant far, Instant near) {
        const auto all = periods(far, near);
        for (auto period = all.rbegin(); period != all.rend(); ++period) {
            const auto length = period->closes - period->opens;
            if (span <= length) {
                since = period->closes - span;
                return true;
            }
            span -= length;
        }
        return false;
    });
    return since;
}

/// On which the hours began that are open then, or that end then.
Day Calendar::day_of_hours(Instant open, bool is_end) const {
    auto day = day_of(times_.zone.local(open));
    for (const auto first = day - longest_hours; day >= first; day -= days(1))
        for (const auto& period : periods_of(day)) {
            const bool has_begun = is_end ? period.opens < open : period.opens <= open;
            const bool is_over = is_end ? period.closes < open : period.closes <= open;
            if (has_begun && !is_over) return day;
        }
    return day_of(times_.zone.local(open));
}

/// At the same time of the day's hours, so many days on.
std::optional<Instant> Calendar::moved(Instant open, int count, int step) const {
    const auto began = day_of_hours(open, step < 0);
    const auto time = times_.zone.local(open) - began;
    auto day = began;
    for (days gone{0}; count > 0; gone += days(1)) {
        if (gone >= farthest) return std::nullopt;
        day += days(step);
        if (!periods_of(day).empty()) --count;
    }
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return times_.zone.utc(day + seconds, times_.skipped) + (time - seconds);
}

std::optional<Instant> Calendar::add_days(Instant from, int count) const {
    ENSURE(count >= 0);
    const auto open = next_opening(from);
    if (!open || count == 0) return open;
    const auto then = moved(*open, count, +1);
    return then ? next_opening(*then) : std::nullopt;
}

std::optional<Instant> Calendar::subtract_days(Instant to, int count) const {
    ENSURE(count >= 0);
    const auto open = subtract(to, Duration(0));
    if (!open || count == 0) return open;
    const auto then = moved(*open, count, -1);
    return then ? subtract(*then, Duration(0)) : std::nullopt;
}

}  // namespace rules
