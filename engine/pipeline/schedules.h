#pragma once
/// Rules on a schedule (`on: schedule`): each has a lane of its own, `schedule/<rule>`, whose timer is the
/// next time. Pure, but for the entities that a sweep looks at.

#include <optional>
#include <vector>

#include "engine/model/decision.h"
#include "engine/model/event.h"
#include "engine/model/timer.h"
#include "engine/pipeline/engine.h"
#include "engine/store/store.h"

namespace engine {

/// The lane of a rule on a schedule.
std::optional<Subject> schedule_lane(const rules::Rule& rule);
/// The events that begin the schedules whose timers are not what the tenant's rules say. `timers` are those
/// of their lanes. A schedule that no rule has any more ends by itself when its time has come.
std::vector<Event> schedules_to_begin(const Tenant& tenant, const std::vector<Timer>& timers, Instant now);
/// Whether the event is one of those.
bool begins_schedule(const Event& event);
/// Whether the timer is a schedule's.
bool is_of_schedule(const Timer& timer);
/// It comes again and again by itself: of a schedule, or of what waits in a queue and is looked at meanwhile.
bool recurs(const Timer& timer);
/// Whether no rule hears of the event: it begins a schedule, or sweeps.
bool is_only_for_schedule(const Event& event);

/// After the rules, in the lane of a schedule: sets its next time, and sends an event to each entity that a
/// sweep has found.
void follow_schedule(const Tenant& tenant, const Event& event, Decision& decision);

/// Whether what the timer becomes has to look at entities first.
bool is_sweep(const Timer& timer);
/// Looks at the next entities of the kind, as they are in the store, and writes into the event which of them
/// the rule may be for, and where to go on. Fails as the store fails.
Result<void> sweep(const Tenant& tenant, Store& store, std::size_t entities_max, Event& event);

}  // namespace engine
