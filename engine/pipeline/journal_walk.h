#pragma once
/// JournalWalk: the rows of all of a tenant's streams, each stream in its order, the streams beside each
/// other in the order of time.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/journal_record.h"
#include "engine/store/store.h"

namespace engine {

/// Reads pages, so that memory holds some hundred rows of each stream. Ends at the heads the streams had at
/// `start`. One thread. Fails as the store fails, with corrupt when a row is missing.
class JournalWalk {
public:
    JournalWalk(Store& store, TenantName tenant) : store_(store), tenant_(std::move(tenant)) {}

    Result<void> start();
    std::size_t streams() const { return streams_.size(); }
    const std::string& name(std::size_t stream) const { return streams_[stream].name; }
    /// The stream of that name; nothing when the tenant has none.
    std::optional<std::size_t> stream_named(const std::string& name) const;

    /// The stream's next row, null at its end; valid until the stream is moved on.
    Result<const JournalRecord*> next(std::size_t stream);
    void move_on(std::size_t stream);
    /// The stream whose next row is the oldest; nothing when all are at their ends.
    Result<std::optional<std::size_t>> earliest();
    /// By stream, where there is one: the last row that retention took away. The walk begins after it.
    const std::map<std::string, std::uint64_t>& detached() const { return detached_; }
    /// Rows that were gone past.
    std::uint64_t rows() const { return rows_; }

private:
    struct Stream {
        std::string name;
        std::uint64_t head = 0;
        std::uint64_t read = 0;  ///< the last row that was read
        std::deque<JournalRecord> page;
    };
    Result<void> fill(Stream& stream);

    Store& store_;
    TenantName tenant_;
    std::vector<Stream> streams_;
    std::map<std::string, std::uint64_t> detached_;
    std::uint64_t rows_ = 0;
};

}  // namespace engine
