#pragma once
/// Activation: a rule set goes live, on record.

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/pipeline/engine.h"
#include "engine/store/store.h"

namespace engine {

/// Keeps the tenant's files by version and journals the activation in its control stream, unless this version
/// was the last one activated. Needs ownership. Fails as the store fails.
Result<void> activate_if_new(Store& store, const Tenant& tenant, Instant now);

/// The version the control stream activated last; empty when there was none.
Result<std::string> active_version(Store& store, const TenantName& tenant);

}  // namespace engine
