#pragma once
/// Operators' commands on a store: left for its owner, or performed here when it has none.

#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/pipeline/engine.h"
#include "engine/store/store.h"

namespace engine::app {

/// Performs the command and returns its answer; one without a tenant is the whole store's. With an owner
/// alive the answer is waited for until `patience` is over (unavailable then; the command stays left and may
/// still be performed).
Result<Json> perform(const std::string& store_url, Request request,
                     Duration patience = std::chrono::seconds(10));

/// Makes the tenant's rule set live, by the owner or here; the store is made when there is none. `via` is one
/// of activated_via. Fails as `perform` does, and with what the owner finds wrong with the rule set.
Result<Json> make_live(const std::string& store_url, const Tenant& tenant, const std::string& via,
                       const std::string& message, Duration patience = std::chrono::seconds(10));

/// `operator:<login name>`.
std::string operator_name();

}  // namespace engine::app
