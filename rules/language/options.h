#pragma once
/// Reads the modes and limits of a rule set, from tenant.yaml and rules.yaml.

#include <map>
#include <string>

#include "rules/language/problems.h"
#include "rules/rule_set.h"

namespace rules {

class OptionsReader {
public:
    OptionsReader(RuleSetOptions& options, Problems& problems) : options_(options), problems_(problems) {}

    /// Reads every key of the map that is a mode; the others are left to the caller. A mode may be given
    /// once.
    void read_modes(const engine::YamlNode& map);
    /// `groups: { g: { first_match: true } }`. A group may be declared once.
    void read_groups(const engine::YamlNode& groups);

    static std::vector<std::string> mode_names();
    static std::vector<std::string> limit_names();

private:
    void read_mode(const engine::YamlNode::Entry& entry);
    void read_limits(const engine::YamlNode& limits);
    void read_group(const engine::YamlNode::Entry& entry);
    bool is_first(std::map<std::string, engine::Place>& seen, const engine::YamlNode::Entry& entry,
                  const std::string& what);

    RuleSetOptions& options_;
    Problems& problems_;
    std::map<std::string, engine::Place> modes_seen_;
    std::map<std::string, engine::Place> groups_seen_;
};

std::optional<OnError> read_on_error(const engine::YamlNode& node, Problems& problems);

}  // namespace rules
