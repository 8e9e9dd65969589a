#pragma once
/// Reexecute: every journaled decision made again from journal and rule sets, and compared byte for byte.

#include <cstdint>
#include <functional>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/pipeline/engine.h"
#include "engine/store/store.h"

namespace engine {

/// A decision that came out otherwise, or could not be made again for want of its rule set.
struct Redecided {
    TenantName tenant;
    std::string stream;
    std::uint64_t seq = 0;  ///< of the decision's row
    std::string event;
    std::string what;  ///< the first member that differs, or what is missing
};

struct ReexecuteOptions {
    std::size_t entities_in_memory_max = 20'000;
    std::shared_ptr<rules::ScriptHost>
        scripts;  ///< runs those of the rule sets; null = decisions with them differ
    std::function<void(const Redecided&)> on_finding;
    /// Called after each decision, for progress.
    std::function<void()> on_decision;
};

struct ReexecuteReport {
    std::uint64_t decisions = 0;  ///< made again
    std::uint64_t findings =
        0;                      ///< differing ones, and those whose rule set is missing or no longer compiles
    std::uint64_t skipped = 0;  ///< what they were made of was erased
    std::uint64_t looked_up = 0;  ///< linked versions that had to be read from the history
};
Json to_json(const ReexecuteReport& report);

/// One walk over the tenant's streams beside each other. A decision that read another lane's entity at a
/// version waits until that lane's stream has reached it; versions that a slower stream may still ask for are
/// kept. Memory as for a rebuild, and those versions. Fails as the store fails.
Result<ReexecuteReport> reexecute(Store& store, const TenantName& tenant, const ReexecuteOptions& options);

}  // namespace engine
