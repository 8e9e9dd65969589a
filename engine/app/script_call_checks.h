#pragma once
/// What a script names of the tenant's: fields, actions and look-ups, where they stand there as constants.

#include "engine/base/diagnostic.h"
#include "rules/rule_set.h"
#include "rules/script.h"

namespace engine::app {

/// `unknown-field`, `undeclared-field`, `wrong-entity`, `unknown-enum-value`, `wrong-type` and `bad-value` of
/// fields, `unknown-action`, `dangling-connection`, `unknown-lookup`, `unknown-parameter` and
/// `missing-parameter` of calls. What is computed is taken for right.
void check_calls(const rules::ScriptFile& file, const rules::RuleSet& rule_set, Diagnostics& found);

}  // namespace engine::app
