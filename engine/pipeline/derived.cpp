#include "engine/pipeline/derived.h"

#include <algorithm>
#include <optional>

#include "engine/base/hash.h"
#include "engine/pipeline/merge.h"
#include "engine/pipeline/timers.h"
#include "engine/pipeline/work.h"
#include "rules/policies/queues.h"

namespace engine {
namespace {

constexpr auto delivery_source = "signalbox:delivery";

/// A derived event's id is unique because its source tells whose id it continues.
std::string derived_source(const Event& event) {
    return is_own_source(event.source) ? event.source : std::string(own_source) + event.source;
}

Event derived_from(const Event& event, const std::string& suffix, Instant now) {
    Event derived;
    derived.tenant = event.tenant;
    derived.id = EventId(event.id.text() + "~" + suffix);
    derived.source = derived_source(event);
    derived.time = event.time;
    derived.received = now;
    derived.connection = event.connection;
    derived.hops = event.hops + 1;
    derived.breadth = event.breadth;
    derived.cause = event.id;
    return derived;
}

std::optional<std::string> id_text(const Json& object) {
    const auto id = object.find("id");
    if (id == object.end()) return std::nullopt;
    if (id->is_string() && !id->get_ref<const std::string&>().empty()) return id->get<std::string>();
    if (id->is_number_integer()) return number_text(*id);
    return std::nullopt;
}

void sort_in(StoredContinuation stored, Taken& taken) {
    const bool is_complete = stored.continuation.awaits.empty() && !stored.continuation.timed;
    (is_complete ? taken.complete : taken.still_waiting).push_back(std::move(stored));
}

/// Whose result it is: the run of the rule that asked for it, in the decision of that event.
bool is_of_run(const StoredContinuation& stored, std::string_view firing, std::string_view event,
               std::string_view source) {
    return stored.continuation.firing == firing && text_or(stored.context, "event.id", "") == event &&
           text_or(stored.context, "event.source", "") == source;
}

}  // namespace

DeliveryKey delivery_key(const Event& event, std::size_t index) {
    const std::string_view nul("\0", 1);
    const auto number = std::to_string(index);
    const auto digest = sha256({event.tenant.text(), nul, event.source, nul, event.id.text(), nul, number});
    return DeliveryKey(to_hex(bytes_of(digest).substr(0, 16)));
}

bool is_other_entity(const Event& event, const std::string& kind, const Json& value,
                     const rules::Catalogue& catalogue) {
    // The rest of a rule reads again what an older event brought: that is no news of other entities.
    const bool is_rest = event.type.starts_with("delivery.") || is_rest_of_wait(event);
    return !is_rest && kind != event.subject.kind() && value.is_object() && catalogue.is_entity(kind);
}

Result<Event> entering(const Event& event, const std::string& kind, const Json& value, Instant now) {
    const auto id = id_text(value);
    if (!id) return not_found("the " + kind + " of the payload has no id");
    auto derived = derived_from(event, kind, now);
    auto subject = Subject::parse(Subject::of(kind, event.connection, *id).text());
    if (!subject) return invalid("the " + kind + " of the payload was left out: its id cannot be kept");
    derived.subject = std::move(*subject);
    derived.type = kind + ".updated";
    derived.actor = actor_of(event);
    derived.data = Json{{kind, value}};
    return derived;
}

namespace {

/// What waits goes on from where it began to wait: whoever got free has nothing to do with how it came there,
/// and those who take over from each other all day are no loop.
std::optional<int> hops_of_waiting(const Emitted& emitted) {
    if (!rules::is_writer_of_routing(emitted.rule) ||
        emitted.type != rules::routing_due_type(emitted.subject.kind()))
        return std::nullopt;
    const auto* hops = find(emitted.data, "routing.hops");
    return hops != nullptr && hops->is_number_integer() ? hops->get<int>() : 0;
}

}  // namespace

int breadth_after(const Event& event, const Decision& decision) {
    constexpr std::size_t most = 1'000'000;  // whoever has this does not branch any more
    const auto timers = std::count_if(decision.timers.begin(), decision.timers.end(),
                                      [](const TimerChange& timer) { return timer.due.has_value(); });
    const auto branches = decision.emitted.size() + static_cast<std::size_t>(timers);
    const auto breadth = static_cast<std::size_t>(event.breadth) * std::max<std::size_t>(branches, 1);
    return static_cast<int>(std::min(breadth, most));
}

std::vector<Event> emitted_events(const Event& event, const Decision& decision, Instant now) {
    std::vector<Event> events;
    const auto breadth = breadth_after(event, decision);
    for (std::size_t i = 0; i < decision.emitted.size(); ++i) {
        const auto& emitted = decision.emitted[i];
        auto derived = derived_from(event, std::to_string(i), now);
        // A vendor's time is the vendor's: what a rule says happens now.
        derived.time = std::nullopt;
        derived.subject = emitted.subject;
        derived.type = emitted.type;
        derived.actor = "rule:" + emitted.rule;
        derived.data = emitted.data;
        derived.breadth = breadth;
        if (const auto hops = hops_of_waiting(emitted)) {
            derived.hops = *hops + 1;
            derived.breadth = 1;
        }
        events.push_back(std::move(derived));
    }
    return events;
}

std::vector<Event> sla_events(const Event& event, const Decision& decision, Instant now) {
    std::vector<Event> events;
    for (const auto& change : decision.sla) {
        if (!change.emitted) continue;
        auto derived = derived_from(event, "sla" + std::to_string(events.size()), now);
        derived.time = std::nullopt;
        derived.subject = event.subject;
        derived.type = "sla." + change.change;
        derived.actor = "sla:" + change.policy;
        derived.data = Json{{"sla", to_json(change)}};
        events.push_back(std::move(derived));
    }
    return events;
}

std::vector<Delivery> deliveries_of(const Event& event, const Decision& decision, int partition) {
    std::vector<Delivery> deliveries;
    const auto add = [&](const Action& action, std::size_t index) {
        Delivery delivery;
        delivery.partition = partition;
        delivery.number = decision.placed.first_delivery + deliveries.size();
        delivery.key = delivery_key(event, index);
        delivery.tenant = event.tenant;
        delivery.lane = event.subject;
        delivery.event = event.id;
        delivery.source = event.source;
        delivery.ruleset = decision.ruleset;
        delivery.action = action;
        delivery.hops = event.hops;
        delivery.created = decision.now;
        delivery.next_attempt = decision.now;
        deliveries.push_back(std::move(delivery));
    };
    // The write-back's key is the same whether there are actions or not, and theirs whether it is there or
    // not.
    if (decision.write_back) add(*decision.write_back, 0);
    for (std::size_t i = 0; i < decision.actions.size(); ++i) add(decision.actions[i], i + 1);
    return deliveries;
}

std::string continuation_id(const Event& event, std::string_view firing) {
    return delivery_key(event, 0).text() + ":" + std::string(firing);
}

std::vector<StoredContinuation> continuations_of(const Event& event, const Decision& decision,
                                                 int partition) {
    std::vector<StoredContinuation> all;
    for (const auto& continuation : decision.continuations) {
        StoredContinuation stored;
        stored.tenant = event.tenant;
        stored.partition = partition;
        stored.subject = event.subject;
        stored.id = continuation_id(event, continuation.firing);
        stored.continuation = continuation;
        stored.context = Json{{"event", envelope_of(event)}};
        all.push_back(std::move(stored));
    }
    return all;
}

Json describe(const Delivery& delivery) {
    return {{"key", delivery.key.text()},       {"event", delivery.event.text()},
            {"rule", delivery.action.rule},     {"connection", delivery.action.connection},
            {"action", delivery.action.action}, {"as", delivery.action.as},
            {"attempts", delivery.attempts}};
}

PendingEvent result_event(const Delivery& delivery, const DeliveryEnd& end, Instant now) {
    PendingEvent pending;
    pending.partition = delivery.partition;
    pending.kind = pending_kind::delivery;
    auto& event = pending.event;
    event.tenant = delivery.tenant;
    // A dead letter that is retried keeps its key and gets a new number.
    event.id =
        EventId(delivery.key.text() + (end.done ? "~done" : "~failed") + std::to_string(delivery.number));
    event.source = delivery_source;
    event.type = end.done ? "delivery.done" : "delivery.failed";
    event.subject = delivery.lane;
    event.received = now;
    event.actor = "connection:" + delivery.action.connection;
    event.hops = delivery.hops + 1;
    event.cause = delivery.event;
    event.data = Json{{"delivery", describe(delivery)}};
    event.data["delivery"]["status"] = end.status;
    if (end.done) event.data["result"] = end.result;
    if (!end.done) event.data["delivery"]["reason"] = end.reason;
    pending.context = Json{{"save", delivery.action.save},
                           {"as", delivery.action.as},
                           {"firing", delivery.action.firing},
                           {"rule", delivery.action.rule},
                           {"event", delivery.event.text()},
                           {"source", delivery.source},
                           {"done", end.done},
                           {"result", end.done ? end.result : Json()}};
    return pending;
}

Taken take_result(std::vector<StoredContinuation> continuations, const Json& context) {
    Taken taken;
    const auto* done = find(context, "done");
    if (done == nullptr || *done != Json(true)) return taken;
    const auto as = text_or(context, "as", "");
    for (auto& stored : continuations) {
        auto& continuation = stored.continuation;
        const auto awaited = std::find(continuation.awaits.begin(), continuation.awaits.end(), as);
        if (awaited == continuation.awaits.end() ||
            !is_of_run(stored, text_or(context, "firing", ""), text_or(context, "event", ""),
                       text_or(context, "source", "")))
            continue;
        continuation.awaits.erase(awaited);
        continuation.results[as] = Json{{"result", context["result"]}};
        sort_in(std::move(stored), taken);
    }
    return taken;
}

Taken take_timer(std::vector<StoredContinuation> continuations, const Event& event) {
    Taken taken;
    const auto timer_name = name_of_timer(event);
    for (auto& stored : continuations) {
        if (!stored.continuation.timed || continuation_of_wait(timer_name) != stored.id) continue;
        stored.continuation.timed = false;
        stored.continuation.came = awaited_event_came(event);
        sort_in(std::move(stored), taken);
    }
    return taken;
}

bool waits_for(const StoredContinuation& stored, const Delivery& delivery) {
    const auto& awaits = stored.continuation.awaits;
    return is_of_run(stored, delivery.action.firing, delivery.event.text(), delivery.source) &&
           std::find(awaits.begin(), awaits.end(), delivery.action.as) != awaits.end();
}

Event retry_of(const Event& event, const std::vector<Change>& merged) {
    Event again = event;
    again.id = EventId(event.id.text() + "~retry");
    again.source = derived_source(event);
    again.cause = event.id;
    again.hops = event.hops + 1;
    // What it brought besides its payload, it brings again.
    auto retry = work_of(std::make_shared<const Event>(event));
    retry.retried_changes = merged;
    again.extensions[context_extension] = context_of(retry);
    return again;
}

}  // namespace engine
