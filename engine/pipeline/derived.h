#pragma once
/// What follows from a decision: events that flow back into lanes, deliveries, the rest of rules. Made the
/// same way when it is decided and when it is computed again from the journal. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/decision.h"
#include "engine/model/delivery.h"
#include "engine/model/event.h"
#include "engine/store/store.h"
#include "rules/catalogue.h"

namespace engine {

/// How pending events came to be; `PendingEvent::kind`.
namespace pending_kind {
inline constexpr auto event = "event";        ///< from outside, behind a blocked lane; journaled already
inline constexpr auto derived = "derived";    ///< emitted, or another entity of a payload
inline constexpr auto delivery = "delivery";  ///< the result of an action
inline constexpr auto retry = "retry";        ///< the event a lane stumbled over, for an operator's retry
}  // namespace pending_kind

/// `SHA-256(tenant ‖ source ‖ event id ‖ index)`, the first 32 hex digits.
DeliveryKey delivery_key(const Event& event, std::size_t index);

/// Whether the payload's object of that kind is another entity, which enters a lane of its own when it is
/// news there.
bool is_other_entity(const Event& event, const std::string& kind, const Json& value,
                     const rules::Catalogue& catalogue);
/// The event by which that object enters its lane. Fails with invalid_input when its id cannot be kept, with
/// not_found when it has none.
Result<Event> entering(const Event& event, const std::string& kind, const Json& value, Instant now);
/// The events that the decision's rules emitted, in order.
/// Of each event that the decision led to.
int breadth_after(const Event& event, const Decision& decision);
std::vector<Event> emitted_events(const Event& event, const Decision& decision, Instant now);

/// The changes of service levels that are events of their own, in order.
std::vector<Event> sla_events(const Event& event, const Decision& decision, Instant now);

/// What leaves: the write-back, then the actions. Numbers follow `decision.placed`.
std::vector<Delivery> deliveries_of(const Event& event, const Decision& decision, int partition);
/// Of the rest of that run of a rule, which began with the event.
std::string continuation_id(const Event& event, std::string_view firing);
/// The rests of rules that wait for a timer or for results.
std::vector<StoredContinuation> continuations_of(const Event& event, const Decision& decision, int partition);

/// What an attempt that ended a delivery brought.
struct DeliveryEnd {
    bool done = false;
    int status = 0;
    Json result;         ///< of one that is done
    std::string reason;  ///< of one that was given up
};
/// As rules see it, and the journal: `{"key","event","rule","connection","action","as","attempts"}`.
Json describe(const Delivery& delivery);
/// The result as an event of the delivery's lane, without a place.
PendingEvent result_event(const Delivery& delivery, const DeliveryEnd& end, Instant now);

/// What of a lane's continuations a delivery's result is for.
struct Taken {
    std::vector<StoredContinuation> still_waiting;  ///< for another result, with this one noted
    std::vector<StoredContinuation> complete;       ///< can go on
};
/// `context` is that of the result event. Does nothing for a delivery that was given up.
Taken take_result(std::vector<StoredContinuation> continuations, const Json& context);
/// The same for a timer that fired.
Taken take_timer(std::vector<StoredContinuation> continuations, const Event& event);
/// Whether the continuation waits for the delivery.
bool waits_for(const StoredContinuation& stored, const Delivery& delivery);

/// The event a lane stumbled over, as it waits for an operator. `merged` is what the event changed at first.
Event retry_of(const Event& event, const std::vector<Change>& merged);

}  // namespace engine
