#pragma once
/// The chaining modes: in which passes, on which changes, the rules of a decision run.

#include "rules/evaluator/evaluation.h"

namespace rules {

/// Runs the suspended rule, if there is one, and every rule that has its turn.
void run_passes(Evaluation& evaluation);

}  // namespace rules
