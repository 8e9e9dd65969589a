#pragma once
/// Reads tagging.yaml: the tags that texts call for.

#include <string>
#include <vector>

#include "engine/base/yaml.h"
#include "rules/language/problems.h"
#include "rules/rule_set.h"

namespace rules {

/// A file of thousands of words is longer than rules should be.
inline constexpr engine::YamlLimits tagging_yaml_limits{1024 * 1024, 32, 200'000};

/// Entries go to the rule set, whose fields and calendars must be there already.
void read_tagging(const engine::YamlNode& root, RuleSet& rule_set, Problems& problems);

/// Keys, for the schema: of the file, its limits, an entry, a list, and one thing to look for.
std::vector<std::string> tagging_keys();
std::vector<std::string> tagging_limit_keys();
std::vector<std::string> tag_entry_keys();
std::vector<std::string> tag_list_keys();
std::vector<std::string> text_search_keys();

}  // namespace rules
