// The journal by time: partitions made ahead, and which of them retention may take away.

#include <limits>
#include <map>

#include "engine/base/log.h"
#include "engine/store/codec.h"
#include "engine/store/postgres/backend.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

/// Of one stream in one partition.
struct Bounds {
    std::int64_t first = 0;
    std::int64_t last = 0;
};

struct Stretch {
    RetentionPlan::Partition partition;
    std::map<std::int64_t, Bounds> streams;
    std::map<std::int64_t, Digest> hashes;  ///< of the last rows
};

/// What is old enough, oldest first, and the first row of each stream among what is not.
struct Candidates {
    std::vector<Stretch> old;
    std::map<std::int64_t, std::int64_t> first_kept;
    struct Stream {
        std::int64_t tenant = 0;
        std::string name;
        std::uint64_t detached_seq = 0;
    };
    std::map<std::int64_t, Stream> streams;
};

void keep_smaller(std::map<std::int64_t, std::int64_t>& smallest, std::int64_t stream, std::int64_t seq) {
    const auto [place, added] = smallest.emplace(stream, seq);
    if (!added) place->second = std::min(place->second, seq);
}

Result<Candidates> candidates_from(const Rows& rows) {
    Candidates found;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const bool old = rows.boolean(row, 2);
        const std::string name(rows.text(row, 0));
        if (old && (found.old.empty() || found.old.back().partition.name != name))
            found.old.push_back({{name, instant_of(rows.integer(row, 1))}, {}, {}});
        if (rows.is_null(row, 3)) continue;
        const auto stream = rows.integer(row, 3);
        found.streams[stream] = {rows.integer(row, 7), std::string(rows.text(row, 8)), rows.count(row, 9)};
        if (!old) {
            keep_smaller(found.first_kept, stream, rows.integer(row, 4));
            continue;
        }
        const auto hash = digest_from(rows.bytes(row, 6), "the hash of a row of " + name);
        if (!hash) return hash.error();
        found.old.back().streams[stream] = {rows.integer(row, 4), rows.integer(row, 5)};
        found.old.back().hashes[stream] = *hash;
    }
    return found;
}

/// The last of the oldest `count` stretches' rows of a stream.
std::map<std::int64_t, std::pair<std::int64_t, Digest>> last_rows(const std::vector<Stretch>& old,
                                                                  std::size_t count) {
    std::map<std::int64_t, std::pair<std::int64_t, Digest>> last;
    for (std::size_t i = 0; i < count; ++i)
        for (const auto& [stream, bounds] : old[i].streams) {
            auto& known = last[stream];
            if (bounds.last > known.first) known = {bounds.last, old[i].hashes.at(stream)};
        }
    return last;
}

/// The first reason against taking away the oldest `count` stretches: a row that would stay although one
/// after it goes.
std::string objection(const Candidates& candidates, std::size_t count,
                      const std::map<std::int64_t, std::int64_t>& first_undecided) {
    auto first_kept = candidates.first_kept;
    for (std::size_t i = count; i < candidates.old.size(); ++i)
        for (const auto& [stream, bounds] : candidates.old[i].streams)
            keep_smaller(first_kept, stream, bounds.first);
    for (const auto& [stream, last] : last_rows(candidates.old, count)) {
        const auto where = " of stream " + candidates.streams.at(stream).name;
        const auto kept = first_kept.find(stream);
        if (kept != first_kept.end() && kept->second < last.first)
            return "row " + std::to_string(last.first) + where + " is older than row " +
                   std::to_string(kept->second) + ", which stands before it: the clock has gone back";
        const auto undecided = first_undecided.find(stream);
        if (undecided != first_undecided.end() && undecided->second <= last.first)
            return "the event in row " + std::to_string(undecided->second) + where +
                   " waits for its decision: see signalbox lanes list";
    }
    return "";
}

}  // namespace

Result<RetentionPlan> PostgresStore::plan_retention(Instant before) {
    const auto rows = ask(all_tenants, sql::list_journal_bounds, values(microseconds_of(before)));
    if (!rows) return rows.error();
    const auto candidates = candidates_from(*rows);
    if (!candidates) return candidates.error();
    const auto waiting = ask(all_tenants, sql::list_undecided, {});
    if (!waiting) return waiting.error();
    std::map<std::int64_t, std::int64_t> first_undecided;
    for (std::size_t row = 0; row < waiting->size(); ++row)
        first_undecided[waiting->integer(row, 0)] = waiting->integer(row, 1);

    RetentionPlan plan;
    std::size_t count = candidates->old.size();
    for (; count > 0; --count) {
        const auto reason = objection(*candidates, count, first_undecided);
        if (reason.empty()) break;
        plan.kept_back = candidates->old[count - 1].partition.name + " stays: " + reason;
    }
    for (std::size_t i = 0; i < count; ++i) plan.partitions.push_back(candidates->old[i].partition);
    for (const auto& [id, last] : last_rows(candidates->old, count)) {
        const auto& stream = candidates->streams.at(id);
        auto tenant = tenant_of(stream.tenant);
        if (!tenant) return tenant.error();
        const auto seq = static_cast<std::uint64_t>(last.first);
        plan.streams.push_back(
            {*std::move(tenant), stream.name, seq - stream.detached_seq, seq, last.second});
    }
    return plan;
}

/// One at a time, so that none of the locks is held for long.
Result<void> PostgresStore::tend(Instant now) {
    if (!owned()) return denied("this process does not own the store");
    std::string made;
    do {
        made.clear();
        const auto done = in_transaction([&](Connection& open) -> Result<void> {
            const auto renewed =
                open.run(sql::renew, values(owner_, options_.lease.count(), ++commit_number_));
            if (!renewed) return renewed.error();
            const auto name =
                open.run(sql::make_journal_partition,
                         values(name_of(options_.journal_span),
                                static_cast<std::int64_t>(options_.journal_ahead), microseconds_of(now)));
            if (!name) return name.error();
            if (!name->is_null(0, 0)) made = name->text(0, 0);
            return {};
        });
        if (!done) return done;
        if (!made.empty()) log_info("a partition of the journal is made", {{"name", made}});
    } while (!made.empty());
    return {};
}

}  // namespace engine::postgres
