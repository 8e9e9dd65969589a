#pragma once
/// Doctor: looks at a store from outside and says what is wrong with it, and what to do.

#include <string>
#include <vector>

#include "engine/base/time.h"
#include "engine/pipeline/engine.h"
#include "engine/store/store.h"

namespace engine::app {

struct DoctorOptions {
    bool deep = false;  ///< everything instead of samples: every hash, every reference
    Tenants tenants;    ///< of the folder; empty = the rule sets that are active
    Instant now{};
    Duration waits_long = std::chrono::minutes(5);  ///< what waits longer is said
    std::uint64_t outbox_long = 10'000;             ///< deliveries
};

/// Reads only. `look` is a second handle to the same store. What cannot be looked at is a finding too.
std::vector<Finding> examine(Store& store, Store& look, const DoctorOptions& options);

std::string_view name_of(Finding::Level level);
/// `ok`, unless something is worse.
Finding::Level worst_of(const std::vector<Finding>& findings);

}  // namespace engine::app
