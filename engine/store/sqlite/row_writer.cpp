#include "engine/store/sqlite/row_writer.h"

#include "engine/base/ensure.h"
#include "engine/store/codec.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

std::optional<std::int64_t> microseconds_of_optional(const std::optional<Instant>& instant) {
    if (!instant) return std::nullopt;
    return microseconds_of(*instant);
}

Result<void> one_inserted(const Result<int>& changed, const char* what, std::int64_t position) {
    if (!changed) return changed.error();
    if (*changed == 1) return {};
    return Error{Code::conflict, std::string(what) + " " + std::to_string(position % positions_of_share) +
                                     " of partition " + std::to_string(position / positions_of_share) +
                                     " is taken"};
}

}  // namespace

std::int64_t position_of(std::int64_t share, std::uint64_t number) {
    ENSURE(share >= 0 && share < (1 << 22) && number < static_cast<std::uint64_t>(positions_of_share));
    return share * positions_of_share + static_cast<std::int64_t>(number);
}

Result<void> RowWriter::add_record(const JournalRecord& record, std::int64_t stream) {
    const auto kind = words_.number_of(record.kind);
    if (!kind) return kind.error();
    const auto rule = words_.number_of(record.cause_rule);
    if (!rule) return rule.error();
    const auto ruleset = words_.number_of(record.ruleset);
    if (!ruleset) return ruleset.error();
    return only_error(database_.run(
        sql::add_record, position_of(stream, record.seq), microseconds_of(record.time), *kind, record.subject,
        record.entity_version, record.cause_event, *rule, *ruleset, record.actor, record.previous,
        Blob{bytes_of(record.body_digest)}, Blob{bytes_of(record.hash)}, Blob{record.salt}, record.body));
}

Result<void> RowWriter::add_entity(std::int64_t tenant, std::string_view subject, std::uint64_t version,
                                   std::string_view email, std::string_view fields, std::string_view meta,
                                   std::optional<std::int64_t> watched_until) {
    std::optional<std::string_view> known_email;
    if (!email.empty()) known_email = email;
    return only_error(
        database_.run(sql::add_entity, tenant, subject, version, known_email, fields, meta, watched_until));
}

Result<void> RowWriter::add_pending(std::int64_t tenant, const PendingEvent& pending,
                                    std::uint64_t event_seq) {
    const auto position = position_of(pending.partition, pending.place);
    return one_inserted(
        database_.run(sql::add_pending, position, tenant, pending.event.subject.text(), pending.kind,
                      stored_text(envelope_of(pending.event)), stored_text(pending.context), event_seq),
        "place", position);
}

Result<void> RowWriter::add_delivery(std::int64_t tenant, const Delivery& delivery) {
    const auto position = position_of(delivery.partition, delivery.number);
    return one_inserted(database_.run(sql::add_delivery, position, tenant, delivery.lane.text(),
                                      delivery.attempts, microseconds_of(delivery.created),
                                      microseconds_of(delivery.next_attempt), stored_delivery(delivery)),
                        "number", position);
}

Result<void> RowWriter::put_dead_letter(std::int64_t tenant, const DeadLetter& letter) {
    const Delivery& delivery = letter.delivery;
    return only_error(database_.run(sql::add_dead_letter, position_of(delivery.partition, delivery.number),
                                    tenant, delivery.lane.text(), delivery.attempts,
                                    microseconds_of(delivery.created), microseconds_of(delivery.next_attempt),
                                    stored_delivery(delivery), delivery.key.text(), letter.reason,
                                    letter.status, microseconds_of(letter.since)));
}

Result<void> RowWriter::put_timer(std::int64_t tenant, const Timer& timer) {
    return only_error(database_.run(sql::put_timer, tenant, timer.subject.text(), timer.name, timer.partition,
                                    microseconds_of(timer.due), stored_text(timer.body)));
}

Result<void> RowWriter::put_blocked_lane(std::int64_t tenant, const BlockedLane& lane) {
    return only_error(database_.run(sql::put_blocked_lane, tenant, lane.subject.text(), lane.partition,
                                    lane.reason, lane.event.text(), microseconds_of(lane.since)));
}

Result<void> RowWriter::put_continuation(std::int64_t tenant, const StoredContinuation& stored) {
    return only_error(database_.run(sql::put_continuation, tenant, stored.id, stored.partition,
                                    stored.subject.text(), stored_text(to_json(stored.continuation)),
                                    stored_text(stored.context)));
}

Result<void> RowWriter::put_key(std::int64_t tenant, const ApiKey& key) {
    return only_error(database_.run(sql::put_key, key.id, tenant, key.name, Blob{bytes_of(key.secret_digest)},
                                    stored_text(Json(key.scopes)), microseconds_of(key.created),
                                    microseconds_of_optional(key.expires),
                                    microseconds_of_optional(key.revoked)));
}

}  // namespace engine
