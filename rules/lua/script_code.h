#pragma once
/// ScriptCode: what compiling script sets gave, so that a worker that takes another one's place need not
/// compile them again while everybody waits.

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "rules/script.h"

namespace rules {

/// Any thread. To the daemon it is bytes that a worker has said, of which no other tenant's worker hears: one
/// that lies harms the runs of its own tenant, as it could before.
class ScriptCode {
public:
    /// Of each file of the set, in their order.
    using Files = std::vector<std::string>;

    /// Keeps the sets used last, as many and as large as the limits say.
    explicit ScriptCode(std::size_t sets_max = 4096, std::size_t bytes_max = 256U << 20U)
        : sets_max_(sets_max), bytes_max_(bytes_max) {}

    std::shared_ptr<const Files> find(const ScriptSet& scripts);
    void keep(const ScriptSet& scripts, Files files);
    void forget(const ScriptSet& scripts);

private:
    struct Set {
        std::string tenant;
        std::string version;
        std::shared_ptr<const Files> files;
        std::size_t bytes = 0;
    };
    std::list<Set>::iterator known(const ScriptSet& scripts);

    const std::size_t sets_max_;
    const std::size_t bytes_max_;
    std::mutex mutex_;
    std::list<Set> sets_;  ///< the last used first
    std::size_t bytes_ = 0;
};

}  // namespace rules
