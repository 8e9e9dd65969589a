#pragma once
/// Reads conditions: `all any none not` and `field: operand`.

#include "rules/language/context.h"

namespace rules {

/// Reports everything that is wrong; what it returns then is not to be used.
Condition read_condition(const engine::YamlNode& node, RuleContext& context);

/// The keys of a condition map that are no fields.
std::vector<std::string> group_names();
}  // namespace rules
