#pragma once
/// Decides one event: merge, linked snapshots, rules, write-back, what flows back. Pure but for the snapshot
/// it reads.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/decision.h"
#include "engine/model/delivery.h"
#include "engine/model/entity.h"
#include "engine/model/event.h"
#include "engine/model/timer.h"
#include "engine/pipeline/answers.h"
#include "engine/pipeline/derived.h"
#include "engine/pipeline/engine.h"
#include "rules/evaluator/decide.h"
#include "rules/policies/routing.h"

namespace engine {

/// The entities as committed (and as left by what is decided in the same batch before).
class Snapshot {
public:
    virtual ~Snapshot() = default;
    /// Version 0 when the entity was never seen.
    virtual Result<Entity> entity(const TenantName& tenant, const Subject& subject) = 0;
    virtual Result<std::optional<Entity>> by_email(const TenantName& tenant, std::string_view kind,
                                                   std::string_view email) = 0;
    /// The timers of the lane.
    virtual Result<std::vector<Timer>> timers(const TenantName&, const Subject&) {
        return std::vector<Timer>();
    }
    /// Which times this decision found no room for a timer when it was made before; nothing = it was not.
    virtual std::optional<std::set<std::size_t>> timers_refused() { return std::nullopt; }
    /// The tenant under an older rule set; null when that cannot be read any more.
    virtual Result<std::shared_ptr<const Tenant>> tenant_under(const TenantName&, const std::string&) {
        return std::shared_ptr<const Tenant>();
    }
    /// What other entities make of the desk, for a decision about this one; null = nothing. Lives as long as
    /// nothing is decided.
    virtual Result<std::unique_ptr<rules::RoutingBoard>> desk(const TenantName&, const rules::Routing&,
                                                              const Subject&) {
        return std::unique_ptr<rules::RoutingBoard>();
    }
    /// What the desk said when this was decided before; null = it was not.
    virtual Json desk_said() { return Json(); }
    /// When events of other entities were counted for a rate, newest first.
    virtual Result<std::vector<Instant>> counted(const TenantName&, const rules::RateQuestion&,
                                                 const Subject& /*except*/) {
        return std::vector<Instant>();
    }
    /// What scripts were told when this was decided before: key → answer.
    virtual Json answers_said() { return Json::object(); }
    /// What a script asks a connection for: `{"ok": value}` or what unanswered gives; nothing = not known
    /// yet.
    virtual Result<std::optional<Json>> look_up(const Tenant&, const Need& need) {
        return std::optional<Json>(unanswered("unavailable", need.what + " cannot be looked up here"));
    }
    /// Whether an event by which another entity of a payload would enter its lane says anything new there.
    virtual Result<bool> is_news(const Event& entering, const rules::Catalogue& catalogue);
};

/// An event on its way into its decision.
struct Work {
    std::shared_ptr<const Event> event;
    std::vector<rules::PresetWrite> presets;  ///< the `save` of a delivered action
    std::optional<rules::Resume> resume;      ///< the rest of a rule
    /// Under whose rule set that rule began, when it is not the active one.
    std::shared_ptr<const Tenant> began_under;
    /// What was read from the payload's bytes ahead; may be null.
    std::shared_ptr<const rules::PayloadReadings> payload;
    std::vector<Change> retried_changes;  ///< an operator's retry sees the changes the event brought at first
};

struct Decided {
    Decision decision;
    Entity after;
    bool store_entity = false;   ///< the fields, the version or the times differ from before
    std::vector<Event> derived;  ///< what goes back into lanes: emitted events, other entities of the payload
    /// Set: a script waits for it, and nothing else is filled. Decide again when it is known.
    std::optional<Need> need;
};

struct DecideOptions {
    Instant now{};
    bool trace = false;
    rules::ScriptHost* scripts = nullptr;  ///< in the place of the tenant's; borrowed
};

/// Fails only as the snapshot fails; whatever rules do wrong is in the decision.
Result<Decided> decide_event(const Tenant& tenant, const Work& work, Snapshot& snapshot,
                             const DecideOptions& options);

}  // namespace engine
