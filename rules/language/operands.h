#pragma once
/// Reads and checks what stands behind an operator.

#include "rules/language/context.h"

namespace rules {

/// Fills the operand and what is compiled from it; false, with the reason reported, when it does not fit.
bool read_operand(const engine::YamlNode::Entry& entry, Comparison& comparison, RuleContext& context);

/// Whether the operator compares texts without regard to case unless `case: true`.
bool folds_case(Operator op);

}  // namespace rules
