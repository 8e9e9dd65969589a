#pragma once
/// Who listens to the events that policies make: what nobody listens to stands in the decision and goes
/// nowhere else.

#include <string_view>

#include "rules/rule_set.h"

namespace rules {

/// Whether a rule is on such events of entities of that kind or waits for them, or a policy looks at them.
bool anybody_listens(const RuleSet& rule_set, std::string_view kind, std::string_view type);

}  // namespace rules
