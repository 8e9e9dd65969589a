// Questions of the auditor: streams, rows, and the history of a subject.

#include <algorithm>
#include <chrono>

#include "engine/base/ensure.h"
#include "engine/store/codec.h"
#include "engine/store/journal_query.h"
#include "engine/store/postgres/backend.h"
#include "engine/store/postgres/escape.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

/// A batch is held whole: what it takes is bounded by the two together.
constexpr std::size_t rows_per_batch = 1'000;
constexpr std::size_t batched_body_bytes_max = 32 * 1024;

constexpr std::size_t rows_per_page_min = 50;

/// Years 1 and 10000: no row is outside, and the database can calculate with them.
constexpr std::int64_t first_moment = -62'135'596'800'000'000;
constexpr std::int64_t last_moment = 253'402'300'800'000'000;
/// What a search asks about at once, at first; then more, as long as the answers come soon.
constexpr Duration first_stretch = std::chrono::hours(1);
constexpr auto answered_soon = std::chrono::milliseconds(500);

/// Of timestamps: 2000-01-01 in microseconds since 1970.
constexpr std::int64_t postgres_epoch = 946'684'800'000'000;

/// Reads what record_send wrote: the number of fields, then of each its type, its length and its bytes.
/// Source of the format: record_send in PostgreSQL's src/backend/utils/adt/rowtypes.c; numbers are
/// big-endian.
class SentRecord {
public:
    explicit SentRecord(std::string_view bytes) : rest_(bytes) { take(sizeof(std::int32_t)); }

    /// The next field's bytes; empty for null.
    std::string_view field() {
        take(sizeof(std::int32_t));
        const auto size = static_cast<std::int32_t>(number(take(sizeof(std::int32_t))));
        return size < 0 ? std::string_view() : take(static_cast<std::size_t>(size));
    }
    std::int64_t number() { return number(field()); }

private:
    std::string_view take(std::size_t size) {
        ENSURE(size <= rest_.size());
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    static std::int64_t number(std::string_view bytes) {
        std::uint64_t value = 0;
        for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
        return static_cast<std::int64_t>(value);
    }
    std::string_view rest_;
};

/// A digest of a wrong length reads as zeros, which fits nothing: `verify` names the row.
Digest digest_or_zeros(std::string_view bytes) {
    const auto digest = digest_from(bytes, "digest");
    return digest ? *digest : Digest{};
}

/// Most texts have nothing to undo.
void assign_unescaped(std::string& to, std::string_view text) {
    if (text.find('\\') == std::string_view::npos)
        to = text;
    else
        to = unescaped(text);
}

/// Assigns, so that the memory of the row before is used again; tenant and stream are there already. True
/// when the body has to be asked for.
bool read_scanned(const Row& row, std::string& sent, JournalRecord& record) {
    row.bytes(0, sent);
    SentRecord fields(sent);
    record.seq = static_cast<std::uint64_t>(fields.number());
    record.time = instant_of(fields.number() + postgres_epoch);
    record.entity_version = static_cast<std::uint64_t>(fields.number());
    record.previous = static_cast<std::uint64_t>(fields.number());
    record.body_digest = digest_or_zeros(fields.field());
    record.hash = digest_or_zeros(fields.field());
    record.salt = fields.field();
    const bool erased = fields.number() != 0;
    record.kind = row.text(1);
    record.subject = row.text(2);
    assign_unescaped(record.cause_event, row.text(3));
    record.cause_rule = row.text(4);
    record.ruleset = row.text(5);
    assign_unescaped(record.actor, row.text(6));
    if (erased) {
        record.body.reset();
        return false;
    }
    if (!record.body) record.body.emplace();
    const bool is_large = row.is_null(7);
    if (!is_large) *record.body = row.text(7);
    return is_large;
}

void read_record(const Rows& rows, std::size_t row, const TenantName& tenant, const std::string& stream,
                 JournalRecord& record) {
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
    record.body_digest = digest_or_zeros(rows.bytes(row, 10));
    record.hash = digest_or_zeros(rows.bytes(row, 11));
    record.salt = rows.is_null(row, 12) ? std::string() : rows.bytes(row, 12);
    record.body.reset();
    if (!rows.is_null(row, 13)) record.body.emplace(rows.text(row, 13));
}

Error not_next(std::uint64_t seq, const std::string& stream, const Subject& subject) {
    return {Code::corrupt, "row " + std::to_string(seq) + " of stream " + stream +
                               " is not the next one about " + subject.text()};
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
    return all_of<StreamHead>(
        ask(*id, sql::list_streams, values(*id)),
        [](const Rows& rows, std::size_t row) -> Result<StreamHead> {
            const std::string name(rows.text(row, 0));
            const auto hash = digest_from(rows.bytes(row, 2), "the hash of stream " + name);
            if (!hash) return hash.error();
            const auto detached = digest_from(rows.bytes(row, 4), "the beginning of stream " + name);
            if (!detached) return detached.error();
            return StreamHead{name, rows.count(row, 1), *hash, rows.count(row, 3), *detached};
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
    read_record(*rows, 0, tenant, (*found)->name, record);
    return std::optional(std::move(record));
}

Result<void> PostgresStore::scan(const TenantName& tenant, std::string_view stream, std::uint64_t after_seq,
                                 const std::function<bool(const JournalRecord&)>& each) {
    const auto found = find_stream_of(tenant, stream);
    if (!found) return found.error();
    if (!*found) return {};
    JournalRecord record;
    record.tenant = tenant;
    record.stream = stream;
    std::string sent;
    while (after_seq < number_max) {
        const auto rows = ask((*found)->tenant_id, sql::scan_records,
                              values((*found)->id, after_seq + 1, rows_per_batch, batched_body_bytes_max));
        if (!rows) return rows.error();
        for (std::size_t row = 0; row < rows->size(); ++row) {
            if (read_scanned(rows->row(row), sent, record))
                if (auto read = read_body(**found, record); !read) return read;
            if (!each(record)) return {};
            after_seq = record.seq;
        }
        if (rows->size() < rows_per_batch) return {};
    }
    return {};
}

/// It may have been erased since the row was read.
Result<void> PostgresStore::read_body(const FoundStream& stream, JournalRecord& record) {
    const auto rows = ask(stream.tenant_id, sql::read_body, values(stream.id, record.seq));
    if (!rows) return rows.error();
    if (rows->empty() || rows->is_null(0, 0)) {
        record.body.reset();
        record.salt.clear();
    } else {
        *record.body = rows->text(0, 0);
    }
    return {};
}

Result<std::vector<PostgresStore::SubjectHead>> PostgresStore::subject_heads(const TenantName& tenant,
                                                                             const Subject& subject) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return all_of<SubjectHead>(
        ask(*id, sql::list_subject_heads, values(*id, subject.text())),
        [&](const Rows& rows, std::size_t row) -> Result<SubjectHead> {
            const FoundStream stream{tenant, *id, std::string(rows.text(row, 1)), rows.integer(row, 0)};
            return SubjectHead{stream, rows.count(row, 2), rows.count(row, 3)};
        });
}

/// The rows about the subject in one stream, newest first, until `each` says false.
Result<void> PostgresStore::follow(const SubjectHead& head, const Subject& subject, std::size_t rows_at_once,
                                   const std::function<bool(JournalRecord&&)>& each) {
    const auto& stream = head.stream;
    for (auto seq = head.seq; seq > head.detached_seq;) {
        const auto asked_for = seq;
        const auto rows = ask(stream.tenant_id, sql::follow_records, values(stream.id, seq, rows_at_once));
        if (!rows) return rows.error();
        for (std::size_t row = 0; row < rows->size(); ++row) {
            JournalRecord record;
            read_record(*rows, row, stream.tenant, stream.name, record);
            const bool fits = record.seq == seq && record.subject == subject.text() && record.previous < seq;
            if (!fits) break;
            seq = record.previous;
            if (!each(std::move(record))) return {};
        }
        if (seq == asked_for || (rows->size() < rows_at_once && seq > head.detached_seq))
            return not_next(seq, stream.name, subject);
    }
    return {};
}

Result<std::vector<JournalRecord>> PostgresStore::history(const TenantName& tenant, const Subject& subject,
                                                          std::size_t limit) {
    const auto heads = subject_heads(tenant, subject);
    if (!heads) return heads.error();
    std::vector<JournalRecord> found;
    if (limit == 0) return found;
    for (const auto& head : *heads) {
        const auto enough = found.size() + limit;
        const auto done = follow(head, subject, std::min(limit, rows_per_batch), [&](JournalRecord&& record) {
            found.push_back(std::move(record));
            return found.size() < enough;
        });
        if (!done) return done.error();
    }
    // Rows of one subject in two streams have no common order but their time.
    if (heads->size() > 1)
        std::stable_sort(found.begin(), found.end(),
                         [](const auto& left, const auto& right) { return left.time > right.time; });
    if (found.size() > limit) found.resize(limit);
    return found;
}

Result<std::vector<JournalRecord>> PostgresStore::search(const TenantName& tenant,
                                                         const JournalQuery& query) {
    if (query.limit == 0) return std::vector<JournalRecord>();
    return query.subject ? search_subject(tenant, query) : search_times(tenant, query);
}

Result<std::vector<JournalRecord>> PostgresStore::search_subject(const TenantName& tenant,
                                                                 const JournalQuery& query) {
    const auto heads = subject_heads(tenant, *query.subject);
    if (!heads) return heads.error();
    std::vector<JournalRecord> found;
    for (const auto& head : *heads) {
        const auto enough = found.size() + query.limit;
        const auto done = follow(head, *query.subject, rows_per_batch, [&](JournalRecord&& record) {
            if (fits(record, query)) found.push_back(std::move(record));
            return found.size() < enough;
        });
        if (!done) return done.error();
    }
    return newest_of(std::move(found), query.limit);
}

/// The newest rows of a stretch of time that fit, until there are enough. The database looks for a rule as a
/// text, so a page may hold some that do not fit.
Result<void> PostgresStore::search_stretch(std::int64_t tenant, const TenantName& name,
                                           const JournalQuery& query, std::int64_t from, std::int64_t to,
                                           std::vector<JournalRecord>& found) {
    const auto quoted = canonical_json(Json(query.rule));
    std::int64_t stream = 0;  // before the first, so that what is at `to` is not asked for
    std::int64_t seq = 0;
    while (found.size() < query.limit) {
        const auto rows_at_most =
            std::min(std::max(query.limit - found.size(), rows_per_page_min), rows_per_batch);
        const auto rows =
            ask(tenant, sql::search_records,
                values(tenant, from, to, stream, seq, query.kind, query.rule, quoted, rows_at_most));
        if (!rows) return rows.error();
        for (std::size_t row = 0; row < rows->size() && found.size() < query.limit; ++row) {
            JournalRecord record;
            const std::string stream_name(rows->text(row, 14));
            read_record(*rows, row, name, stream_name, record);
            if (fits(record, query)) found.push_back(std::move(record));
        }
        if (rows->size() < rows_at_most) return {};
        to = rows->integer(rows->size() - 1, 1);
        stream = rows->integer(rows->size() - 1, 15);
        seq = rows->integer(rows->size() - 1, 0);
    }
    return {};
}

/// From the newest rows back, a stretch of time after another, each as long as is answered soon.
Result<std::vector<JournalRecord>> PostgresStore::search_times(const TenantName& tenant,
                                                               const JournalQuery& query) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    const auto first = query.since ? std::max(microseconds_of(*query.since), first_moment) : first_moment;
    auto to = query.until ? std::min(microseconds_of(*query.until), last_moment) : last_moment;
    auto stretch = first_stretch.count();
    auto from = std::max(first, std::min(to, microseconds_of(SystemClock().now())) - stretch);
    std::vector<JournalRecord> found;
    while (from < to && found.size() < query.limit) {
        const auto began = std::chrono::steady_clock::now();
        if (const auto done = search_stretch(*id, tenant, query, from, to, found); !done) return done.error();
        const bool soon = std::chrono::steady_clock::now() - began < answered_soon;
        stretch = soon ? std::min(stretch * 2, last_moment) : std::max(stretch / 2, first_stretch.count());
        to = from;
        from = to - first > stretch ? to - stretch : first;
    }
    return newest_of(std::move(found), query.limit);
}

Result<std::vector<JournalPlace>> PostgresStore::trail(const TenantName& tenant, const Subject& subject,
                                                       std::size_t limit) {
    const auto heads = subject_heads(tenant, subject);
    if (!heads) return heads.error();
    std::vector<JournalPlace> found;
    for (const auto& head : *heads) {
        if (found.size() >= limit) break;
        if (head.seq <= head.detached_seq) continue;
        const auto& stream = head.stream;
        const auto wanted = limit - found.size();
        const auto rows =
            ask(stream.tenant_id, sql::follow_trail, values(stream.id, head.seq, wanted, head.detached_seq));
        if (!rows) return rows.error();
        for (std::size_t row = 0; row < rows->size(); ++row) {
            if (rows->text(row, 2) != subject.text())
                return not_next(rows->count(row, 0), stream.name, subject);
            if (!rows->boolean(row, 3)) found.push_back({stream.name, rows->count(row, 0)});
        }
        // A chain that was followed to its end ends with a row that has none before it.
        const bool ended = rows->size() == wanted ||
                           (!rows->empty() && rows->count(rows->size() - 1, 1) <= head.detached_seq);
        if (!ended) return not_next(head.seq, stream.name, subject);
    }
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
