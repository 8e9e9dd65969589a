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

// ---- single rows

void add_record(CommitColumns& columns, const JournalRecord& record, std::int64_t stream,
                std::int64_t tenant) {
    auto& rows = columns.rows;
    rows.streams.add(stream);
    rows.seqs.add(record.seq);
    rows.tenants.add(tenant);
    rows.times.add(microseconds_of(record.time));
    rows.kinds.add(record.kind);
    rows.subjects.add(record.subject);
    rows.versions.add(record.entity_version);
    rows.events.add(escaped(record.cause_event));
    rows.rules.add(record.cause_rule);
    rows.rulesets.add(record.ruleset);
    rows.actors.add(escaped(record.actor));
    rows.previous.add(record.previous);
    rows.digests.add(bytes_of(record.body_digest));
    rows.hashes.add(bytes_of(record.hash));
    rows.salts.add(record.salt);
    if (record.body)
        rows.bodies.add(*record.body);
    else
        rows.bodies.add_null();
}

void add_pending_row(CommitColumns& columns, const PendingEvent& added, std::int64_t tenant,
                     std::uint64_t event_seq) {
    auto& pending = columns.pending;
    pending.partitions.add(added.partition);
    pending.places.add(added.place);
    pending.tenants.add(tenant);
    pending.subjects.add(added.event.subject.text());
    pending.kinds.add(added.kind);
    pending.events.add(stored_text(envelope_of(added.event)));
    pending.contexts.add(stored_text(added.context));
    pending.seqs.add(event_seq);
}

void add_outbox_row(CommitColumns& columns, const Delivery& added, const Delivery& latest,
                    std::int64_t tenant) {
    auto& outbox = columns.outbox;
    outbox.partitions.add(added.partition);
    outbox.numbers.add(added.number);
    outbox.tenants.add(tenant);
    outbox.lanes.add(added.lane.text());
    outbox.attempts.add(latest.attempts);
    outbox.created.add(microseconds_of(added.created));
    outbox.next.add(microseconds_of(latest.next_attempt));
    outbox.bodies.add(stored_delivery(added));
}

Values values_of(const DeadLetter& letter, std::int64_t tenant) {
    const auto& delivery = letter.delivery;
    return values(delivery.partition, delivery.number, tenant, delivery.lane.text(), delivery.attempts,
                  microseconds_of(delivery.created), microseconds_of(delivery.next_attempt),
                  stored_delivery(delivery), delivery.key.text(), escaped(letter.reason), letter.status,
                  microseconds_of(letter.since));
}

Values values_of(const Timer& timer, std::int64_t tenant) {
    return values(tenant, timer.subject.text(), timer.name, timer.partition, microseconds_of(timer.due),
                  stored_text(timer.body));
}

Values values_of(const BlockedLane& lane, std::int64_t tenant) {
    return values(tenant, lane.subject.text(), lane.partition, escaped(lane.reason),
                  escaped(lane.event.text()), microseconds_of(lane.since));
}

Values values_of(const StoredContinuation& stored, std::int64_t tenant) {
    return values(tenant, stored.id, stored.partition, stored.subject.text(),
                  stored_text(to_json(stored.continuation)), stored_text(stored.context));
}

Values values_of(const ApiKey& key, std::int64_t tenant) {
    return values(key.id, tenant, escaped(key.name), bytes_of(key.secret_digest),
                  stored_text(Json(key.scopes)), microseconds_of(key.created),
                  microseconds_or_none(key.expires), microseconds_or_none(key.revoked));
}

// ---- steps

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
    add_retention();
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
        if (erasure.goes_on) continue;
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
    add_record(columns_, row, open.id, now_.tenant);
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
        auto& counters = counters_[letter.delivery.partition];
        counters.number = std::max(counters.number, letter.delivery.number);
        add_rare(sql::add_dead_letter, values_of(letter, now_.tenant));
    }
}

void StepColumns::add_timers() {
    for (const auto& timer : now_.step->timers_removed)
        add_rare(sql::remove_timer, values(now_.tenant, timer.subject.text(), timer.name));
    for (const auto& timer : now_.step->timers_set) add_rare(sql::put_timer, values_of(timer, now_.tenant));
}

void StepColumns::add_lanes() {
    for (const auto& lane : now_.step->lanes_released)
        add_rare(sql::remove_blocked_lane, values(now_.tenant, lane.subject.text()));
    for (const auto& lane : now_.step->lanes_blocked)
        add_rare(sql::put_blocked_lane, values_of(lane, now_.tenant));
}

void StepColumns::add_continuations() {
    for (const auto& stored : now_.step->continuations_removed)
        add_rare(sql::remove_continuation, values(now_.tenant, stored.id));
    for (const auto& stored : now_.step->continuations_set)
        add_rare(sql::put_continuation, values_of(stored, now_.tenant));
}

void StepColumns::add_retention() {
    if (now_.step->journal_detached.empty()) return;
    auto names = text_column();
    for (const auto& name : now_.step->journal_detached) names.add(name);
    add_rare(sql::detach_journal_partitions, values(names));
}

void StepColumns::add_keys() {
    for (const auto& key : now_.step->keys_set) add_rare(sql::put_key, values_of(key, now_.tenant));
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

void add_head(CommitColumns& columns, const OpenStream& stream) {
    columns.streams.ids.add(stream.id);
    columns.streams.from.add(stream.committed);
    columns.streams.seqs.add(stream.head.seq);
    columns.streams.hashes.add(bytes_of(stream.head.hash));
}

void add_subject_head(CommitColumns& columns, const SubjectKey& key, std::uint64_t seq) {
    columns.subjects.tenants.add(std::get<0>(key));
    columns.subjects.names.add(std::get<1>(key));
    columns.subjects.streams.add(std::get<2>(key));
    columns.subjects.seqs.add(seq);
}

void StepColumns::fill_journal() {
    for (const auto& [key, stream] : moved_) add_head(columns_, *stream);
    for (const auto& [key, seq] : subjects_) add_subject_head(columns_, key, seq);
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
        entities.watched.add(watched_microseconds(*row.last));
    }
}

void StepColumns::fill_pending() {
    for (const auto& [partition, place] : gone_) {
        columns_.gone.partitions.add(partition);
        columns_.gone.places.add(place);
    }
    for (const auto& [place, row] : pending_)
        add_pending_row(columns_, *row.pending, row.tenant, row.event_seq);
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
    for (const auto& [place, row] : outbox_) add_outbox_row(columns_, *row.added, *row.latest, row.tenant);
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
