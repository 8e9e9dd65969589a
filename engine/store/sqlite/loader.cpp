#include "engine/store/sqlite/loader.h"

#include "engine/store/codec.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

Result<void> one_added(const Result<int>& changed, const std::string& what) {
    if (!changed) return changed.error();
    if (*changed == 1) return {};
    return Error{Code::conflict, what + " is there already"};
}

}  // namespace

Result<void> Loader::add(const StoredItem& item) {
    return std::visit([this](const auto& one) { return write(one); }, item);
}

template <class Put>
Result<void> Loader::of_tenant(const TenantName& tenant, Put put) {
    const auto number = tenants_.number_of(tenant.text());
    if (!number) return number.error();
    return put(*number);
}

Result<OpenStream*> Loader::stream(const TenantName& tenant, const std::string& name) {
    const auto number = tenants_.number_of(tenant.text());
    if (!number) return number.error();
    const StreamKey key(*number, name);
    if (const auto known = streams_.find(key); known != streams_.end()) return &known->second;
    auto stream = open_stream(database_, *number, name);
    if (!stream) return stream.error();
    return &streams_.emplace(key, *std::move(stream)).first->second;
}

Result<void> Loader::write(const TenantName& tenant) {
    return of_tenant(tenant, [](std::int64_t) { return Result<void>(); });
}

Result<void> Loader::write(const RuleSetRow& rules) {
    return of_tenant(rules.tenant, [&](std::int64_t tenant) {
        return one_added(database_.run(sql::put_rule_set, tenant, rules.version, stored_text(rules.files)),
                         "rule set " + rules.version);
    });
}

Result<void> Loader::write(const ApiKey& key) {
    return of_tenant(key.tenant, [&](std::int64_t tenant) { return row_.put_key(tenant, key); });
}

Result<void> Loader::write(const JournalRecord& record) {
    const auto open = stream(record.tenant, record.stream);
    if (!open) return open.error();
    auto& head = (*open)->head;
    head.seq = record.seq;
    head.hash = record.hash;
    if (!record.subject.empty()) {
        const auto tenant = tenants_.number_of(record.tenant.text());
        if (!tenant) return tenant.error();
        subjects_[{*tenant, record.subject, (*open)->id}] = record.seq;
    }
    return row_.add_record(record, (*open)->id);
}

Result<void> Loader::write(const StreamRow& row) {
    const auto open = stream(row.tenant, row.head.stream);
    if (!open) return open.error();
    (*open)->head = row.head;
    if (row.head.detached_seq == 0) return {};
    return only_error(database_.run(sql::set_detached, (*open)->id, row.head.detached_seq,
                                    Blob{bytes_of(row.head.detached_hash)}));
}

Result<void> Loader::write(const PastSubject& past) {
    const auto open = stream(past.tenant, past.stream);
    if (!open) return open.error();
    return of_tenant(past.tenant, [&](std::int64_t tenant) -> Result<void> {
        subjects_[{tenant, past.subject, (*open)->id}] = past.seq;
        return {};
    });
}

Result<void> Loader::write(const SeenRow& seen) {
    std::int64_t id = 0;
    if (!seen.stream.empty()) {
        const auto open = stream(seen.tenant, seen.stream);
        if (!open) return open.error();
        id = (*open)->id;
    }
    return one_added(database_.run(sql::add_seen, Blob{seen.key}, id, seen.event_seq, seen.decision_seq,
                                   Blob{bytes_of(seen.content_digest)}),
                     "event " + to_hex(seen.key));
}

Result<void> Loader::write(const Entity& entity) {
    return of_tenant(entity.tenant, [&](std::int64_t tenant) {
        return row_.add_entity(tenant, entity.subject.text(), entity.version, email_of(entity),
                               stored_text(entity.fields), stored_text(meta_to_json(entity)),
                               watched_microseconds(entity));
    });
}

Result<void> Loader::write(const PendingEvent& pending) {
    return of_tenant(pending.event.tenant, [&](std::int64_t tenant) {
        return row_.add_pending(tenant, pending, pending.event_seq);
    });
}

Result<void> Loader::write(const Delivery& delivery) {
    ++outbox_rows_[delivery.partition];
    return of_tenant(delivery.tenant,
                     [&](std::int64_t tenant) { return row_.add_delivery(tenant, delivery); });
}

Result<void> Loader::write(const DeadLetter& letter) {
    return of_tenant(letter.delivery.tenant,
                     [&](std::int64_t tenant) { return row_.put_dead_letter(tenant, letter); });
}

Result<void> Loader::write(const Timer& timer) {
    return of_tenant(timer.tenant, [&](std::int64_t tenant) { return row_.put_timer(tenant, timer); });
}

Result<void> Loader::write(const BlockedLane& lane) {
    return of_tenant(lane.tenant, [&](std::int64_t tenant) { return row_.put_blocked_lane(tenant, lane); });
}

Result<void> Loader::write(const StoredContinuation& stored) {
    return of_tenant(stored.tenant,
                     [&](std::int64_t tenant) { return row_.put_continuation(tenant, stored); });
}

Result<void> Loader::write(const CountersRow& counters) {
    return only_error(
        database_.run(sql::raise_counters, counters.partition, counters.place, counters.number, 0));
}

Result<void> Loader::write(const Request& request) {
    return only_error(database_.run(sql::add_numbered_request, request.number, request.tenant.text(),
                                    request.command, stored_text(request.arguments), request.actor,
                                    microseconds_of(request.made)));
}

Result<void> Loader::finish() {
    for (const auto& [key, stream] : streams_) {
        const auto& head = stream.head;
        const auto moved = database_.run(sql::move_stream, stream.id, head.seq, Blob{bytes_of(head.hash)});
        if (!moved) return moved.error();
    }
    for (const auto& [key, seq] : subjects_) {
        const auto& [tenant, subject, stream] = key;
        const auto put = database_.run(sql::put_subject_head, tenant, subject, stream, seq);
        if (!put) return put.error();
    }
    for (const auto& [partition, rows] : outbox_rows_) {
        const auto raised = database_.run(sql::raise_counters, partition, 0, 0, rows);
        if (!raised) return raised.error();
    }
    return only_error(database_.run(sql::mark_indexed));
}

}  // namespace engine
