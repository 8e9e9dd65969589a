#pragma once
/// Reads routing.yaml: people, who is on call, and escalations.

#include <string>
#include <vector>

#include "engine/base/yaml.h"
#include "rules/language/problems.h"
#include "rules/rule_set.h"

namespace rules {

/// What is read goes to the rule set, whose fields, calendars and connections must be there already.
void read_routing(const engine::YamlNode& root, RuleSet& rule_set, Problems& problems);

/// Keys, for the schema.
std::vector<std::string> routing_keys();
std::vector<std::string> agent_keys();
std::vector<std::string> team_keys();
std::vector<std::string> channel_keys();
std::vector<std::string> queue_keys();
std::vector<std::string> overflow_keys();
std::vector<std::string> escalation_keys();
std::vector<std::string> escalation_level_keys();
std::vector<std::string> escalation_repeat_keys();
std::vector<std::string> acknowledged_keys();
std::vector<std::string> ends_keys();
std::vector<std::string> notify_target_keys();

}  // namespace rules
