#pragma once
/// Reads on-call schedules: the section on_call of routing.yaml.

#include <string>
#include <vector>

#include "engine/base/yaml.h"
#include "rules/language/problems.h"
#include "rules/policies/on_call.h"
#include "rules/rule_set.h"

namespace rules {

/// `people` are the ids that turns and overrides may name. What could not be read of a schedule is left out
/// of it, with its problem reported.
void read_on_call(const engine::YamlNode& node, const Calendars& calendars,
                  const std::vector<std::string>& people, std::vector<OnCallSchedule>& schedules,
                  Problems& problems);

/// Keys, for the schema: of a schedule, a rotation and an override.
std::vector<std::string> on_call_keys();
std::vector<std::string> on_call_rotation_keys();
std::vector<std::string> on_call_override_keys();

}  // namespace rules
