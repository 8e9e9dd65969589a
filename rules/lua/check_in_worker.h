#pragma once
/// Scripts looked at where whatever stands in them can do nothing but compute.

#include <vector>

#include "rules/lua/check.h"
#include "rules/lua/worker_pool.h"

namespace rules {

/// The same as `problems_of`, made in a worker of its own, which is ended. One `script-worker` says why when
/// nothing came of it: the worker could not be started or was lost, or took longer than `load_deadline`.
std::vector<engine::Diagnostic> check_in_worker(const ScriptCheck& asked, const WorkerOptions& options);

}  // namespace rules
