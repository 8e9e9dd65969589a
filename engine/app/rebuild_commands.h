#pragma once
/// What `audit verify` asks of the decisions themselves.

#include <cstdint>
#include <string>

#include "engine/store/store.h"

namespace engine::app {

/// Makes every decision again and names those that came out otherwise, at most `named_max`; an empty tenant
/// is all of them. Returns the exit code.
int reexecute_and_print(Store& store, const std::string& tenant, bool json, std::uint64_t named_max);

}  // namespace engine::app
