#pragma once
/// Floors: what SQLite itself takes for the rows of an event, with no engine around it. For measurements.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace engine {

class Database;

/// Sizes in bytes of what an event leaves behind.
struct RowSizes {
    std::size_t event = 0;      ///< body of the event's journal row
    std::size_t decision = 0;   ///< of the decision's
    std::size_t delivered = 0;  ///< of the delivery's
    std::size_t outbox = 0;     ///< body of the outbox row
    std::size_t fields = 0;     ///< of the entity
    std::size_t meta = 0;
    std::size_t subject = 0;
    std::size_t event_id = 0;
};

struct FloorOptions {
    std::string path;  ///< a file that is made
    RowSizes sizes;
    std::size_t events = 0;
    std::size_t lanes = 1;
    std::size_t events_per_commit = 100;
    int partitions = 16;
    std::size_t cache_bytes = 16u * 1024 * 1024;
};

/// Writes the rows that the store writes for events with one delivery each (in the journal event, decision
/// and delivered; entity, seen; outbox row, which goes again with the next commit) with the store's own
/// statements, WAL and synchronous=FULL. Nothing is computed, looked up or hashed. Returns events per second.
Result<double> batch_floor(const FloorOptions& options);

/// Commits of one row each, WAL and synchronous=FULL. One thread.
class CommitFloor {
public:
    /// Makes the file. Fails as the store's opening does.
    static Result<std::unique_ptr<CommitFloor>> open(const std::string& path);
    ~CommitFloor();
    /// Returns when the row is durable.
    Result<void> commit(std::string_view body);

private:
    explicit CommitFloor(std::unique_ptr<Database> database);
    std::unique_ptr<Database> database_;
    std::uint64_t rows_ = 0;
};

}  // namespace engine
