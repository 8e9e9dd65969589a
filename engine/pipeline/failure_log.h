#pragma once
/// FailureLog: what people have to see of rules that fail, without a line for each event.

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "engine/base/time.h"
#include "engine/model/decision.h"
#include "engine/model/event.h"

namespace engine {

/// One thread.
class FailureLog {
public:
    /// Logs each rule at most once a minute, with its place and the event: what went wrong may quote a
    /// payload, and is told by `explain`.
    void note(const Event& event, const Decision& decision, Instant now);
    /// Failures so far, logged or not.
    std::uint64_t total() const { return total_; }

private:
    bool is_due(const TenantName& tenant, const std::string& rule, Instant now);

    std::uint64_t total_ = 0;
    std::map<std::pair<TenantName, std::string>, Instant> told_;
};

}  // namespace engine
