// Questions of the auditor: streams, rows, and the history of a subject.

#include <algorithm>

#include "engine/store/codec.h"
#include "engine/store/postgres/backend.h"
#include "engine/store/postgres/escape.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

constexpr std::size_t rows_per_batch = 512;

Result<void> read_record(const Rows& rows, std::size_t row, const TenantName& tenant,
                         const std::string& stream, JournalRecord& record) {
    record.tenant = tenant;
    record.stream = stream;
    record.seq = rows.count(row, 0);
    record.time = instant_of(rows.integer(row, 1));
    record.kind = rows.text(row, 2);
    record.subject = rows.text(row, 3);
    record.entity_version = rows.count(row, 4);
    record.cause_event = unescaped(rows.text(row, 5));
    record.cause_rule = rows.text(row, 6);
    record.ruleset = rows.text(row, 7);
    record.actor = unescaped(rows.text(row, 8));
    record.previous = rows.count(row, 9);
    const auto where = "row " + std::to_string(record.seq) + " of stream " + stream;
    const auto body_digest = digest_from(rows.bytes(row, 10), where);
    if (!body_digest) return body_digest.error();
    const auto hash = digest_from(rows.bytes(row, 11), where);
    if (!hash) return hash.error();
    record.body_digest = *body_digest;
    record.hash = *hash;
    record.salt = rows.is_null(row, 12) ? std::string() : rows.bytes(row, 12);
    record.body.reset();
    if (!rows.is_null(row, 13)) record.body.emplace(rows.text(row, 13));
    return {};
}

}  // namespace

Result<std::vector<TenantName>> PostgresStore::tenants() {
    return all_of<TenantName>(ask(0, sql::list_tenants, {}),
                              [](const Rows& rows, std::size_t row) -> Result<TenantName> {
                                  return TenantName(std::string(rows.text(row, 0)));
                              });
}

Result<std::vector<StreamHead>> PostgresStore::streams(const TenantName& tenant) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return all_of<StreamHead>(ask(*id, sql::list_streams, values(*id)),
                              [](const Rows& rows, std::size_t row) -> Result<StreamHead> {
                                  const std::string name(rows.text(row, 0));
                                  const auto hash =
                                      digest_from(rows.bytes(row, 2), "the hash of stream " + name);
                                  if (!hash) return hash.error();
                                  return StreamHead{name, rows.count(row, 1), *hash};
                              });
}

Result<std::optional<PostgresStore::FoundStream>> PostgresStore::find_stream_of(const TenantName& tenant,
                                                                                std::string_view name) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    const auto rows = ask(*id, sql::find_stream, values(*id, name));
    if (!rows) return rows.error();
    if (rows->empty()) return std::optional<FoundStream>();
    return std::optional(FoundStream{tenant, *id, std::string(name), rows->integer(0, 0)});
}

Result<std::optional<JournalRecord>> PostgresStore::record(const TenantName& tenant, std::string_view stream,
                                                           std::uint64_t seq) {
    const auto found = find_stream_of(tenant, stream);
    if (!found) return found.error();
    if (!*found) return std::optional<JournalRecord>();
    const auto rows = ask((*found)->tenant_id, sql::read_records, values((*found)->id, seq, 1));
    if (!rows) return rows.error();
    if (rows->empty() || rows->count(0, 0) != seq) return std::optional<JournalRecord>();
    JournalRecord record;
    if (const auto read = read_record(*rows, 0, tenant, (*found)->name, record); !read) return read.error();
    return std::optional(std::move(record));
}

Result<void> PostgresStore::scan(const TenantName& tenant, std::string_view stream, std::uint64_t after_seq,
                                 const std::function<bool(const JournalRecord&)>& each) {
    const auto found = find_stream_of(tenant, stream);
    if (!found) return found.error();
    if (!*found) return {};
    JournalRecord record;
    while (after_seq < number_max) {
        const auto rows =
            ask((*found)->tenant_id, sql::read_records, values((*found)->id, after_seq + 1, rows_per_batch));
        if (!rows) return rows.error();
        for (std::size_t row = 0; row < rows->size(); ++row) {
            const auto read = read_record(*rows, row, tenant, (*found)->name, record);
            if (!read) return read.error();
            if (!each(record)) return {};
            after_seq = record.seq;
        }
        if (rows->size() < rows_per_batch) return {};
    }
    return {};
}

Result<std::vector<JournalRecord>> PostgresStore::history(const TenantName& tenant, const Subject& subject,
                                                          std::size_t limit) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    const auto heads = ask(*id, sql::list_subject_heads, values(*id, subject.text()));
    if (!heads) return heads.error();
    std::vector<JournalRecord> found;
    for (std::size_t head = 0; head < heads->size(); ++head) {
        const std::string stream(heads->text(head, 1));
        auto seq = heads->count(head, 2);
        const auto rows = ask(*id, sql::follow_records, values(heads->integer(head, 0), seq, limit));
        if (!rows) return rows.error();
        for (std::size_t row = 0; row < rows->size(); ++row) {
            JournalRecord record;
            if (const auto read = read_record(*rows, row, tenant, stream, record); !read) return read.error();
            const bool fits = record.seq == seq && record.subject == subject.text() && record.previous < seq;
            if (!fits) break;
            seq = record.previous;
            found.push_back(std::move(record));
        }
        if (seq != 0 && found.size() < limit)
            return Error{Code::corrupt, "row " + std::to_string(seq) + " of stream " + stream +
                                            " is not the next one about " + subject.text()};
    }
    // Rows of one subject in two streams have no common order but their time.
    if (heads->size() > 1)
        std::stable_sort(found.begin(), found.end(),
                         [](const auto& left, const auto& right) { return left.time > right.time; });
    if (found.size() > limit) found.resize(limit);
    return found;
}

/// One look a stream, as the index leads from one to the next.
Result<std::vector<std::string>> PostgresStore::strays() {
    std::vector<std::string> found;
    auto stream = std::numeric_limits<std::int64_t>::min();
    while (true) {
        const auto rows = ask(all_tenants, sql::next_stream, values(stream));
        if (!rows) return rows.error();
        if (rows->empty()) return found;
        stream = rows->integer(0, 0);
        if (rows->boolean(0, 1) || !rows->boolean(0, 2)) found.push_back("#" + std::to_string(stream));
    }
}

}  // namespace engine::postgres
