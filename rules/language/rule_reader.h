#pragma once
/// Reads single rules, and what must hold between them: unique ids, declared groups, events that come to be.

#include <map>
#include <string>
#include <vector>

#include "rules/language/context.h"

namespace rules {

class RuleReader {
public:
    /// Borrows everything.
    RuleReader(const RuleSet& rule_set, const StepLists& step_lists, std::shared_ptr<ScriptSet> scripts,
               Problems& problems)
        : rule_set_(rule_set), step_lists_(step_lists), scripts_(std::move(scripts)), problems_(problems) {}

    /// Reads one item of `rules:`; reports everything that is wrong.
    void read(const engine::YamlNode& node);
    /// The enabled rules in evaluation order, after what concerns all of them has been checked.
    std::vector<Rule> finish();
    /// The event types and globs that they are on or wait for.
    std::vector<std::string> awaited() const;

    static std::vector<std::string> key_names();

private:
    void check_presence(const engine::YamlNode& node);
    void read_id(const engine::YamlNode& node, Rule& rule);
    void read_on(const engine::YamlNode& node, Rule& rule);
    void read_schedule_of(const engine::YamlNode& node, Rule& rule);
    void read_group(const engine::YamlNode& node, Rule& rule);
    void read_flags(const engine::YamlNode& node, Rule& rule);
    void read_acceptances(const engine::YamlNode& node, Rule& rule);
    void read_acceptance(const std::string& kind, const std::string& other,
                         const engine::YamlNode::Entry& entry, Rule& rule);
    void read_body(const engine::YamlNode& node, Rule& rule);
    void warn_of_unlikely_events();
    std::string likelier_type(const std::string& type) const;

    RuleContext context_of(const std::vector<std::string>& on) const;
    void note(const RuleContext& context);
    void read_lists_that_nobody_runs();

    const RuleSet& rule_set_;
    const StepLists& step_lists_;
    std::shared_ptr<ScriptSet> scripts_;  ///< null = none
    Problems& problems_;
    std::set<std::string> lists_run_;
    std::vector<Rule> rules_;
    std::map<std::string, engine::Place> ids_;
    std::vector<AwaitedType> awaited_;
};

}  // namespace rules
