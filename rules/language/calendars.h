#pragma once
/// Reads calendars.yaml: when somebody is there.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/yaml.h"
#include "rules/language/problems.h"
#include "rules/rule_set.h"

namespace rules {

/// `files` are the tenant's, among them those that calendars name for their holidays.
struct CalendarSource {
    const std::map<std::string, std::string>& files;
    std::set<std::string> read = {};  ///< those that were named
};

void read_calendars(const engine::YamlNode& root, CalendarSource& source, Calendars& into,
                    Problems& problems);

/// The keys of one calendar; the schema is tested against them.
std::vector<std::string> calendar_keys();

}  // namespace rules
