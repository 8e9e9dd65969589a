// Projections put right from the journal.

#include "engine/store/codec.h"
#include "engine/store/sqlite/backend.h"
#include "sqlite/sql.inc"

namespace engine {
Result<void> SqliteStore::amend(const Amendment& amendment) {
    if (!owned()) return denied("this process does not own the store");
    // What is remembered of entities is what is about to change.
    memory_.entities.clear();
    return in_transaction([&]() -> Result<void> {
        const auto tenant = tenants_.number_of(amendment.tenant.text());
        if (!tenant) return tenant.error();
        for (const auto& entity : amendment.entities)
            if (auto put = amend_entity(*tenant, entity); !put) return put;
        for (const auto& seen : amendment.seen)
            if (auto put = amend_seen(seen); !put) return put;
        for (const auto& [partition, last] : amendment.counters) {
            const auto raised = database_->run(sql::raise_counters, partition, last.first, last.second, 0);
            if (!raised) return raised.error();
            const auto counted = database_->run(sql::count_outbox_again, partition, position_of(partition, 0),
                                                position_of(partition + 1, 0));
            if (!counted) return counted.error();
        }
        return {};
    });
}

Result<void> SqliteStore::amend_entity(std::int64_t tenant, const Entity& entity) {
    const auto normal = email_of(entity);
    std::optional<std::string_view> email;
    if (!normal.empty()) email = normal;
    return only_error(database_->run(sql::put_entity, tenant, entity.subject.text(), entity.version, email,
                                     stored_text(entity.fields), stored_text(meta_to_json(entity)),
                                     watched_microseconds(entity)));
}

Result<void> SqliteStore::amend_seen(const SeenEvent& seen) {
    const auto stream = find_stream_of(seen.key.tenant, seen.stream);
    if (!stream) return stream.error();
    if (!*stream) return invalid("the store has no stream " + seen.stream);
    const auto key = event_key(seen.key);
    return only_error(database_->run(sql::put_seen, Blob{key}, (*stream)->id, seen.event_seq,
                                     seen.decision_seq, Blob{bytes_of(seen.content_digest)}));
}

}  // namespace engine
