#include "engine/store/postgres/floor.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "engine/base/hash.h"
#include "engine/store/postgres/commit_columns.h"
#include "engine/store/postgres/migrations.h"
#include "postgres/sql.inc"

namespace engine {
namespace postgres {
namespace {

constexpr std::int64_t tenant = 1;
constexpr std::int64_t owner = 1;
constexpr std::int64_t now = 1'790'000'000'000'000;
constexpr std::int64_t lease = 10'000'000;
constexpr std::string_view actor = "engine";
constexpr std::size_t hash_bytes = 32;
constexpr std::size_t salt_bytes = 16;
constexpr auto begin =
    "BEGIN; SET LOCAL ROLE signalbox_app; SELECT set_config('signalbox.tenants', '*', true)";

/// One run.
class BatchFloor {
public:
    BatchFloor(Connection& connection, const FloorOptions& options)
        : connection_(connection),
          options_(options),
          sizes_(options.sizes),
          like_(options),
          seqs_(static_cast<std::size_t>(options.partitions)),
          committed_(seqs_.size()),
          versions_(options.lanes),
          last_(options.lanes) {}

    Result<void> run() {
        if (auto made = make_owner_and_streams(); !made) return made;
        for (std::size_t first = 0; first < options_.events; first += options_.events_per_commit) {
            const auto end = std::min(options_.events, first + options_.events_per_commit);
            for (auto event = first; event < end; ++event) write(event);
            if (auto done = commit(); !done) return done;
            columns_ = {};
            settle();
        }
        return commit();
    }

private:
    struct Sent {
        std::size_t event;
        std::size_t partition;
    };

    Result<void> make_owner_and_streams() {
        const auto added = connection_.run(sql::add_owner, values("floor", lease));
        if (!added) return added.error();
        const auto known = connection_.run(sql::add_tenant, values("floor"));
        if (!known) return known.error();
        if (auto begun = connection_.begin(begin); !begun) return begun;
        for (std::size_t i = 0; i < seqs_.size(); ++i)
            if (auto made = connection_.run(sql::add_stream, values(tenant, "p" + std::to_string(i))); !made)
                return made.error();
        return connection_.commit();
    }

    std::uint64_t record(std::size_t event, std::size_t body_bytes) {
        const auto lane = like_.lane_of(event);
        const auto partition = like_.partition_of(lane);
        const auto seq = ++seqs_[partition];
        auto& rows = columns_.rows;
        rows.streams.add(static_cast<std::int64_t>(partition) + 1);
        rows.seqs.add(seq);
        rows.tenants.add(tenant);
        rows.times.add(now);
        rows.kinds.add("decision");
        rows.subjects.add(like_.subject_of(lane));
        rows.versions.add(versions_[lane]);
        rows.events.add(like_.text(sizes_.event_id));
        rows.rules.add("");
        rows.rulesets.add(like_.text(71));
        rows.actors.add(actor);
        rows.previous.add(last_[lane]);
        rows.digests.add(like_.noise(event, hash_bytes));
        rows.hashes.add(like_.noise(event + 1, hash_bytes));
        rows.salts.add(like_.noise(event + 2, salt_bytes));
        rows.bodies.add(like_.text(body_bytes));
        last_[lane] = seq;
        touched_.push_back(lane);
        return seq;
    }

    void settle() {
        for (const auto& sent : sent_) {
            record(sent.event, sizes_.delivered);
            columns_.done.partitions.add(static_cast<std::int64_t>(sent.partition));
            columns_.done.numbers.add(static_cast<std::int64_t>(sent.event) + 1);
        }
        sent_.clear();
    }

    void write(std::size_t event) {
        const auto lane = like_.lane_of(event);
        const auto partition = like_.partition_of(lane);
        const auto event_seq = record(event, sizes_.event);
        ++versions_[lane];
        const auto decision_seq = record(event, sizes_.decision);
        auto& seen = columns_.seen;
        seen.keys.add(like_.digest_like(event));
        seen.tenants.add(tenant);
        seen.streams.add(static_cast<std::int64_t>(partition) + 1);
        seen.events.add(event_seq);
        seen.decisions.add(decision_seq);
        seen.digests.add(like_.noise(event + 3, hash_bytes));
        write_entity(lane);
        auto& outbox = columns_.outbox;
        outbox.partitions.add(static_cast<std::int64_t>(partition));
        outbox.numbers.add(static_cast<std::int64_t>(event) + 1);
        outbox.tenants.add(tenant);
        outbox.lanes.add(like_.subject_of(lane));
        outbox.attempts.add(0);
        outbox.created.add(now);
        outbox.next.add(now);
        outbox.bodies.add(like_.text(sizes_.outbox));
        sent_.push_back({event, partition});
    }

    /// No lane is met twice in one commit as long as there are more lanes than events in it.
    void write_entity(std::size_t lane) {
        auto& entities = columns_.entities;
        entities.tenants.add(tenant);
        entities.subjects.add(like_.subject_of(lane));
        entities.first_versions.add(versions_[lane]);
        entities.first_fields.add("");
        entities.versions.add(versions_[lane]);
        entities.emails.add_null();
        entities.fields.add(like_.text(sizes_.fields));
        entities.metas.add(like_.text(sizes_.meta));
        entities.watched.add_null();
    }

    Result<void> commit() {
        for (std::size_t i = 0; i < seqs_.size(); ++i) {
            auto& streams = columns_.streams;
            streams.ids.add(static_cast<std::int64_t>(i) + 1);
            streams.from.add(committed_[i]);
            streams.seqs.add(seqs_[i]);
            streams.hashes.add(like_.noise(i, hash_bytes));
            columns_.counters.partitions.add(static_cast<std::int64_t>(i));
            columns_.counters.places.add(0);
            columns_.counters.numbers.add(seqs_[i]);
        }
        std::sort(touched_.begin(), touched_.end());
        touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
        for (const auto lane : touched_) {
            auto& subjects = columns_.subjects;
            subjects.tenants.add(tenant);
            subjects.names.add(like_.subject_of(lane));
            subjects.streams.add(static_cast<std::int64_t>(like_.partition_of(lane)) + 1);
            subjects.seqs.add(last_[lane]);
        }
        touched_.clear();
        auto all = values(owner, lease, ++commits_);
        columns_.give_to(all);
        if (auto begun = connection_.begin(begin); !begun) return begun;
        if (auto done = connection_.run(sql::commit_steps, all); !done) return done.error();
        committed_ = seqs_;
        return connection_.commit();
    }

    Connection& connection_;
    const FloorOptions& options_;
    const RowSizes& sizes_;
    const FloorRows like_;
    CommitColumns columns_;
    std::vector<std::uint64_t> seqs_;       ///< by partition
    std::vector<std::uint64_t> committed_;  ///< by partition
    std::vector<std::int64_t> versions_;    ///< by lane
    std::vector<std::uint64_t> last_;       ///< seq of the last row, by lane
    std::vector<std::size_t> touched_;      ///< lanes of this commit
    std::vector<Sent> sent_;
    std::int64_t commits_ = 0;
};

Result<double> measure(const std::string& url, const FloorOptions& options) {
    auto connection = Connection::open(url, {});
    if (!connection) return connection.error();
    if (auto made = migrate(**connection, options.partitions); !made) return made.error();
    BatchFloor floor(**connection, options);
    const auto began = std::chrono::steady_clock::now();
    if (auto done = floor.run(); !done) return done.error();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    return static_cast<double>(options.events) / took.count();
}

/// The same server's other database.
std::string with_database(const std::string& url, const std::string& name) {
    const auto host = url.find("://") + 3;
    const auto query = std::min(url.find('?', host), url.size());
    const auto slash = std::min(url.find('/', host), query);
    return url.substr(0, slash) + "/" + name + url.substr(query);
}

}  // namespace
}  // namespace postgres

Result<double> postgres_batch_floor(const std::string& url, const FloorOptions& options) {
    auto server = postgres::Connection::open(url, {});
    if (!server) return server.error();
    const auto name = "signalbox_floor_" + std::to_string(getpid());
    if (auto made = (*server)->run("CREATE DATABASE " + name); !made) return made.error();
    auto rate = postgres::measure(postgres::with_database(url, name), options);
    const auto dropped = (*server)->run("DROP DATABASE " + name + " WITH (FORCE)");
    if (rate && !dropped) return dropped.error();
    return rate;
}

}  // namespace engine
