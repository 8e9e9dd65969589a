#pragma once
/// Floors: what SQLite itself takes for the rows of an event, with no engine around it. For measurements.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/store/floor.h"

namespace engine {

class Database;

/// Writes the rows that the store writes for events with one delivery each (in the journal event, decision
/// and delivered; entity, seen; outbox row, which goes again with the next commit) with the store's own
/// statements, WAL and synchronous=FULL, into a file that is made. Nothing is computed, looked up or hashed.
/// Returns events per second.
Result<double> batch_floor(const std::string& path, const FloorOptions& options);

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
