#pragma once
/// Timers as decisions ask for them, as rows, and as the events they become. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "engine/model/decision.h"
#include "engine/model/event.h"
#include "engine/model/timer.h"

namespace engine {

/// A wait's timer leads by its name to the rest of the rule that waits.
std::string wait_name(std::string_view continuation_id);
/// The id of the continuation that the timer of that name is for; empty when it is for none.
std::string_view continuation_of_wait(std::string_view timer_name);

/// Gives the timers of waits their names. Only the event knows them.
void name_waits(const Event& event, Decision& decision);

/// What a decision does with timers, as the store keeps them.
struct TimerRows {
    std::vector<Timer> set;
    std::vector<Timer> removed;  ///< tenant, partition, subject and name
};
TimerRows timer_rows(const Event& event, const Decision& decision, int partition);

/// The event a timer becomes. It is the same each time it is made, but for when it was received and how late
/// that is.
Event fired_event(const Timer& timer, Instant now);
/// Whether the event was a timer: by its source, which nobody outside can claim, and by its id, for what such
/// events lead to has the same source.
bool was_timer(const Event& event);
/// Whether the event runs the rest of a rule that has waited, for the first time or again: besides what its
/// entity is then it reads what an older event brought.
bool is_rest_of_wait(const Event& event);
/// The name of the timer that the event was.
std::string name_of_timer(const Event& event);
/// Whether the timer of a `wait_for` became due because what it waits for came.
bool awaited_event_came(const Event& event);
/// The rule that set the timer; empty when it was none.
std::string rule_of(const Timer& timer);
/// As lists show it: `{"subject","name","due","event","rule"}`.
Json describe(const Timer& timer);

}  // namespace engine
