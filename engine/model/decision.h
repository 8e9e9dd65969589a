#pragma once
/// Decision: the one outcome of one event, as rules made it.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/json.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"
#include "engine/model/change.h"
#include "engine/model/subject.h"

namespace engine {

enum class Outcome {
    ok,
    loop,       ///< more passes or hops than the limit; merge kept, nothing else
    error,      ///< a rule failed under on_error event or lane, or a conflict under `fail`; merge kept
    stale,      ///< the payload brought only older values; no rule ran
    duplicate,  ///< seen before; nothing was done
};
std::string_view name_of(Outcome outcome);
Result<Outcome> parse_outcome(std::string_view name);

/// One call to an outside system that a rule (or a write-back) wants made.
struct Action {
    std::string rule;  ///< empty for a write-back
    std::string connection;
    std::string action;
    Json params = Json::object();
    std::string as;              ///< the step's name for its result; empty when it has none
    Json save = Json::object();  ///< field → path into {"result": …}, applied when the result is known
    bool relaxed = false;        ///< `order: relaxed`: later actions of the lane may pass it
    /// `<rule>#<n>` of the firing that asked for it; what waits for this result names it.
    std::string firing;
    friend bool operator==(const Action&, const Action&) = default;
};
/// `{"rule","connection","action","params"}`; the contract's form, without what only delivery needs.
Json to_json(const Action& action);

/// Two rules of one decision wanted different things of one field.
struct Conflict {
    std::string field;
    std::string first_rule;
    Json first_value;
    std::string second_rule;
    Json second_value;
    std::string kept;  ///< the rule whose value stands; empty when the decision failed for it
    std::string tag;   ///< the tag that one added and the other removed; empty for other fields
    friend bool operator==(const Conflict&, const Conflict&) = default;
};
Json to_json(const Conflict& conflict);

/// An event a rule emits; enters its lane at the tail, committed with this decision.
struct Emitted {
    std::string rule;
    std::string type;
    Subject subject;
    Json data = Json::object();
};
Json to_json(const Emitted& emitted);

/// What a decision does with a timer of its lane; setting one again moves it.
struct TimerChange {
    std::string name;
    std::optional<Instant> due;  ///< nothing = cancelled
    std::string rule;            ///< who asked
    std::string type;            ///< of the event it becomes
    Json data = Json::object();  ///< of that event
    std::string firing;          ///< the run whose rest it goes on with; empty = none
    friend bool operator==(const TimerChange&, const TimerChange&) = default;
};
Json to_json(const TimerChange& timer);

/// What happened to a clock of a service level.
struct SlaChange {
    std::string metric;
    std::string policy;
    std::string change;  ///< started, warning, breached, met, paused, resumed, retargeted, ended, cancelled
    Instant at{};
    std::optional<Instant> due;  ///< while it runs in time
    Duration used{};
    Duration target{};
    bool emitted = false;  ///< as an event of its own, `sla.<change>`
    friend bool operator==(const SlaChange&, const SlaChange&) = default;
};
Json to_json(const SlaChange& change);

/// A score of the entity has other points, or lies in another band.
struct ScoreChange {
    std::string score;
    Json from;  ///< points; null = there were none
    Json to;
    std::string band_from;  ///< empty = none
    std::string band;
    Json parts = Json::array();  ///< what its points are made of, as rules/policies/scoring.h says
    friend bool operator==(const ScoreChange&, const ScoreChange&) = default;
};
Json to_json(const ScoreChange& change);

/// What happened to an escalation of the entity.
struct EscalationChange {
    std::string escalation;
    std::string change;  ///< started, stepped, acknowledged, resumed, ended, exhausted
    int level = 0;       ///< the last that was reached, counted from 1; 0 = none yet
    int round = 1;       ///< how often its levels were begun
    Instant at{};
    std::optional<Instant> due;         ///< when it goes on by itself
    std::string reason;                 ///< who or what brought it about; empty = time did
    std::vector<std::string> notified;  ///< `person ana`, `channel desk`, in order
    friend bool operator==(const EscalationChange&, const EscalationChange&) = default;
};
Json to_json(const EscalationChange& change);

/// The queue that an entity came into, who got it, and why nobody else did.
struct Routed {
    std::string rule;
    std::string queue;
    std::string team;                 ///< empty = none had room
    std::string agent;                ///< empty = it waits in the queue
    Json considered = Json::array();  ///< `[{"agent","load","capacity","reason"}]` as rules/policies has it
    friend bool operator==(const Routed&, const Routed&) = default;
};
Json to_json(const Routed& routed);

/// The rest of a rule that did not run, and why.
struct Skipped {
    std::string rule;
    std::string reason;  ///< one of skip_reason
    friend bool operator==(const Skipped&, const Skipped&) = default;
};
namespace skip_reason {
inline constexpr auto rule_inactive = "rule_inactive";  ///< deleted, disabled, or without such a step
inline constexpr auto conditions_changed = "conditions_changed";  ///< `recheck`: they do not hold any more
inline constexpr auto expired = "expired";                        ///< it came later than `expires` allows
inline constexpr auto cancelled = "cancelled";                    ///< the entity was deleted
}  // namespace skip_reason

/// The rest of a rule's steps, waiting for a timer, or for the results of actions that the rule asked for.
struct Continuation {
    std::string rule;
    std::string ruleset;  ///< the version it began under and ends under
    std::string firing;
    std::vector<std::string> awaits;  ///< the `as` names whose results are not known yet
    std::vector<int> resume_at;       ///< index of the step to go on with, from the outside in
    Json results = Json::object();    ///< as → {"result": …} known so far
    bool timed = false;               ///< its timer has not fired yet
    bool recheck = false;             ///< the rule's conditions must hold then
    std::optional<Instant> expires;   ///< later than that it does not go on
    /// `wait_for`: event types and globs. Its timer is the time-out, or is due at once when one has come.
    std::vector<std::string> events;
    bool came = false;  ///< one has
    friend bool operator==(const Continuation&, const Continuation&) = default;
};
Json to_json(const Continuation& continuation);
Result<Continuation> continuation_from_json(const Json& json);

/// A rule that failed: its own writes, actions and emits were undone.
struct RuleFailure {
    std::string rule;
    std::string message;
    Place place;
    std::vector<std::string> traceback = {};  ///< of a script, innermost first
};

/// Something a script cannot know by itself. The decision is made again from its start with the answer.
struct Need {
    std::string key;   ///< of the answer, made from the rest
    std::string what;  ///< `crm.find_contact`, or `kv` for the tenant's own values
    Json params = Json::object();
    Duration cache{};  ///< so old an answer may be; zero = a new one
    Place place;       ///< where the script asks
};

struct LinkedVersion {
    Subject subject;
    std::uint64_t version = 0;
};

/// Where what followed from a decision stands among what waits: given by the store's owner, not decided.
struct Placed {
    std::uint64_t first_delivery =
        0;  ///< number of the first of its deliveries, the others follow it; 0 = none
    std::vector<std::uint64_t>
        events;  ///< places of what flows back: other entities of the payload, then emitted
    bool empty() const { return first_delivery == 0 && events.empty(); }
    friend bool operator==(const Placed&, const Placed&) = default;
};

struct Decision {
    EventId event_id;
    std::string event_source;
    std::string event_type;
    Subject subject;
    Instant event_time{};
    std::string ruleset;  ///< `sha256:…`
    Outcome outcome = Outcome::ok;
    std::vector<std::string> fired;  ///< in firing order, one entry a firing
    std::vector<Change> merged;      ///< what the payload changed
    std::vector<Change> changes;     ///< the rules' effective writes, in order
    std::vector<Conflict> conflicts;
    std::optional<Action> write_back;
    std::vector<Action> actions;
    std::vector<Emitted> emitted;
    std::vector<TimerChange> timers;  ///< one for each name
    std::vector<SlaChange> sla;
    std::optional<Json> sla_state;  ///< what the entity keeps of its clocks from now on; nothing = as before
    std::vector<ScoreChange> scores;
    std::optional<Json>
        score_state;  ///< what the entity keeps of its scores from now on; nothing = as before
    std::vector<EscalationChange> escalations;
    std::vector<Routed> routed;
    /// What the entity keeps of its escalations and of its place in a queue from now on; nothing = as before.
    std::optional<Json> routing_state;
    /// What the entity keeps of the events counted for rates from now on; nothing = as before.
    std::optional<Json> rate_state;
    /// What was read of other lanes' work, as rules/evaluator/decide.h says; null = nothing.
    Json consulted;
    std::vector<Continuation> continuations;
    std::optional<Json> awaited;  ///< what the entity's rules wait for from now on; nothing = as before
    std::vector<Skipped> skipped;
    std::vector<RuleFailure> failures;
    std::vector<std::string> cycle;     ///< of a loop: the rules that kept firing
    std::vector<LinkedVersion> linked;  ///< the snapshots that were read
    std::vector<std::string>
        entered;  ///< kinds of the payload's other entities that were news in their lanes
    Placed placed;
    std::vector<std::string> notes;  ///< odd but accepted: unknown fields, an echo left out, …
    bool blocks_lane = false;        ///< on_error: lane
    Instant now{};                   ///< the decision's clock
    /// Set: this is no decision yet, and holds nothing else that counts. Not part of the JSON form.
    std::optional<Need> need;
    Json document;  ///< the entity's fields after the decision (not part of the JSON form)
    Json trace;     ///< null unless asked for
};

/// The line of `replay --json`; `detail` adds what only the journal keeps (now, linked, what deliveries need,
/// …).
Json to_json(const Decision& decision, bool detail = false);
/// Reads what to_json(decision, true) wrote, but for what is only said to people (fired, conflicts, failures,
/// cycle, notes). Fails with corrupt.
Result<Decision> decision_from_json(const Json& json);
/// canonical_json(to_json(decision, true)): every decision is journaled this way, so no value is made for it.
std::string canonical_text(const Decision& decision);

}  // namespace engine
