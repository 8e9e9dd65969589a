#pragma once
/// Reads scoring.yaml: points, groups and bands.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/yaml.h"
#include "rules/language/problems.h"
#include "rules/rule_set.h"

namespace rules {

/// Scores go to the rule set, whose fields and calendars must be there already.
void read_scoring(const engine::YamlNode& root, RuleSet& rule_set, Problems& problems);

/// A number with two decimals at most, as hundredths.
std::optional<std::int64_t> read_points(const engine::YamlNode& node, const std::string& what,
                                        Problems& problems);

/// Keys, for the schema: of a score, a group, what gives points, its limit and decay, and a band.
std::vector<std::string> score_keys();
std::vector<std::string> score_group_keys();
std::vector<std::string> score_entry_keys();
std::vector<std::string> score_frequency_keys();
std::vector<std::string> score_decay_keys();
std::vector<std::string> score_band_keys();

}  // namespace rules
