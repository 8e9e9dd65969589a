// Questions of the auditor: streams, rows, and the history of a subject.

#include <algorithm>

#include "engine/store/codec.h"
#include "engine/store/journal_query.h"
#include "engine/store/sqlite/backend.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

/// A scan reads in batches, so that its callback may take its time without holding the log's end.
constexpr std::int64_t rows_per_batch = 256;
constexpr std::size_t body_bytes_per_batch = 4u * 1024 * 1024;

constexpr std::uint64_t seq_max = static_cast<std::uint64_t>(positions_of_share) - 1;

std::uint64_t seq_at(const Rows& rows) {
    return static_cast<std::uint64_t>(rows.integer(0) & static_cast<std::int64_t>(seq_max));
}

Error not_next(std::uint64_t seq, const std::string& stream, const Subject& subject) {
    return {Code::corrupt, "row " + std::to_string(seq) + " of stream " + stream +
                               " is not the next one about " + subject.text()};
}

}  // namespace

Result<std::vector<TenantName>> SqliteStore::tenants() {
    auto rows = database_->query(sql::list_tenants);
    if (!rows) return rows.error();
    return all_of<TenantName>(*std::move(rows), [](const Rows& row) -> Result<TenantName> {
        return TenantName(std::string(row.text(0)));
    });
}

Result<std::vector<StreamHead>> SqliteStore::streams(const TenantName& tenant) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::list_streams, *number);
    if (!rows) return rows.error();
    return all_of<StreamHead>(*std::move(rows), [](const Rows& row) -> Result<StreamHead> {
        const std::string name(row.text(0));
        const auto hash = digest_from(row.text(2), "the hash of stream " + name);
        if (!hash) return hash.error();
        const auto detached = digest_from(row.text(4), "the beginning of stream " + name);
        if (!detached) return detached.error();
        return StreamHead{name, row.count(1), *hash, row.count(3), *detached};
    });
}

Result<std::optional<SqliteStore::FoundStream>> SqliteStore::find_stream_of(const TenantName& tenant,
                                                                            std::string_view name) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::find_stream, *number, name);
    if (!rows) return rows.error();
    return first_of<FoundStream>(*std::move(rows), [&](const Rows& row) -> Result<FoundStream> {
        return FoundStream{tenant, std::string(name), row.integer(0), row.count(3)};
    });
}

/// Assigns, so that a batch uses the memory of the one before again. A digest of a wrong length reads as
/// zeros, which fits nothing: `verify` names the row.
Result<void> SqliteStore::read_record(const Rows& rows, const FoundStream& stream, JournalRecord& record) {
    record.tenant = stream.tenant;
    record.stream = stream.name;
    record.seq = seq_at(rows);
    record.time = instant_of(rows.integer(1));
    const auto kind = words_.text_of(rows.integer(2));
    if (!kind) return kind.error();
    record.kind = *kind;
    record.subject = rows.text(3);
    record.entity_version = rows.count(4);
    record.cause_event = rows.text(5);
    const auto rule = words_.text_of(rows.integer(6));
    if (!rule) return rule.error();
    record.cause_rule = *rule;
    const auto ruleset = words_.text_of(rows.integer(7));
    if (!ruleset) return ruleset.error();
    record.ruleset = *ruleset;
    record.actor = rows.text(8);
    record.previous = rows.count(9);
    const auto body_digest = digest_from(rows.text(10), "digest");
    record.body_digest = body_digest ? *body_digest : Digest{};
    const auto hash = digest_from(rows.text(11), "hash");
    record.hash = hash ? *hash : Digest{};
    record.salt = rows.text(12);
    if (rows.is_null(13)) {
        record.body.reset();
    } else {
        if (!record.body) record.body.emplace();
        *record.body = rows.text(13);
    }
    return {};
}

Result<std::optional<JournalRecord>> SqliteStore::record_at(const FoundStream& stream, std::uint64_t seq) {
    if (seq == 0 || seq > seq_max) return std::optional<JournalRecord>();
    const auto position = position_of(stream.id, seq);
    auto rows = database_->query(sql::read_records, position, position, 1);
    if (!rows) return rows.error();
    return first_of<JournalRecord>(*std::move(rows), [&](const Rows& row) -> Result<JournalRecord> {
        JournalRecord record;
        if (const auto read = read_record(row, stream, record); !read) return read.error();
        return record;
    });
}

Result<std::optional<JournalRecord>> SqliteStore::record(const TenantName& tenant, std::string_view stream,
                                                         std::uint64_t seq) {
    const auto found = find_stream_of(tenant, stream);
    if (!found) return found.error();
    if (!*found) return std::optional<JournalRecord>();
    return record_at(**found, seq);
}

/// The number of records read; the batch keeps its size.
Result<std::size_t> SqliteStore::read_batch(const FoundStream& stream, std::uint64_t after_seq,
                                            std::vector<JournalRecord>& batch) {
    auto rows = database_->query(sql::read_records, position_of(stream.id, after_seq + 1),
                                 position_of(stream.id, seq_max), rows_per_batch);
    if (!rows) return rows.error();
    std::size_t count = 0;
    for (std::size_t bytes = 0; bytes < body_bytes_per_batch; ++count) {
        const auto next = rows->next();
        if (!next) return next.error();
        if (!*next) break;
        if (count == batch.size()) batch.emplace_back();
        if (const auto read = read_record(*rows, stream, batch[count]); !read) return read.error();
        bytes += batch[count].body ? batch[count].body->size() : 0;
    }
    return count;
}

Result<void> SqliteStore::scan(const TenantName& tenant, std::string_view stream, std::uint64_t after_seq,
                               const std::function<bool(const JournalRecord&)>& each) {
    const auto found = find_stream_of(tenant, stream);
    if (!found) return found.error();
    if (!*found) return {};
    std::vector<JournalRecord> batch;
    while (after_seq < seq_max) {
        const auto count = read_batch(**found, after_seq, batch);
        if (!count) return count.error();
        if (*count == 0) return {};
        for (std::size_t i = 0; i < *count; ++i)
            if (!each(batch[i])) return {};
        after_seq = batch[*count - 1].seq;
    }
    return {};
}

/// The rows about the subject in one stream, newest first, until `each` says false.
Result<void> SqliteStore::follow(const FoundStream& stream, std::uint64_t seq, const Subject& subject,
                                 const std::function<bool(JournalRecord&&)>& each) {
    while (seq > stream.detached_seq) {
        auto record = record_at(stream, seq);
        if (!record) return record.error();
        const bool fits = *record && (*record)->subject == subject.text() && (*record)->previous < seq;
        if (!fits) return not_next(seq, stream.name, subject);
        seq = (*record)->previous;
        if (!each(**std::move(record))) return {};
    }
    return {};
}

/// The last row about the subject in each stream: from the table, or later than the table knows, from the
/// journal.
Result<std::map<std::int64_t, std::uint64_t>> SqliteStore::last_rows(std::int64_t tenant,
                                                                     const Subject& subject) {
    std::map<std::int64_t, std::uint64_t> last;
    auto known = database_->query(sql::list_subject_heads, tenant, subject.text());
    if (!known) return known.error();
    auto next = known->next();
    for (; next && *next; next = known->next()) last[known->integer(0)] = known->count(1);
    if (!next) return next.error();
    auto tails = database_->query(sql::list_tails_of, tenant);
    if (!tails) return tails.error();
    for (next = tails->next(); next && *next; next = tails->next()) {
        const auto stream = tails->integer(0);
        auto found = database_->query(sql::find_subject_between, position_of(stream, tails->count(1)),
                                      position_of(stream, tails->count(2)), subject.text());
        if (!found) return found.error();
        const auto row = found->next();
        if (!row) return row.error();
        if (*row) last[stream] = seq_at(*found);
    }
    if (!next) return next.error();
    return last;
}

Result<std::vector<JournalRecord>> SqliteStore::read_history(const TenantName& tenant, const Subject& subject,
                                                             std::size_t limit) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    const auto last = last_rows(*number, subject);
    if (!last) return last.error();
    std::vector<JournalRecord> found;
    if (limit == 0) return found;
    for (const auto& [stream, seq] : *last) {
        const auto open = stream_of(tenant, stream);
        if (!open) return open.error();
        const auto enough = found.size() + limit;
        const auto done = follow(*open, seq, subject, [&](JournalRecord&& record) {
            found.push_back(std::move(record));
            return found.size() < enough;
        });
        if (!done) return done.error();
    }
    // Rows of one subject in two streams have no common order but their time.
    if (last->size() > 1)
        std::stable_sort(found.begin(), found.end(),
                         [](const auto& left, const auto& right) { return left.time > right.time; });
    if (found.size() > limit) found.resize(limit);
    return found;
}

Result<SqliteStore::FoundStream> SqliteStore::stream_of(const TenantName& tenant, std::int64_t id) {
    auto name = database_->query(sql::stream_text, id);
    if (!name) return name.error();
    if (const auto row = name->next(); !row) return row.error();
    return FoundStream{tenant, std::string(name->text(0)), id, name->count(1)};
}

Result<std::vector<JournalRecord>> SqliteStore::history(const TenantName& tenant, const Subject& subject,
                                                        std::size_t limit) {
    return in_one_reading([&] { return read_history(tenant, subject, limit); });
}

Result<void> SqliteStore::follow_trail(const FoundStream& stream, std::uint64_t seq, const Subject& subject,
                                       std::size_t limit, std::vector<JournalPlace>& out) {
    const auto erasure = words_.find(record_kind::erasure);
    if (!erasure) return erasure.error();
    while (seq > stream.detached_seq && out.size() < limit) {
        auto rows = database_->query(sql::read_link, position_of(stream.id, seq));
        if (!rows) return rows.error();
        const auto next = rows->next();
        if (!next) return next.error();
        if (!*next || rows->text(0) != subject.text() || rows->count(1) >= seq)
            return not_next(seq, stream.name, subject);
        const bool is_erasure = *erasure != 0 && rows->integer(3) == *erasure;
        if (rows->integer(2) == 0 && !is_erasure) out.push_back({stream.name, seq});
        seq = rows->count(1);
    }
    return {};
}

Result<std::vector<JournalPlace>> SqliteStore::read_trail(const TenantName& tenant, const Subject& subject,
                                                          std::size_t limit) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    const auto last = last_rows(*number, subject);
    if (!last) return last.error();
    std::vector<JournalPlace> found;
    for (const auto& [stream, seq] : *last) {
        const auto open = stream_of(tenant, stream);
        if (!open) return open.error();
        if (const auto done = follow_trail(*open, seq, subject, limit, found); !done) return done.error();
    }
    return found;
}

Result<std::vector<JournalPlace>> SqliteStore::trail(const TenantName& tenant, const Subject& subject,
                                                     std::size_t limit) {
    return in_one_reading([&] { return read_trail(tenant, subject, limit); });
}

Result<std::vector<JournalRecord>> SqliteStore::search(const TenantName& tenant, const JournalQuery& query) {
    if (query.limit == 0) return std::vector<JournalRecord>();
    if (const auto begun = database_->begin_reading(); !begun) return begun.error();
    auto found = query.subject ? search_subject(tenant, query) : search_streams(tenant, query);
    database_->end_reading();
    if (!found) return found;
    return newest_of(*std::move(found), query.limit);
}

Result<std::vector<JournalRecord>> SqliteStore::search_subject(const TenantName& tenant,
                                                               const JournalQuery& query) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    const auto last = last_rows(*number, *query.subject);
    if (!last) return last.error();
    std::vector<JournalRecord> found;
    for (const auto& [stream, seq] : *last) {
        const auto open = stream_of(tenant, stream);
        if (!open) return open.error();
        const auto enough = found.size() + query.limit;
        const auto done = follow(*open, seq, *query.subject, [&](JournalRecord&& record) {
            if (fits(record, query)) found.push_back(std::move(record));
            return found.size() < enough;
        });
        if (!done) return done.error();
    }
    return found;
}

Result<std::vector<JournalRecord>> SqliteStore::search_streams(const TenantName& tenant,
                                                               const JournalQuery& query) {
    const auto heads = streams(tenant);
    if (!heads) return heads.error();
    std::vector<JournalRecord> found;
    for (const auto& head : *heads) {
        const auto stream = find_stream_of(tenant, head.stream);
        if (!stream) return stream.error();
        if (!*stream) continue;
        if (const auto done = search_stream(**stream, query, found); !done) return done.error();
    }
    return found;
}

/// The stream's newest rows that fit, found from its end: rows have no index but their place.
Result<void> SqliteStore::search_stream(const FoundStream& stream, const JournalQuery& query,
                                        std::vector<JournalRecord>& out) {
    const auto kind = words_.find(query.kind);
    if (!kind) return kind.error();
    const auto rule = words_.find(query.rule);
    if (!rule) return rule.error();
    const auto decision = words_.find(record_kind::decision);
    if (!decision) return decision.error();
    if (!query.kind.empty() && *kind == 0) return {};  // no row has that word
    constexpr auto ever = std::numeric_limits<std::int64_t>::max();
    auto rows = database_->query(
        sql::search_records, position_of(stream.id, 0), position_of(stream.id, seq_max),
        query.since ? microseconds_of(*query.since) : -ever,
        query.until ? microseconds_of(*query.until) : ever, *kind, std::string_view(query.rule), *rule,
        *decision, canonical_json(Json(query.rule)), query.limit);
    if (!rows) return rows.error();
    auto next = rows->next();
    for (; next && *next; next = rows->next())
        if (const auto read = read_record(*rows, stream, out.emplace_back()); !read) return read.error();
    if (!next) return next.error();
    return {};
}

/// One look a stream: the first row at or after its start says whether there is a row before the first or a
/// stream that has no head.
Result<std::vector<std::string>> SqliteStore::strays() {
    std::vector<std::string> found;
    std::int64_t from = std::numeric_limits<std::int64_t>::min();
    while (true) {
        auto rows = database_->query(sql::next_position, from);
        if (!rows) return rows.error();
        const auto next = rows->next();
        if (!next) return next.error();
        if (!*next) return found;
        const std::int64_t stream = rows->integer(0) >> 40;
        const bool before_first = seq_at(*rows) == 0;
        auto name = database_->query(sql::stream_text, stream);
        if (!name) return name.error();
        const auto known = name->next();
        if (!known) return known.error();
        if (!*known || before_first) found.push_back("#" + std::to_string(stream));
        if (stream >= std::numeric_limits<std::int64_t>::max() >> 40) return found;
        from = (stream + 1) * positions_of_share;
    }
}

}  // namespace engine
