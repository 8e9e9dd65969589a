#pragma once
/// Service levels: for each entity of a kind the first policy that fits, and a clock for each of its metrics.
/// Pure: what a clock says follows from the events alone.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/model/decision.h"
#include "engine/model/event.h"
#include "rules/calendar/calendar.h"
#include "rules/evaluator/condition.h"
#include "rules/rule_set.h"

namespace rules {

/// One metric of one entity, as it is kept between events.
struct SlaClock {
    SlaMetric metric{};
    std::string policy;
    engine::Instant started{};
    engine::Duration used{};               ///< until `since`, or in all when it stands
    std::optional<engine::Instant> since;  ///< it runs since then
    engine::Duration target{};
    std::string calendar;                ///< by which it runs now; empty = every hour
    std::optional<engine::Instant> due;  ///< while it runs and is in time
    std::optional<engine::Instant> breached;
    std::string group;  ///< that had it when it began
    int warned = 0;     ///< so many of its warnings were given
    std::optional<engine::Instant> ended;
    std::string end;                       ///< of one that has ended: met, late or cancelled
    bool lost = false;                     ///< it was cancelled because no policy has held since then
    std::optional<engine::Instant> stood;  ///< of one that stands: no time up to then is used again
    /// The timer that is set for it: when it is due, and whether it is for a warning.
    std::optional<engine::Instant> timer;
    bool timer_warns = false;
    friend bool operator==(const SlaClock&, const SlaClock&) = default;
};

/// All clocks of an entity, by metric.
struct SlaState {
    std::map<SlaMetric, SlaClock> clocks;
    bool answered = false;  ///< an agent has written to the customer
    friend bool operator==(const SlaState&, const SlaState&) = default;
};
/// An empty object for no clock.
engine::Json to_json(const SlaState& state);
/// Of what to_json wrote; what cannot be read is left out.
SlaState sla_state_from(const engine::Json& json);

/// What rules read below `sla`: by metric `due_at remaining_seconds used_seconds target_seconds breached
/// breached_at state started_at`, and `policy`.
engine::Json sla_view(const SlaState& state, const Calendars& calendars, engine::Instant now);

/// What came of it: changes to the clocks in order, and what is to be done with their timers.
struct SlaOutcome {
    std::vector<engine::SlaChange> changes;
    std::vector<engine::TimerChange> timers;
};

/// Before the rules: what is over by the event's time. `timer` is the name of the timer that the event was,
/// empty when it was none: what it was set for is the event itself and is not emitted again.
SlaOutcome pass_time(const RuleSet& rule_set, SlaState& state, engine::Instant at, std::string_view timer);

/// What clocks look at after the rules.
struct SlaMoment {
    std::string_view kind;                  ///< of the entity
    const engine::Json& document;           ///< its fields
    const engine::Json* message = nullptr;  ///< that the event brought; may be null
    bool deleted = false;
    engine::Instant at{};  ///< the event's time
    const Scope& scope;    ///< what conditions read
};
/// After the rules: which policy holds, which clocks begin, stand, go on and end.
SlaOutcome follow(const RuleSet& rule_set, SlaState& state, const SlaMoment& moment);

/// The clock's timer: `sla:resolution`.
std::string sla_timer_name(SlaMetric metric);

}  // namespace rules
