#pragma once
/// Reads sla.yaml: service levels.

#include <string>
#include <vector>

#include "engine/base/yaml.h"
#include "rules/language/problems.h"
#include "rules/rule_set.h"

namespace rules {

/// Policies go to the rule set, whose fields and calendars must be there already.
void read_sla(const engine::YamlNode& root, RuleSet& rule_set, Problems& problems);

/// Keys, for the schema: of a policy, and of a metric that has more than its target.
std::vector<std::string> sla_policy_keys();
std::vector<std::string> sla_target_keys();

}  // namespace rules
