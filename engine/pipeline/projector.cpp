#include "engine/pipeline/projector.h"

#include <algorithm>

#include "engine/pipeline/batch.h"
#include "engine/pipeline/derived.h"
#include "engine/pipeline/desk.h"
#include "engine/pipeline/merge.h"
#include "engine/pipeline/schedules.h"
#include "engine/pipeline/timers.h"
#include "engine/pipeline/work.h"
#include "engine/store/codec.h"

namespace engine {
namespace {

std::string row_name(const JournalRecord& record) {
    return "row " + std::to_string(record.seq) + " of stream " + record.stream;
}

std::string key_text(std::string_view subject, std::string_view source, std::string_view id) {
    std::string key(subject);
    key.append(1, '\0').append(source).append(1, '\0').append(id);
    return key;
}
std::string key_of(const Event& event) {
    return key_text(event.subject.text(), event.source, event.id.text());
}

std::uint64_t number_in(const Json& body, const char* name) {
    const auto found = body.find(name);
    return found != body.end() && found->is_number_integer() ? found->get<std::uint64_t>() : 0;
}

/// What cannot be read again in a moment either.
bool is_for_good(const Error& error) {
    return error.code != Code::unavailable && error.code != Code::outcome_unknown;
}

}  // namespace

Projector::Projector(TenantName tenant, Options options, TenantAt tenant_at, EntityShelf& entities,
                     std::function<Result<void>(const SeenEvent&)> on_seen)
    : tenant_(std::move(tenant)),
      options_(options),
      tenant_at_(std::move(tenant_at)),
      entities_(entities),
      on_seen_(std::move(on_seen)) {}

int Projector::partition_of(const Subject& subject) const {
    return engine::partition_of(tenant_, subject, options_.partitions);
}

const Error* Projector::lost(const Subject& subject) const {
    const auto found = lost_.find(subject.text());
    return found == lost_.end() ? nullptr : &found->second;
}

std::uint64_t Projector::detached(const std::string& stream) const {
    const auto found = detached_.find(stream);
    return found == detached_.end() ? 0 : found->second;
}

void Projector::lose(const JournalRecord& record, Error why) {
    lost_.try_emplace(record.subject, std::move(why));
}

std::shared_ptr<const Event> Projector::event_of(const Decision& decision) const {
    const auto found =
        open_.find(key_text(decision.subject.text(), decision.event_source, decision.event_id.text()));
    return found == open_.end() ? nullptr : found->second.event;
}

Result<void> Projector::take(const JournalRecord& record) {
    // Rows of the control stream change nothing that is projected.
    if (record.subject.empty()) return {};
    if (record.kind == record_kind::erasure)
        return is_new_beginning(record) ? take_erasure(record) : Result<void>();
    if (record.previous != 0 && record.previous <= detached(record.stream))
        lose(record, not_found("rows before " + row_name(record) + " were taken away by retention"));
    // Bodies go by erasures only: `verify` finds others.
    if (!record.body) {
        lose(record, not_found(row_name(record) + " was erased"));
        return {};
    }
    const auto body = parse_stored(*record.body, row_name(record));
    if (!body) {
        lose(record, body.error());
        return {};
    }
    if (record.kind == record_kind::event) return take_event(record, *body);
    if (record.kind == record_kind::waiting) return take_waiting(record, *body);
    if (record.kind == record_kind::clash) return take_clash(record, *body);
    if (record.kind == record_kind::attempt) return take_attempt(record, *body);
    if (record.kind == record_kind::operator_act) return take_operator_act(record, *body);
    if (record.kind == record_kind::lane_blocked) return take_blocked(record, *body);
    if (record.kind == record_kind::lane_released) return take_released(record, *body);
    if (record.kind == record_kind::delivered || record.kind == record_kind::dead_letter)
        return take_end(record, *body);
    if (record.kind != record_kind::decision) return {};
    const auto decision = decision_from_json(*body);
    if (!decision) {
        lose(record, {Code::corrupt, row_name(record) + ": " + decision.error().message});
        return {};
    }
    return take_decision(record, *decision);
}

/// Whatever was before, the entity is what the erasure left of it, and nothing of its lane waits.
Result<void> Projector::take_erasure(const JournalRecord& record) {
    const auto subject = Subject::parse(record.subject);
    if (!subject) return {};
    const auto entity = entities_.change(*subject);
    if (!entity) return entity.error();
    Entity left;
    left.tenant = tenant_;
    left.subject = *subject;
    left.version = record.entity_version;
    left.deleted = left.version > 0;
    **entity = std::move(left);
    lost_.erase(record.subject);
    projection_.timers.erase(record.subject);
    projection_.continuations.erase(record.subject);
    std::erase_if(projection_.dead_letters, [&](const auto& entry) {
        const auto& delivery = entry.second.delivery;
        if (delivery.lane != *subject) return false;
        dead_by_key_.erase(delivery.key.text());
        return true;
    });
    return {};
}

// ---- events and decisions

Result<void> Projector::take_event(const JournalRecord& record, const Json& body) {
    auto read = event_from_envelope(tenant_, body, true);
    if (!read) {
        lose(record, {Code::corrupt, row_name(record) + ": " + read.error().message});
        return {};
    }
    const auto event = std::make_shared<const Event>(*std::move(read));
    Open open;
    open.event = event;
    open.seen = {{tenant_, event->source, event->id},
                 content_digest(*event, canonical_json(event->data)),
                 record.stream,
                 record.seq,
                 0};
    // Only this program's own events flow back.
    const bool is_made_anew = was_timer(*event) || begins_schedule(*event) || is_offer(*event);
    if (is_own_source(event->source) && !is_made_anew) open.flow = take_pending(key_of(*event));
    open_[key_of(*event)] = std::move(open);
    return {};
}

Result<void> Projector::take_waiting(const JournalRecord& record, const Json& body) {
    const auto place = number_in(body, "place");
    const auto open = open_.find(key_text(record.subject, text_or(body, "source", ""), record.cause_event));
    if (open == open_.end()) return {};
    open->second.place = place;
    raise(partition_of(open->second.event->subject), place, 0);
    apply_origin(open->second);
    return {};
}

/// An event of ours that is known with another content is not decided, and waits no longer.
Result<void> Projector::take_clash(const JournalRecord& record, const Json& body) {
    if (!is_own_source(text_or(body, "source", ""))) return {};
    (void)take_pending(key_text(record.subject, text_or(body, "source", ""), text_or(body, "id", "")));
    return {};
}

Result<void> Projector::take_decision(const JournalRecord& record, const Decision& decision) {
    const auto found =
        open_.find(key_text(decision.subject.text(), decision.event_source, decision.event_id.text()));
    if (found == open_.end()) {
        lose(record, {Code::corrupt, row_name(record) + " decides an event that the stream does not have"});
        return {};
    }
    const auto open = std::move(found->second);
    open_.erase(found);
    if (open.place == 0) apply_origin(open);
    if (lost(decision.subject) == nullptr)
        if (auto changed = change_entity(record, *open.event, decision); !changed) return changed;
    // A waiting event's row belongs to an earlier step.
    const auto event_seq = open.place == 0 ? open.seen.event_seq : 0;
    add_consequences(record, *open.event, decision, event_seq);
    last_[record.stream] = {open.event, decision.merged, event_seq};
    if (!on_seen_) return {};
    auto seen = open.seen;
    seen.decision_seq = record.seq;
    return on_seen_(seen);
}

Result<void> Projector::change_entity(const JournalRecord& record, const Event& event,
                                      const Decision& decision) {
    if (decision.outcome == Outcome::stale) return {};
    const auto tenant = tenant_at_(record.ruleset);
    if (!tenant && is_for_good(tenant.error())) {
        lose(record, tenant.error());
        return {};
    }
    if (!tenant) return tenant.error();
    const auto& rule_set = *(*tenant)->rule_set;
    if (event.hops > rule_set.options.hops_max) return {};
    auto changed = entities_.change(event.subject);
    if (!changed) return changed.error();
    auto merged = merge(**changed, event, rule_set.catalogue);
    auto& entity = merged.entity;
    for (const auto& change : decision.changes) apply(entity, change);
    if (decision.write_back) note_own_writes(entity, decision, delivery_key(event, 0));
    if (decision.sla_state) entity.sla = *decision.sla_state;
    if (decision.score_state) entity.scores = *decision.score_state;
    if (decision.routing_state) entity.routing = *decision.routing_state;
    if (decision.rate_state) entity.rates = *decision.rate_state;
    if (decision.awaited) entity.awaited = *decision.awaited;
    entity.version = record.entity_version;
    // Times of an entity without a version have nothing to be the times of.
    if (entity.known()) **changed = std::move(entity);
    return {};
}

void Projector::add_consequences(const JournalRecord& record, const Event& event, const Decision& decision,
                                 std::uint64_t event_seq) {
    const int partition = partition_of(event.subject);
    if (options_.delivers)
        for (auto& delivery : deliveries_of(event, decision, partition)) {
            const Projection::Place place(partition, delivery.number);
            raise(partition, 0, delivery.number);
            outbox_by_key_[delivery.key.text()] = place;
            projection_.outbox[place] = std::move(delivery);
        }
    std::vector<Event> derived;
    for (const auto& kind : decision.entered)
        if (const auto value = event.data.find(kind); value != event.data.end())
            if (auto entered = entering(event, kind, *value, decision.now))
                derived.push_back(*std::move(entered));
    for (auto& emitted : emitted_events(event, decision, decision.now)) derived.push_back(std::move(emitted));
    for (auto& one : sla_events(event, decision, decision.now)) derived.push_back(std::move(one));
    for (std::size_t i = 0; i < derived.size() && i < decision.placed.events.size(); ++i) {
        PendingEvent pending;
        pending.partition = partition_of(derived[i].subject);
        pending.place = decision.placed.events[i];
        pending.kind = pending_kind::derived;
        pending.event = std::move(derived[i]);
        pending.event_seq = event_seq;
        add_pending(std::move(pending));
    }
    change_timers(record, event, decision);
    for (auto& stored : continuations_of(event, decision, partition))
        projection_.continuations[record.subject][stored.id] = std::move(stored);
}

void Projector::change_timers(const JournalRecord& record, const Event& event, const Decision& decision) {
    if (decision.timers.empty()) return;
    auto rows = timer_rows(event, decision, partition_of(event.subject));
    auto& timers = projection_.timers[record.subject];
    for (const auto& timer : rows.removed) {
        timers.erase(timer.name);
        // Who waited for it waits no more.
        const auto lane = projection_.continuations.find(record.subject);
        if (lane == projection_.continuations.end()) continue;
        lane->second.erase(std::string(continuation_of_wait(timer.name)));
        if (lane->second.empty()) projection_.continuations.erase(lane);
    }
    for (auto& timer : rows.set) timers[timer.name] = std::move(timer);
    if (timers.empty()) projection_.timers.erase(record.subject);
}

// ---- what flows back

void Projector::add_pending(PendingEvent pending) {
    raise(pending.partition, pending.place, 0);
    const auto key = key_of(pending.event);
    if (const auto owed = owed_.find(key); owed != owed_.end()) {
        if (--owed->second == 0) owed_.erase(owed);
        return;
    }
    const Projection::Place place(pending.partition, pending.place);
    pending_by_key_[key].insert(place);
    projection_.pending[place] = std::move(pending);
}

/// The first of that key, which is taken first. Streams stand beside each other only by time: the row that
/// made the event may come later.
std::optional<PendingEvent> Projector::take_pending(const Key& key) {
    const auto found = pending_by_key_.find(key);
    if (found == pending_by_key_.end()) {
        ++owed_[key];
        return std::nullopt;
    }
    const auto place = *found->second.begin();
    auto taken = std::move(projection_.pending.at(place));
    remove_pending(key, place);
    return taken;
}

void Projector::remove_pending(const Key& key, const Projection::Place& place) {
    projection_.pending.erase(place);
    const auto found = pending_by_key_.find(key);
    found->second.erase(place);
    if (found->second.empty()) pending_by_key_.erase(found);
}

/// What the event was before it was one is gone with its decision, or as soon as it waits for that.
void Projector::apply_origin(const Open& open) {
    if (open.flow) apply_result(*open.flow);
    if (was_timer(*open.event)) apply_timer(*open.event);
}

/// The decision of a delivery's result takes what waited for it.
void Projector::apply_result(const PendingEvent& flow) {
    if (flow.kind != pending_kind::delivery) return;
    const auto& lane = flow.event.subject.text();
    apply_taken(lane, take_result(waiting_in(lane), flow.context));
}

/// A timer that fired is gone, and so does what waited for it.
void Projector::apply_timer(const Event& event) {
    const auto& lane = event.subject.text();
    const auto name = name_of_timer(event);
    if (const auto timers = projection_.timers.find(lane); timers != projection_.timers.end()) {
        timers->second.erase(name);
        if (timers->second.empty()) projection_.timers.erase(timers);
    }
    apply_taken(lane, take_timer(waiting_in(lane), event));
}

std::vector<StoredContinuation> Projector::waiting_in(const std::string& lane) const {
    std::vector<StoredContinuation> waiting;
    const auto found = projection_.continuations.find(lane);
    if (found == projection_.continuations.end()) return waiting;
    for (const auto& [id, stored] : found->second) waiting.push_back(stored);
    return waiting;
}

void Projector::apply_taken(const std::string& lane, const Taken& taken) {
    if (taken.still_waiting.empty() && taken.complete.empty()) return;
    auto& continuations = projection_.continuations[lane];
    for (const auto& stored : taken.still_waiting) continuations[stored.id] = stored;
    for (const auto& stored : taken.complete) continuations.erase(stored.id);
    if (continuations.empty()) projection_.continuations.erase(lane);
}

// ---- deliveries

Result<void> Projector::take_attempt(const JournalRecord& record, const Json& body) {
    const auto place = outbox_by_key_.find(text_or(body, "delivery.key", ""));
    const auto next = parse_instant(text_or(body, "next_attempt", ""));
    if (place == outbox_by_key_.end() || !next) {
        lose(record, {Code::corrupt, row_name(record) + " is of a delivery that the journal does not have"});
        return {};
    }
    auto& delivery = projection_.outbox.at(place->second);
    delivery.attempts = static_cast<int>(number_in(body["delivery"], "attempts"));
    delivery.next_attempt = *next;
    return {};
}

Result<void> Projector::take_end(const JournalRecord& record, const Json& body) {
    const auto key = text_or(body, "delivery.key", "");
    const bool done = record.kind == record_kind::delivered;
    // Without a rule it was a write-back.
    if (done && record.cause_rule.empty())
        if (auto confirmed = confirm_own_writes(record, key); !confirmed) return confirmed;
    const auto found = outbox_by_key_.find(key);
    if (found == outbox_by_key_.end()) {
        lose(record, {Code::corrupt, row_name(record) + " is of a delivery that the journal does not have"});
        return {};
    }
    const auto place = found->second;
    auto delivery = std::move(projection_.outbox.at(place));
    projection_.outbox.erase(place);
    outbox_by_key_.erase(found);
    delivery.attempts = static_cast<int>(number_in(body["delivery"], "attempts"));
    DeliveryEnd end;
    end.done = done;
    end.status = static_cast<int>(number_in(body, "status"));
    if (const auto result = body.find("result"); result != body.end()) end.result = *result;
    end.reason = text_or(body, "reason", "");
    if (const auto at = number_in(body, "place"); at > 0) {
        auto pending = result_event(delivery, end, record.time);
        pending.place = at;
        add_pending(std::move(pending));
    }
    if (done) return {};
    dead_by_key_[key] = place;
    projection_.dead_letters[place] = {std::move(delivery), end.reason, end.status, record.time};
    return {};
}

Result<void> Projector::confirm_own_writes(const JournalRecord& record, const std::string& key) {
    const auto subject = Subject::parse(record.subject);
    if (!subject || lost(*subject) != nullptr) return {};
    auto entity = entities_.change(*subject);
    if (!entity) return entity.error();
    std::erase_if((*entity)->own_writes,
                  [&](const auto& entry) { return entry.second.delivery.text() == key; });
    return {};
}

// ---- operators' commands

Result<void> Projector::take_operator_act(const JournalRecord& record, const Json& body) {
    const auto command = text_or(body, "command", "");
    const auto key = text_or(body, "arguments.key", "");
    if (command == "dead-letters.retry") retry_dead_letter(record, body, key);
    if (command != "dead-letters.discard") return {};
    discard_dead_letter(key);
    // Only a write-back's key stands in own writes.
    return confirm_own_writes(record, key);
}

void Projector::retry_dead_letter(const JournalRecord& record, const Json& body, const std::string& key) {
    const auto found = dead_by_key_.find(key);
    if (found == dead_by_key_.end()) return;
    auto delivery = std::move(projection_.dead_letters.at(found->second).delivery);
    projection_.dead_letters.erase(found->second);
    dead_by_key_.erase(found);
    delivery.number = number_in(body, "number");
    delivery.attempts = 0;
    delivery.next_attempt = record.time;
    const Projection::Place place(delivery.partition, delivery.number);
    raise(delivery.partition, 0, delivery.number);
    outbox_by_key_[key] = place;
    projection_.outbox[place] = std::move(delivery);
}

void Projector::discard_dead_letter(const std::string& key) {
    const auto found = dead_by_key_.find(key);
    if (found == dead_by_key_.end()) return;
    const auto letter = std::move(projection_.dead_letters.at(found->second));
    projection_.dead_letters.erase(found->second);
    dead_by_key_.erase(found);
    const auto lane = projection_.continuations.find(letter.delivery.lane.text());
    if (lane == projection_.continuations.end()) return;
    std::erase_if(lane->second, [&](const auto& entry) {
        const auto& stored = entry.second;
        if (!waits_for(stored, letter.delivery)) return false;
        const auto timers = projection_.timers.find(stored.subject.text());
        if (stored.continuation.timed && timers != projection_.timers.end())
            timers->second.erase(wait_name(stored.id));
        return true;
    });
    if (lane->second.empty()) projection_.continuations.erase(lane);
}

Result<void> Projector::take_blocked(const JournalRecord& record, const Json& body) {
    const auto last = last_.find(record.stream);
    const bool follows = last != last_.end() && last->second.event->subject.text() == record.subject;
    if (!follows) {
        lose(record, {Code::corrupt, row_name(record) + " follows no decision of its lane"});
        return {};
    }
    const auto& event = *last->second.event;
    BlockedLane lane;
    lane.tenant = tenant_;
    lane.subject = event.subject;
    lane.partition = partition_of(event.subject);
    lane.reason = text_or(body, "reason", "");
    lane.event = event.id;
    lane.since = record.time;
    projection_.blocked[record.subject] = lane;
    // Those changes came with the event: its actor made them.
    auto merged = last->second.merged;
    for (auto& change : merged) change.actor = actor_of(event);
    PendingEvent pending;
    pending.partition = lane.partition;
    pending.place = number_in(body, "place");
    pending.kind = pending_kind::retry;
    pending.event = retry_of(event, merged);
    pending.event_seq = last->second.event_seq;
    add_pending(std::move(pending));
    return {};
}

Result<void> Projector::take_released(const JournalRecord& record, const Json& body) {
    projection_.blocked.erase(record.subject);
    if (text_or(body, "mode", "") != "discard") return {};
    std::vector<std::pair<Key, Projection::Place>> gone;
    for (const auto& [place, pending] : projection_.pending)
        if (pending.kind == pending_kind::retry && pending.event.subject.text() == record.subject)
            gone.emplace_back(key_of(pending.event), place);
    for (const auto& [key, place] : gone) remove_pending(key, place);
    return {};
}

void Projector::raise(int partition, std::uint64_t place, std::uint64_t number) {
    auto& counters = projection_.counters[partition];
    counters.first = std::max(counters.first, place);
    counters.second = std::max(counters.second, number);
}

Result<void> Projector::finish() {
    for (auto& [key, open] : open_) {
        if (on_seen_)
            if (auto told = on_seen_(open.seen); !told) return told;
        PendingEvent pending;
        pending.partition = partition_of(open.event->subject);
        pending.place = open.place;
        pending.kind = pending_kind::event;
        pending.event = *open.event;
        pending.event_seq = open.seen.event_seq;
        if (open.place == 0)
            lost_.try_emplace(
                open.event->subject.text(),
                Error{Code::corrupt, "row " + std::to_string(open.seen.event_seq) + " of stream " +
                                         open.seen.stream + " is an event without a decision"});
        else
            projection_.pending[{pending.partition, pending.place}] = std::move(pending);
    }
    open_.clear();
    return {};
}

}  // namespace engine
