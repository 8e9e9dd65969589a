#pragma once
/// Reads steps: what a rule does when it fires.

#include "rules/language/context.h"

namespace rules {

/// Reports everything that is wrong; what it returns then is not to be used.
std::vector<Step> read_steps(const engine::YamlNode& node, RuleContext& context);

/// The steps of this version but `<connection>.<action>`.
std::vector<std::string> step_names();

}  // namespace rules
