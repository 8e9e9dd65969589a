#pragma once
/// API keys as arguments of a command: what travels from the process that makes a key to the one that stores
/// it.

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/store/store.h"

namespace engine {

/// The secret itself is not in it, only its digest.
Json key_to_json(const ApiKey& key);
/// Fails with invalid_input.
Result<ApiKey> key_from_json(const TenantName& tenant, const Json& json);

}  // namespace engine
