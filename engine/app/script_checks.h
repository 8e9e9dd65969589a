#pragma once
/// What `check` says of a tenant's scripts beyond that they compile.

#include <functional>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/pipeline/engine.h"
#include "rules/lua/check.h"

namespace engine::app {

/// Names that nothing knows, functions that are not there, mistakes that can be seen, and constants that fit
/// neither the tenant's fields nor what its connections can do. What compiles scripts, or runs their
/// statements, is done by `check`.
std::vector<Diagnostic> script_problems(
    const Tenant& tenant,
    const std::function<std::vector<Diagnostic>(const rules::ScriptCheck&)>& check = rules::problems_of);

}  // namespace engine::app
