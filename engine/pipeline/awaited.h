#pragma once
/// The events that rules of a lane wait for (`wait_for`), as its entity keeps them: `[{"id","rule","ruleset",
/// "at","on"}]`, by which an event sees without a look into the store whether somebody waits for it.

#include "engine/base/result.h"
#include "engine/pipeline/decide_event.h"
#include "rules/evaluator/decide.h"

namespace engine {

/// What conditions on an awaited event read, besides what the decision left.
struct AwaitedScope {
    const Tenant& tenant;
    const Event& event;
    const rules::LinkedObjects& linked;
    const Json sla;
    const Entity& before;
};

/// After the rules: lets those go on who waited for this event, by making their timers due now, and notes who
/// waits from now on. An entity that somebody waits for gets a version, if it has none. Fails as the snapshot
/// fails.
Result<void> follow_awaited(const AwaitedScope& scope, Snapshot& snapshot, Decided& decided);

}  // namespace engine
