#pragma once
/// Moving all that one store holds into another, and knowing whether all of it came.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/store/store.h"

namespace engine {

/// What a store holds, counted.
struct Census {
    std::map<std::string, std::uint64_t> counts;  ///< by the name of the kind, such as `journal rows`
    std::vector<StreamRow> heads;                 ///< as the streams are listed

    void take(const StoredItem& item);
    std::uint64_t items() const;
    std::uint64_t count(const std::string& kind) const;
    /// Names the first thing in which the two differ; empty when there is none.
    std::string difference_to(const Census& other) const;
};

struct TransferLimits {
    std::size_t items_max = 4096;                 ///< in one transaction
    std::size_t bytes_max = 8u * 1024 * 1024;     ///< of bodies in one transaction
    std::function<void(std::uint64_t)> progress;  ///< told how many items were written
};

/// Begins a load of `to`, which is owned, and writes all that `from` holds into it; whoever calls checks it
/// and finishes the load. Gives what was written. Fails as Store::dump and Store::load do.
Result<Census> transfer(Store& from, Store& to, const TransferLimits& limits = {});

/// Counts what the store holds.
Result<Census> census_of(Store& store);

}  // namespace engine
