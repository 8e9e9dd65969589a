#pragma once
/// Reads `schedule:` of a rule on `schedule`.

#include "rules/language/problems.h"
#include "rules/rule_set.h"

namespace rules {

/// What such a rule's `on` says.
inline constexpr auto on_schedule = "schedule";
/// The type of the events that come by the schedule of the rule.
std::string schedule_type(const std::string& rule_id);

/// When it comes next; nothing when it does not.
std::optional<engine::Instant> next_time(const Rule& rule, engine::Instant after);

/// `{ cron or every, zone, for }`. Sets the rule's schedule and what it sweeps; reports what is wrong.
void read_schedule(const engine::YamlNode& node, const Catalogue& catalogue, Rule& rule, Problems& problems);

}  // namespace rules
