#pragma once
/// RuleSetCache: rule sets, active no more perhaps, compiled, for what began or was decided under them.

#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/pipeline/engine.h"
#include "engine/store/store.h"

namespace engine {

/// Keeps those used last, at most `limit`. One thread.
class RuleSetCache {
public:
    /// A compiled rule set may be tens of megabytes.
    explicit RuleSetCache(std::size_t limit = 16) : limit_(limit) {}

    /// The tenant under that version, its scripts run by that host. Fails with not_found when the store has
    /// none and with corrupt when it does not compile any more, which are remembered, and otherwise as the
    /// store fails.
    Result<std::shared_ptr<const Tenant>> get(Store& store, const TenantName& name,
                                              const std::string& version,
                                              const std::shared_ptr<rules::ScriptHost>& scripts = nullptr);

private:
    struct Entry {
        TenantName name;
        std::string version;
        Result<std::shared_ptr<const Tenant>> found;
    };
    std::size_t limit_;
    std::list<Entry> entries_;  ///< the one used last in front; few enough to be looked through
};

}  // namespace engine
