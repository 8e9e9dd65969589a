#pragma once
/// Reads single rules, and what must hold between them: unique ids, declared groups, events that come to be.

#include <map>
#include <string>
#include <vector>

#include "rules/language/context.h"

namespace rules {

class RuleReader {
public:
    RuleReader(const RuleSet& rule_set, Problems& problems) : rule_set_(rule_set), problems_(problems) {}

    /// Reads one item of `rules:`; reports everything that is wrong.
    void read(const engine::YamlNode& node);
    /// The enabled rules in evaluation order, after what concerns all of them has been checked.
    std::vector<Rule> finish();

    static std::vector<std::string> key_names();

private:
    void check_presence(const engine::YamlNode& node);
    void read_id(const engine::YamlNode& node, Rule& rule);
    void read_on(const engine::YamlNode& node, Rule& rule);
    void read_group(const engine::YamlNode& node, Rule& rule);
    void read_flags(const engine::YamlNode& node, Rule& rule);
    void read_acceptances(const engine::YamlNode& node, Rule& rule);
    void read_acceptance(const std::string& kind, const std::string& other,
                         const engine::YamlNode::Entry& entry, Rule& rule);
    void read_body(const engine::YamlNode& node, Rule& rule);
    void warn_of_unlikely_events();
    std::string likelier_type(const std::string& type) const;

    struct EventType {
        std::string type;
        engine::Place place;
    };

    const RuleSet& rule_set_;
    Problems& problems_;
    std::vector<Rule> rules_;
    std::map<std::string, engine::Place> ids_;
    std::vector<EventType> awaited_;
};

}  // namespace rules
