// Projections put right from the journal.

#include <limits>

#include "engine/store/codec.h"
#include "engine/store/postgres/backend.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

/// NULL, as put_entity takes it.
constexpr auto nothing = std::numeric_limits<std::int64_t>::min();

Result<void> only_error(const Result<Rows>& rows) {
    if (!rows) return rows.error();
    return {};
}

}  // namespace

Result<void> PostgresStore::amend(const Amendment& amendment) {
    if (!owned()) return denied("this process does not own the store");
    auto amended = in_transaction([&](Connection& open) -> Result<void> {
        const auto renewed = open.run(sql::renew, values(owner_, options_.lease.count(), ++commit_number_));
        if (!renewed) return renewed.error();
        const auto tenant = tenant_id(amendment.tenant);
        if (!tenant) return tenant.error();
        for (const auto& entity : amendment.entities) {
            const auto put = only_error(open.run(
                sql::put_entity, values(*tenant, entity.subject.text(), entity.version, email_of(entity),
                                        stored_text(entity.fields), stored_text(meta_to_json(entity)),
                                        watched_microseconds(entity).value_or(nothing))));
            if (!put) return put;
        }
        for (const auto& seen : amendment.seen)
            if (auto put = amend_seen(open, *tenant, seen); !put) return put;
        for (const auto& [partition, last] : amendment.counters) {
            const auto raised =
                only_error(open.run(sql::raise_counters, values(partition, last.first, last.second)));
            if (!raised) return raised;
        }
        return {};
    });
    if (!amended && amended.error().code == Code::outcome_unknown) amended = settled(amended.error());
    if (!amended) forget_uncommitted();
    return amended;
}

Result<void> PostgresStore::amend_seen(Connection& open, std::int64_t tenant, const SeenEvent& seen) {
    const auto stream = open.run(sql::find_stream, values(tenant, seen.stream));
    if (!stream) return stream.error();
    if (stream->empty()) return invalid("the store has no stream " + seen.stream);
    return only_error(
        open.run(sql::put_seen, values(event_key(seen.key), tenant, stream->integer(0, 0), seen.event_seq,
                                       seen.decision_seq, std::string_view(bytes_of(seen.content_digest)))));
}

}  // namespace engine::postgres
