#include "engine/store/postgres/load_columns.h"

#include "engine/store/codec.h"
#include "postgres/sql.inc"

namespace engine::postgres {

void LoadColumns::add(const StoredItem& item, std::int64_t tenant, OpenStream* stream) {
    const Place place{tenant, stream};
    std::visit([&](const auto& one) { write(one, place); }, item);
}

void LoadColumns::write(const RuleSetRow& rules, const Place& place) {
    rare_.emplace_back(sql::add_rule_set, values(place.tenant, rules.version, stored_text(rules.files)));
}

void LoadColumns::write(const ApiKey& key, const Place& place) {
    rare_.emplace_back(sql::put_key, values_of(key, place.tenant));
}

void LoadColumns::write(const JournalRecord& record, const Place& place) {
    add_record(columns_, record, place.stream->id, place.tenant);
    place.stream->head.seq = record.seq;
    place.stream->head.hash = record.hash;
    moved_.insert(place.stream);
    if (!record.subject.empty()) subjects_[{place.tenant, record.subject, place.stream->id}] = record.seq;
}

void LoadColumns::write(const StreamRow& row, const Place& place) {
    place.stream->head = row.head;
    moved_.insert(place.stream);
    if (row.head.detached_seq > 0)
        rare_.emplace_back(sql::set_detached,
                           values(place.stream->id, row.head.detached_seq, bytes_of(row.head.detached_hash)));
}

void LoadColumns::write(const PastSubject& past, const Place& place) {
    subjects_[{place.tenant, past.subject, place.stream->id}] = past.seq;
}

void LoadColumns::write(const SeenRow& seen, const Place& place) {
    columns_.seen.keys.add(seen.key);
    columns_.seen.tenants.add(place.tenant);
    columns_.seen.streams.add(place.stream == nullptr ? 0 : place.stream->id);
    columns_.seen.events.add(seen.event_seq);
    columns_.seen.decisions.add(seen.decision_seq);
    columns_.seen.digests.add(bytes_of(seen.content_digest));
}

/// As if it were a first version, which only a store without the entity takes.
void LoadColumns::write(const Entity& entity, const Place& place) {
    auto& entities = columns_.entities;
    entities.tenants.add(place.tenant);
    entities.subjects.add(entity.subject.text());
    entities.first_versions.add(1);
    entities.first_fields.add(std::string_view());
    entities.versions.add(entity.version);
    const auto email = email_of(entity);
    if (email.empty())
        entities.emails.add_null();
    else
        entities.emails.add(email);
    entities.fields.add(stored_text(entity.fields));
    entities.metas.add(stored_text(meta_to_json(entity)));
    entities.watched.add(watched_microseconds(entity));
}

void LoadColumns::write(const PendingEvent& pending, const Place& place) {
    add_pending_row(columns_, pending, place.tenant, pending.event_seq);
}

void LoadColumns::write(const Delivery& delivery, const Place& place) {
    add_outbox_row(columns_, delivery, delivery, place.tenant);
}

void LoadColumns::write(const DeadLetter& letter, const Place& place) {
    rare_.emplace_back(sql::add_dead_letter, values_of(letter, place.tenant));
}

void LoadColumns::write(const Timer& timer, const Place& place) {
    rare_.emplace_back(sql::put_timer, values_of(timer, place.tenant));
}

void LoadColumns::write(const BlockedLane& lane, const Place& place) {
    rare_.emplace_back(sql::put_blocked_lane, values_of(lane, place.tenant));
}

void LoadColumns::write(const StoredContinuation& stored, const Place& place) {
    rare_.emplace_back(sql::put_continuation, values_of(stored, place.tenant));
}

void LoadColumns::write(const CountersRow& counters, const Place&) {
    columns_.counters.partitions.add(counters.partition);
    columns_.counters.places.add(counters.place);
    columns_.counters.numbers.add(counters.number);
}

void LoadColumns::give_to(Values& values) {
    for (const auto* stream : moved_) add_head(columns_, *stream);
    for (const auto& [key, seq] : subjects_) add_subject_head(columns_, key, seq);
    columns_.give_to(values);
}

}  // namespace engine::postgres
