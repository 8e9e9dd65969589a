#include "engine/store/sqlite/floor.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "engine/base/hash.h"
#include "engine/store/sqlite/database.h"
#include "engine/store/sqlite/schema.h"
#include "engine/store/sqlite/step_writer.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

constexpr std::int64_t tenant = 1;
constexpr std::int64_t now = 1'790'000'000'000'000;
constexpr std::string_view actor = "engine";
constexpr std::size_t hash_bytes = 32;
constexpr std::size_t salt_bytes = 16;

Result<std::unique_ptr<Database>> open_empty(const std::string& path, int partitions,
                                             std::size_t cache_bytes) {
    auto database = Database::open(path, {false, true, cache_bytes, std::chrono::seconds(5)});
    if (!database) return database.error();
    OpenOptions options;
    options.partitions = partitions;
    const auto info = prepare_schema(**database, options);
    if (!info) return info.error();
    return database;
}

/// One run of the batch floor.
class BatchFloor {
public:
    BatchFloor(Database& database, const FloorOptions& options)
        : database_(database),
          options_(options),
          sizes_(options.sizes),
          like_(options),
          seqs_(static_cast<std::size_t>(options.partitions)),
          versions_(options.lanes),
          ids_(options.lanes) {}

    Result<void> run() {
        if (auto made = make_streams(); !made) return made;
        for (std::size_t first = 0; first < options_.events; first += options_.events_per_commit) {
            const auto end = std::min(options_.events, first + options_.events_per_commit);
            if (auto done = commit_batch(first, end); !done) return done;
        }
        return settle_in_commit();
    }

private:
    struct Sent {
        std::size_t event;
        std::int64_t position;
    };

    Result<void> make_streams() {
        for (std::size_t i = 0; i < seqs_.size(); ++i) {
            auto added = database_.query(sql::add_stream, tenant, "p" + std::to_string(i));
            if (!added) return added.error();
            if (const auto row = added->next(); !row) return row.error();
        }
        return {};
    }

    Result<void> commit_batch(std::size_t first, std::size_t end) {
        if (auto begun = database_.begin(); !begun) return begun;
        if (auto settled = settle(); !settled) return settled;
        for (auto event = first; event < end; ++event)
            if (auto written = write(event); !written) return written;
        return finish();
    }

    Result<void> settle_in_commit() {
        if (auto begun = database_.begin(); !begun) return begun;
        if (auto settled = settle(); !settled) return settled;
        return finish();
    }

    Result<void> settle() {
        for (const auto& sent : sent_) {
            if (auto row = record(sent.event, sizes_.delivered); !row) return row.error();
            const auto removed = database_.run(sql::remove_delivery, sent.position);
            if (!removed) return removed.error();
        }
        sent_.clear();
        return {};
    }

    Result<std::uint64_t> record(std::size_t event, std::size_t body_bytes) {
        const auto lane = like_.lane_of(event);
        const auto partition = like_.partition_of(lane);
        const auto seq = ++seqs_[partition];
        const auto subject = like_.subject_of(lane);
        const auto added = database_.run(
            sql::add_record, position_of(static_cast<std::int64_t>(partition) + 1, seq), now, 1, subject,
            versions_[lane], like_.text(sizes_.event_id), 1, 1, actor, seq, noise(event, hash_bytes),
            noise(event + 1, hash_bytes), noise(event + 2, salt_bytes), like_.text(body_bytes));
        if (!added) return added.error();
        return seq;
    }

    Result<void> write(std::size_t event) {
        const auto lane = like_.lane_of(event);
        const auto partition = like_.partition_of(lane);
        const auto subject = like_.subject_of(lane);
        const auto event_seq = record(event, sizes_.event);
        if (!event_seq) return event_seq.error();
        ++versions_[lane];
        const auto decision_seq = record(event, sizes_.decision);
        if (!decision_seq) return decision_seq.error();
        const auto key = like_.digest_like(event);
        const auto seen = database_.run(sql::add_seen, Blob{key}, partition, *event_seq, *decision_seq,
                                        noise(event + 3, hash_bytes));
        if (!seen) return seen.error();
        if (auto entity = write_entity(lane, subject); !entity) return entity;
        sent_.push_back({event, position_of(static_cast<std::int64_t>(partition), event + 1)});
        return only_error(database_.run(sql::add_delivery, sent_.back().position, tenant, subject, 0, now,
                                        now, like_.text(sizes_.outbox)));
    }

    Blob noise(std::size_t event, std::size_t length) const { return Blob{like_.noise(event, length)}; }

    Result<void> write_entity(std::size_t lane, const std::string& subject) {
        if (versions_[lane] > 1)
            return only_error(database_.run(sql::set_entity, ids_[lane], versions_[lane],
                                            like_.text(sizes_.fields), like_.text(sizes_.meta)));
        ids_[lane] = ++last_id_;
        return only_error(database_.run(sql::add_entity, tenant, subject, versions_[lane],
                                        std::optional<std::string_view>(), like_.text(sizes_.fields),
                                        like_.text(sizes_.meta), std::optional<std::int64_t>()));
    }

    Result<void> finish() {
        for (std::size_t i = 0; i < seqs_.size(); ++i) {
            const auto moved = database_.run(sql::move_stream, i + 1, seqs_[i], noise(i, hash_bytes));
            if (!moved) return moved.error();
            const auto raised = database_.run(sql::raise_counters, i, 0, seqs_[i], 0);
            if (!raised) return raised.error();
        }
        if (auto committed = database_.commit(); !committed) return committed;
        database_.checkpoint_if_due();
        return {};
    }

    Database& database_;
    const FloorOptions& options_;
    const RowSizes& sizes_;
    const FloorRows like_;
    std::vector<std::uint64_t> seqs_;      ///< by partition
    std::vector<std::uint64_t> versions_;  ///< by lane
    std::vector<std::int64_t> ids_;        ///< of the entities, by lane
    std::int64_t last_id_ = 0;
    std::vector<Sent> sent_;
};

}  // namespace

Result<double> batch_floor(const std::string& path, const FloorOptions& options) {
    auto database = open_empty(path, options.partitions, options.cache_bytes);
    if (!database) return database.error();
    BatchFloor floor(**database, options);
    const auto began = std::chrono::steady_clock::now();
    if (auto done = floor.run(); !done) return done.error();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    return static_cast<double>(options.events) / took.count();
}

CommitFloor::CommitFloor(std::unique_ptr<Database> database) : database_(std::move(database)) {}
CommitFloor::~CommitFloor() = default;

Result<std::unique_ptr<CommitFloor>> CommitFloor::open(const std::string& path) {
    auto database = open_empty(path, 1, OpenOptions().cache_bytes);
    if (!database) return database.error();
    return std::unique_ptr<CommitFloor>(new CommitFloor(*std::move(database)));
}

Result<void> CommitFloor::commit(std::string_view body) {
    static const std::string zeros(hash_bytes, '\0');
    if (auto begun = database_->begin(); !begun) return begun;
    const auto added =
        database_->run(sql::add_record, position_of(1, ++rows_), now, 1, actor, 0, actor, 0, 0, actor, 0,
                       Blob{zeros}, Blob{zeros}, Blob{std::string_view(zeros).substr(0, salt_bytes)}, body);
    if (!added) return added.error();
    if (auto committed = database_->commit(); !committed) return committed;
    database_->checkpoint_if_due();
    return {};
}

}  // namespace engine
