#include "engine/store/postgres/step_columns.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/store/codec.h"
#include "engine/store/postgres/escape.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

/// What is remembered only to save look-ups is forgotten beyond that.
constexpr std::size_t remembered_max = 32'768;

Error taken(const char* what, const std::pair<int, std::uint64_t>& place) {
    return {Code::conflict, std::string(what) + " " + std::to_string(place.second) + " of partition " +
                                std::to_string(place.first) + " is taken"};
}

std::int64_t microseconds_or_none(const std::optional<Instant>& instant) {
    return instant ? microseconds_of(*instant) : no_instant;
}

}  // namespace

Result<void> StepColumns::add(const Step& step, std::int64_t tenant) {
    now_ = {&step, tenant, 0, 0, 0};
    add_erasures();
    for (const auto& record : step.records) append(record);
    if (auto added = add_seen(); !added) return added;
    if (auto added = add_decided(); !added) return added;
    for (const auto& entity : step.entities)
        if (auto added = add_entity(entity); !added) return added;
    if (auto added = add_pending(); !added) return added;
    if (auto added = add_outbox(); !added) return added;
    add_dead_letters();
    add_timers();
    add_lanes();
    add_continuations();
    add_keys();
    return {};
}

void StepColumns::add_erasures() {
    for (const auto& erasure : now_.step->erasures) {
        const auto& subject = erasure.subject.text();
        auto streams = text_column(), seqs = number_column();
        for (const auto& place : erasure.rows) {
            streams.add(place.stream);
            seqs.add(place.seq);
        }
        add_rare(sql::erase_bodies, values(now_.tenant, subject, streams, seqs));
        for (const auto* statement :
             {sql::forget_timers, sql::forget_continuations, sql::forget_dead_letters})
            add_rare(statement, values(now_.tenant, subject));
    }
}

void StepColumns::append(const NewRecord& record) {
    const auto stream = memory_.streams.find({now_.tenant, record.stream});
    ENSURE(stream != memory_.streams.end());
    auto& open = stream->second;
    moved_.emplace(stream->first, &open);
    std::uint64_t none = 0;
    std::uint64_t* last = &none;
    if (!record.subject.empty()) {
        const auto [place, added] = subjects_.try_emplace({now_.tenant, record.subject, open.id});
        if (added)
            if (const auto known = memory_.subjects.find(place->first); known != memory_.subjects.end())
                place->second = known->second;
        last = &place->second;
    }
    const auto& row = memory_.journal.append(*now_.step, record, open.head, *last);
    *last = row.seq;
    if (record.kind == record_kind::event && now_.event_seq == 0) {
        now_.event_seq = row.seq;
        now_.event_stream = open.id;
    }
    if (record.kind == record_kind::decision && now_.decision_seq == 0) now_.decision_seq = row.seq;
    columns_.rows.streams.add(open.id);
    columns_.rows.seqs.add(row.seq);
    columns_.rows.tenants.add(now_.tenant);
    columns_.rows.times.add(microseconds_of(row.time));
    columns_.rows.kinds.add(row.kind);
    columns_.rows.subjects.add(row.subject);
    columns_.rows.versions.add(row.entity_version);
    columns_.rows.events.add(escaped(row.cause_event));
    columns_.rows.rules.add(row.cause_rule);
    columns_.rows.rulesets.add(row.ruleset);
    columns_.rows.actors.add(escaped(row.actor));
    columns_.rows.previous.add(row.previous);
    columns_.rows.digests.add(bytes_of(row.body_digest));
    columns_.rows.hashes.add(bytes_of(row.hash));
    columns_.rows.salts.add(row.salt);
    columns_.rows.bodies.add(*row.body);
}

Result<void> StepColumns::add_seen() {
    const Step& step = *now_.step;
    if (!step.seen) return {};
    auto key = event_key(*step.seen);
    columns_.seen.keys.add(key);
    columns_.seen.tenants.add(now_.tenant);
    columns_.seen.streams.add(now_.event_stream);
    columns_.seen.events.add(now_.event_seq);
    columns_.seen.decisions.add(now_.decision_seq);
    columns_.seen.digests.add(bytes_of(step.seen_digest));
    if (!events_.emplace(std::move(key), step.seen->id.text()).second) return conflict("is known already");
    if (now_.decision_seq != 0) decided_keys_.insert(event_key(*step.seen));
    return {};
}

Result<void> StepColumns::add_decided() {
    const Step& step = *now_.step;
    if (!step.decided) return {};
    if (now_.decision_seq == 0)
        return invalid("event " + step.decided->id.text() + ": decided without a decision record");
    auto key = event_key(*step.decided);
    columns_.decided.keys.add(key);
    columns_.decided.seqs.add(now_.decision_seq);
    events_.emplace(key, step.decided->id.text());
    if (!decided_keys_.insert(std::move(key)).second) return conflict("is not pending");
    return {};
}

Result<void> StepColumns::add_entity(const Entity& entity) {
    const auto [place, added] = entities_.try_emplace({now_.tenant, entity.subject.text()});
    auto& row = place->second;
    auto fields = stored_text(entity.fields);
    if (added) {
        row.first_version = entity.version;
        row.first_fields = fields;
        row.event = event_named_by(*now_.step);
    } else {
        const auto stored = row.last->version;
        const bool follows =
            entity.version == stored + 1 || (entity.version == stored && fields == row.fields);
        if (!follows)
            return conflict("finds entity " + entity.subject.text() + " at version " +
                            std::to_string(stored) + ", writing version " + std::to_string(entity.version));
    }
    row.last = &entity;
    row.fields = std::move(fields);
    return {};
}

Result<void> StepColumns::add_pending() {
    for (const auto& place : now_.step->pending_removed)
        if (pending_.erase(place) == 0) gone_.insert(place);
    for (const auto& added : now_.step->pending_added) {
        auto& counters = counters_[added.partition];
        counters.place = std::max(counters.place, added.place);
        const auto seq = added.event_seq == 0 ? now_.event_seq : added.event_seq;
        const Place place(added.partition, added.place);
        if (!pending_.emplace(place, PendingRow{now_.tenant, &added, seq}).second)
            return taken("place", place);
    }
    return {};
}

Result<void> StepColumns::add_outbox() {
    for (const auto& place : now_.step->outbox_removed) {
        updated_.erase(place);
        if (outbox_.erase(place) == 0) done_.insert(place);
    }
    for (const auto& delivery : now_.step->outbox_updated) {
        const Place place(delivery.partition, delivery.number);
        if (const auto added = outbox_.find(place); added != outbox_.end())
            added->second.latest = &delivery;
        else
            updated_[place] = &delivery;
    }
    for (const auto& delivery : now_.step->outbox_added) {
        auto& counters = counters_[delivery.partition];
        counters.number = std::max(counters.number, delivery.number);
        const Place place(delivery.partition, delivery.number);
        if (!outbox_.emplace(place, OutboxRow{now_.tenant, &delivery, &delivery}).second)
            return taken("number", place);
    }
    return {};
}

void StepColumns::add_dead_letters() {
    for (const auto& [partition, number] : now_.step->dead_letters_removed)
        add_rare(sql::remove_dead_letter, values(partition, number));
    for (const auto& letter : now_.step->dead_letters_added) {
        const auto& delivery = letter.delivery;
        auto& counters = counters_[delivery.partition];
        counters.number = std::max(counters.number, delivery.number);
        add_rare(
            sql::add_dead_letter,
            values(delivery.partition, delivery.number, now_.tenant, delivery.lane.text(), delivery.attempts,
                   microseconds_of(delivery.created), microseconds_of(delivery.next_attempt),
                   stored_delivery(delivery), delivery.key.text(), escaped(letter.reason), letter.status,
                   microseconds_of(letter.since)));
    }
}

void StepColumns::add_timers() {
    for (const auto& timer : now_.step->timers_removed)
        add_rare(sql::remove_timer, values(now_.tenant, timer.subject.text(), timer.name));
    for (const auto& timer : now_.step->timers_set)
        add_rare(sql::put_timer, values(now_.tenant, timer.subject.text(), timer.name, timer.partition,
                                        microseconds_of(timer.due), stored_text(timer.body)));
}

void StepColumns::add_lanes() {
    for (const auto& lane : now_.step->lanes_released)
        add_rare(sql::remove_blocked_lane, values(now_.tenant, lane.subject.text()));
    for (const auto& lane : now_.step->lanes_blocked)
        add_rare(sql::put_blocked_lane,
                 values(now_.tenant, lane.subject.text(), lane.partition, escaped(lane.reason),
                        escaped(lane.event.text()), microseconds_of(lane.since)));
}

void StepColumns::add_continuations() {
    for (const auto& stored : now_.step->continuations_removed)
        add_rare(sql::remove_continuation, values(now_.tenant, stored.id));
    for (const auto& stored : now_.step->continuations_set)
        add_rare(sql::put_continuation,
                 values(now_.tenant, stored.id, stored.partition, stored.subject.text(),
                        stored_text(to_json(stored.continuation)), stored_text(stored.context)));
}

void StepColumns::add_keys() {
    for (const auto& key : now_.step->keys_set)
        add_rare(sql::put_key, values(key.id, now_.tenant, escaped(key.name), bytes_of(key.secret_digest),
                                      stored_text(Json(key.scopes)), microseconds_of(key.created),
                                      microseconds_or_none(key.expires), microseconds_or_none(key.revoked)));
}

void StepColumns::give_to(Values& values) {
    fill_journal();
    fill_entities();
    for (const auto& [partition, highest] : counters_) {
        auto& counters = columns_.counters;
        counters.partitions.add(partition);
        counters.places.add(highest.place);
        counters.numbers.add(highest.number);
    }
    fill_pending();
    fill_outbox();
    columns_.give_to(values);
}

void StepColumns::fill_journal() {
    for (const auto& [key, stream] : moved_) {
        auto& streams = columns_.streams;
        streams.ids.add(stream->id);
        streams.from.add(stream->committed);
        streams.seqs.add(stream->head.seq);
        streams.hashes.add(bytes_of(stream->head.hash));
    }
    for (const auto& [key, seq] : subjects_) {
        auto& subjects = columns_.subjects;
        subjects.tenants.add(std::get<0>(key));
        subjects.names.add(std::get<1>(key));
        subjects.streams.add(std::get<2>(key));
        subjects.seqs.add(seq);
    }
}

void StepColumns::fill_entities() {
    auto& entities = columns_.entities;
    for (const auto& [key, row] : entities_) {
        entities.tenants.add(key.first);
        entities.subjects.add(key.second);
        entities.first_versions.add(row.first_version);
        entities.first_fields.add(row.first_fields);
        entities.versions.add(row.last->version);
        const auto email = email_of(*row.last);
        if (email.empty())
            entities.emails.add_null();
        else
            entities.emails.add(email);
        entities.fields.add(row.fields);
        entities.metas.add(stored_text(meta_to_json(*row.last)));
    }
}

void StepColumns::fill_pending() {
    for (const auto& [partition, place] : gone_) {
        columns_.gone.partitions.add(partition);
        columns_.gone.places.add(place);
    }
    auto& pending = columns_.pending;
    for (const auto& [place, row] : pending_) {
        pending.partitions.add(place.first);
        pending.places.add(place.second);
        pending.tenants.add(row.tenant);
        pending.subjects.add(row.pending->event.subject.text());
        pending.kinds.add(row.pending->kind);
        pending.events.add(stored_text(envelope_of(row.pending->event)));
        pending.contexts.add(stored_text(row.pending->context));
        pending.seqs.add(row.event_seq);
    }
}

void StepColumns::fill_outbox() {
    for (const auto& [partition, number] : done_) {
        columns_.done.partitions.add(partition);
        columns_.done.numbers.add(number);
    }
    for (const auto& [place, delivery] : updated_) {
        auto& moved = columns_.moved;
        moved.partitions.add(place.first);
        moved.numbers.add(place.second);
        moved.attempts.add(delivery->attempts);
        moved.next.add(microseconds_of(delivery->next_attempt));
    }
    auto& outbox = columns_.outbox;
    for (const auto& [place, row] : outbox_) {
        outbox.partitions.add(place.first);
        outbox.numbers.add(place.second);
        outbox.tenants.add(row.tenant);
        outbox.lanes.add(row.added->lane.text());
        outbox.attempts.add(row.latest->attempts);
        outbox.created.add(microseconds_of(row.added->created));
        outbox.next.add(microseconds_of(row.latest->next_attempt));
        outbox.bodies.add(stored_delivery(*row.added));
    }
}

std::string StepColumns::event_of(const std::string& what) const {
    for (const auto& [key, event] : events_)
        if (to_hex(key) == what) return event;
    const auto colon = what.find(':');
    if (colon == std::string::npos) return "";
    for (const auto& [key, row] : entities_)
        if (std::to_string(key.first) + ":" + key.second == what) return row.event;
    return "";
}

void StepColumns::remember() {
    for (const auto& [key, stream] : moved_) stream->committed = stream->head.seq;
    if (memory_.subjects.size() > remembered_max) memory_.subjects.clear();
    for (const auto& [key, seq] : subjects_) memory_.subjects[key] = seq;
}

Error StepColumns::conflict(const std::string& what) const {
    return {Code::conflict, "event " + event_named_by(*now_.step) + " " + what};
}

}  // namespace engine::postgres
