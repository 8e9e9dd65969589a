#pragma once
/// Escalation: whom an entity is brought before, one level after the other, until somebody takes it on. Pure:
/// where an escalation stands follows from the events alone.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/model/decision.h"
#include "rules/evaluator/condition.h"
#include "rules/rule_set.h"

namespace rules {

/// Who is told.
struct NotifyTarget {
    enum class Kind { person, team, on_call, channel };
    Kind kind = Kind::person;
    std::string id;
};
std::string_view name_of(NotifyTarget::Kind kind);

struct EscalationLevel {
    engine::Duration after{};  ///< since the level before it, or since the escalation began
    std::vector<NotifyTarget> notify;
    std::optional<Condition> when;  ///< nobody is told where it does not hold
    engine::Place place;
};

/// Something that happens to the entity: an event of those types comes, or conditions come to hold; with
/// both, such an event comes while they hold.
struct Occasion {
    std::vector<std::string> on;  ///< event types or globs
    std::optional<Condition> when;
};

struct Escalation {
    std::string id;
    std::string writer;           ///< `escalation:<id>`, in whose name it tells people
    std::string kind = "ticket";  ///< of entity
    std::string calendar_name;    ///< empty = every hour counts
    std::shared_ptr<const Calendar> calendar;
    std::vector<EscalationLevel> levels;  ///< at least one
    int repeat = 0;                       ///< so often the levels are begun again after the last
    engine::Duration repeat_after{};      ///< since the last level
    std::optional<Occasion> acknowledged;
    std::optional<engine::Duration> acknowledged_for;  ///< after that it goes on; nothing = it does not
    Occasion ends;
    engine::Place place;
};

/// An escalation of one entity, as it is kept between events. One that has ended is not kept.
struct EscalationRun {
    enum class State { running, acknowledged, exhausted };
    std::string ruleset;  ///< that it began under: later ones do not change its levels
    std::string rule;     ///< that began it
    State state = State::running;
    int level = 0;  ///< the last that was reached, counted from 1
    int round = 1;
    engine::Instant started{};
    std::optional<engine::Instant> due;  ///< of its timer
    bool was_taken = false;              ///< the conditions of `acknowledged` held when last looked at
    friend bool operator==(const EscalationRun&, const EscalationRun&) = default;
};
std::string_view name_of(EscalationRun::State state);

/// By escalation.
using EscalationRuns = std::map<std::string, EscalationRun>;
/// An empty object for none.
engine::Json to_json(const EscalationRuns& runs);
/// Of what to_json wrote; what cannot be read is left out.
EscalationRuns escalation_runs_from(const engine::Json& json);
/// What rules read below `escalations`: by id `state level round started_at due_at`.
engine::Json escalation_view(const EscalationRuns& runs);

/// What is at hand after the rules. Borrowed.
struct EscalationMoment {
    std::string_view kind;  ///< of the entity
    std::string_view event_type;
    const std::string& ruleset;  ///< the active one
    engine::Instant now{};
    bool is_deleted = false;  ///< the entity is a tombstone: all of its escalations end
    const Scope& scope;
    /// The rule set of that version; null when it cannot be had.
    std::function<const RuleSet*(const std::string& ruleset)> rule_set;
};

/// A level that was reached just now, whose people are to be told.
struct LevelReached {
    std::size_t change = 0;  ///< index of the change that says so
    const Escalation* escalation = nullptr;
    const EscalationLevel* level = nullptr;
    engine::Instant started{};
    std::string ruleset;  ///< that the escalation began under
};

struct EscalationOutcome {
    std::vector<engine::EscalationChange> changes;
    std::vector<engine::TimerChange> timers;
    std::vector<LevelReached> reached;
    std::vector<std::string> notes;
};
/// After the rules: what they asked for, what has happened, and what is due by now, in this order.
EscalationOutcome follow(EscalationRuns& runs, const std::vector<EscalationWish>& wishes,
                         const EscalationMoment& moment);

/// The timer of an escalation: `escalation:<id>`; also in whose name its people are told.
std::string escalation_timer_name(const std::string& escalation);
/// The type of the event that the timer becomes: `<kind>.escalation_due`.
std::string escalation_due_type(std::string_view kind);

}  // namespace rules
