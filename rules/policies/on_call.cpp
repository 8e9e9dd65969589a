#include "rules/policies/on_call.h"

#include <algorithm>
#include <span>

#include "engine/base/ensure.h"

namespace rules {
namespace {

using engine::Duration;
using engine::Instant;
using OnCallPeople = std::span<const std::string>;

/// So far a calendar is looked at, before and after: hours that go on longer are seen in several parts.
constexpr std::chrono::days on_call_stretch{8};

/// A time in which nothing changes; something may when it is over.
struct OnCallPart {
    Instant since = Instant::min();
    Instant until = Instant::max();  ///< left out
    OnCallPeople who;
    bool overridden = false;

    bool covers(Instant at) const { return since <= at && at < until; }
    void narrow(Instant later, Instant sooner) {
        since = std::max(since, later);
        until = std::min(until, sooner);
    }
    /// To the side of that time on which the instant is.
    void leave_out(Instant from, Instant to, Instant at) {
        if (at < from)
            until = std::min(until, from);
        else
            since = std::max(since, to);
    }
};

bool are_same_people(OnCallPeople some, OnCallPeople others) {
    return std::equal(some.begin(), some.end(), others.begin(), others.end());
}

Instant turn_begins(const OnCallRotation& rotation, const Zone& zone, std::int64_t turn) {
    return zone.utc(rotation.starts + rotation.hand_over + turn * rotation.every, Skipped::first_instant);
}

/// The turn that has begun last; not before the first.
std::int64_t turn_at(const OnCallRotation& rotation, const Zone& zone, Instant at) {
    auto turn = (zone.local(at) - (rotation.starts + rotation.hand_over)) / rotation.every;
    // Where clocks go back, they show times again at which it had begun already.
    while (turn_begins(rotation, zone, turn + 1) <= at) ++turn;
    return turn;
}

void narrow_to_open_hours(const Calendar& hours, Instant at, OnCallPart& part) {
    part.narrow(at - on_call_stretch, at + on_call_stretch);
    bool is_open = false;
    for (const auto& period : hours.periods(part.since, part.until)) {
        is_open = period.opens <= at && at < period.closes;
        if (is_open)
            part.narrow(period.opens, period.closes);
        else
            part.leave_out(period.opens, period.closes, at);
        if (at < period.closes) break;
    }
    if (!is_open) part.who = {};
}

OnCallPart on_call_part_of(const OnCallRotation& rotation, const Zone& zone, Instant at) {
    ENSURE(!rotation.turns.empty() && rotation.every.count() > 0);
    OnCallPart part;
    const auto begins = turn_begins(rotation, zone, 0);
    const auto ends = rotation.until ? zone.utc(*rotation.until + rotation.hand_over, Skipped::first_instant)
                                     : Instant::max();
    if (at < begins || at >= ends) {
        part.leave_out(begins, ends, at);
        return part;
    }
    part.narrow(begins, ends);
    part.who = rotation.turns.front();
    if (rotation.turns.size() > 1) {
        const auto turn = turn_at(rotation, zone, at);
        part.narrow(turn_begins(rotation, zone, turn), turn_begins(rotation, zone, turn + 1));
        part.who = rotation.turns[static_cast<std::size_t>(turn) % rotation.turns.size()];
    }
    if (rotation.hours) narrow_to_open_hours(*rotation.hours, at, part);
    return part;
}

/// Looks at a schedule part by part; what it has seen last of each layer it sees again without reckoning.
class OnCallWalk {
public:
    /// Overrides count from one instant to another.
    OnCallWalk(const OnCallSchedule& schedule, Instant from, Instant to)
        : schedule_(schedule), seen_(schedule.rotations.size()) {
        for (const auto& one : schedule.overrides)
            if (one.from < to && from < one.until) overrides_.push_back(&one);
    }

    OnCallPart part(Instant at) {
        OnCallPart part;
        for (auto i = overrides_.size(); i > 0; --i) {
            const auto& one = *overrides_[i - 1];
            if (one.from <= at && at < one.until) {
                part.narrow(one.from, one.until);
                part.who = one.who;
                part.overridden = true;
                return part;
            }
            part.leave_out(one.from, one.until, at);
        }
        for (auto i = seen_.size(); i > 0 && part.who.empty(); --i) {
            const auto& layer = part_of_layer(i - 1, at);
            part.narrow(layer.since, layer.until);
            part.who = layer.who;
        }
        return part;
    }

private:
    const OnCallPart& part_of_layer(std::size_t layer, Instant at) {
        auto& seen = seen_[layer];
        if (!seen || !seen->covers(at))
            seen = on_call_part_of(schedule_.rotations[layer], schedule_.zone, at);
        return *seen;
    }

    const OnCallSchedule& schedule_;
    std::vector<std::optional<OnCallPart>> seen_;  ///< by layer
    std::vector<const OnCallOverride*> overrides_;
};

}  // namespace

OnCallShift on_call_at(const OnCallSchedule& schedule, Instant at) {
    const Instant earliest = at - on_call_looked, latest = at + on_call_looked;
    OnCallWalk walk(schedule, earliest, latest);
    const auto now = walk.part(at);
    auto since = now.since, until = now.until;
    while (since > earliest) {
        const auto before = walk.part(since - Duration(1));
        if (!are_same_people(before.who, now.who)) break;
        since = before.since;
    }
    while (until < latest) {
        const auto after = walk.part(until);
        if (!are_same_people(after.who, now.who)) break;
        until = after.until;
    }
    return {
        std::max(since, earliest), std::min(until, latest), {now.who.begin(), now.who.end()}, now.overridden};
}

std::vector<OnCallShift> shifts_between(const OnCallSchedule& schedule, Instant from, Instant to,
                                        std::size_t max) {
    std::vector<OnCallShift> shifts;
    to = std::min<Instant>(to, from + on_call_listed);
    OnCallWalk walk(schedule, from, to);
    while (from < to) {
        const auto part = walk.part(from);
        const auto until = std::min(part.until, to);
        const bool goes_on = !shifts.empty() && are_same_people(shifts.back().who, part.who);
        if (!goes_on && shifts.size() == max) break;
        if (!goes_on) shifts.push_back({from, until, {part.who.begin(), part.who.end()}, false});
        shifts.back().until = until;
        shifts.back().overridden = shifts.back().overridden || part.overridden;
        from = until;
    }
    return shifts;
}

}  // namespace rules
