#pragma once
/// Does what a script asked for, as if steps of its rule had said so.

#include <string>

#include "engine/base/json.h"
#include "rules/evaluator/run_rule.h"
#include "rules/evaluator/working_state.h"

namespace rules {

/// In the order of asking, up to the first that cannot be done: then `failure` says which and where the
/// script asks for it, and the caller takes the state back. Ends with done, failed or conflict.
RunResult apply_effects(const engine::Json& effects, const RuleRun& run, engine::Instant now,
                        WorkingState& state);

}  // namespace rules
