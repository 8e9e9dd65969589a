#pragma once
/// What `check` says of a tenant's scripts beyond that they compile.

#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/pipeline/engine.h"

namespace engine::app {

/// Names that nothing knows, functions that are not there, mistakes that can be seen, and constants that fit
/// neither the tenant's fields nor what its connections can do. The scripts are read in this process.
std::vector<Diagnostic> script_problems(const Tenant& tenant);

}  // namespace engine::app
