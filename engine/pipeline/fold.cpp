#include "engine/pipeline/fold.h"

#include <algorithm>
#include <limits>

#include "engine/pipeline/retention.h"

namespace engine {
namespace {

constexpr std::size_t history_rows_max = 100'000;

/// Stops before the row `stream_seq`, or after the first one that leaves `version`.
Result<Entity> fold(Store& store, const TenantName& tenant, const Subject& subject, std::uint64_t stream_seq,
                    std::uint64_t version, const TenantAt& tenant_at) {
    auto rows = store.history(tenant, subject, history_rows_max + 1);
    if (!rows) return rows.error();
    if (rows->size() > history_rows_max)
        return exhausted("the journal has more than " + std::to_string(history_rows_max) + " rows about " +
                         subject.text());
    // Without its beginning nothing can be computed of it.
    if (!rows->empty() && rows->back().previous != 0)
        return absent_row(store, tenant, rows->back().stream, rows->back().previous);
    std::reverse(rows->begin(), rows->end());
    EntityShelf shelf(tenant);
    const auto info = store.info();
    Projector projector(tenant, {info.partitions, !info.simulated}, tenant_at, shelf);
    for (const auto& row : *rows) {
        if (row.seq >= stream_seq) break;
        if (auto taken = projector.take(row); !taken) return taken.error();
        const bool makes_versions = row.kind == record_kind::decision || row.kind == record_kind::erasure;
        if (version > 0 && makes_versions && row.entity_version == version) break;
    }
    if (const auto* why = projector.lost(subject)) return *why;
    const auto entity = shelf.find(subject);
    if (!entity) return entity.error();
    if (version > 0 && (*entity)->version != version)
        return not_found("the journal has no version " + std::to_string(version) + " of " + subject.text());
    return **entity;
}

}  // namespace

Result<Entity> entity_before(Store& store, const TenantName& tenant, const Subject& subject,
                             std::uint64_t stream_seq, const TenantAt& tenant_at) {
    return fold(store, tenant, subject, stream_seq, 0, tenant_at);
}

Result<Entity> entity_at(Store& store, const TenantName& tenant, const Subject& subject,
                         std::uint64_t version, const TenantAt& tenant_at) {
    return fold(store, tenant, subject, std::numeric_limits<std::uint64_t>::max(), version, tenant_at);
}

}  // namespace engine
