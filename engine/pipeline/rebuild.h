#pragma once
/// Rebuild: a tenant's projections computed from its journal and rule sets alone, compared with the live ones
/// or put in their place.

#include <cstdint>
#include <functional>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/store/store.h"

namespace engine {

/// Something that is not what the journal says.
struct Difference {
    std::string what;    ///< `entity`, `delivery`, `dead_letter`, `pending`, `continuation`, `blocked_lane`,
                         ///< `timer`, `seen`, `counters`
    std::string name;    ///< subject, key, place …
    std::string detail;  ///< what is there, and what the journal says
};

struct RebuildOptions {
    bool replace = false;  ///< false: only compare
    std::size_t entities_in_memory_max = 20'000;
    std::size_t changes_per_commit = 500;
    Instant now{};      ///< of the acts that are journaled
    std::string actor;  ///< who lets it be done
    /// Called for each difference found, and for each lane that cannot be known.
    std::function<void(const Difference&)> on_difference;
    std::function<void(const std::string& subject, const Error& why)> on_lost;
};

struct RebuildReport {
    std::uint64_t rows = 0;
    std::uint64_t entities = 0;
    std::uint64_t deliveries = 0;
    std::uint64_t dead_letters = 0;
    std::uint64_t pending = 0;
    std::uint64_t continuations = 0;
    std::uint64_t blocked_lanes = 0;
    std::uint64_t differences = 0;
    std::uint64_t lost_lanes = 0;  ///< a body or rule set is gone: compared with nothing, left as it is
    bool unfinished = false;       ///< an earlier replacement was begun and not finished
};
Json to_json(const RebuildReport& report);

/// One walk over the tenant's journal. Memory holds what waits (deliveries, dead letters, pending events,
/// continuations, blocked lanes), `entities_in_memory_max` documents, some 100 bytes for every further
/// entity, whose document waits in a temporary file, and some hundred rows of each stream.
///
/// Compared is one state of the store, live or not. To replace, the store must be owned: what differs is
/// written in transactions of bounded size, between two operators' acts `rebuild` (`begun`, `done`) in the
/// control stream. Stopped in between, it is noticed (`is_rebuild_unfinished`), and doing it again finishes
/// it. Fails as the store fails.
Result<RebuildReport> rebuild(Store& store, const TenantName& tenant, const RebuildOptions& options);

/// Whether a replacement was begun last and not finished.
Result<bool> is_rebuild_unfinished(Store& store, const TenantName& tenant);

}  // namespace engine
