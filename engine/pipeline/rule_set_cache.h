#pragma once
/// RuleSetCache: rule sets that are active no more, compiled, for what began under them.

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
    explicit RuleSetCache(std::size_t limit = 32) : limit_(limit) {}

    /// The tenant under that version; null when the store has none or it does not compile any more. Fails as
    /// the store fails.
    Result<std::shared_ptr<const Tenant>> get(Store& store, const TenantName& name,
                                              const std::string& version);

private:
    struct Entry {
        TenantName name;
        std::string version;
        std::shared_ptr<const Tenant> tenant;
    };
    std::size_t limit_;
    std::list<Entry> entries_;  ///< the one used last in front; few enough to be looked through
};

}  // namespace engine
