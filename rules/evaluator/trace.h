#pragma once
/// Trace: every rule of every pass with its fate and its conditions' values.

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "rules/evaluator/condition.h"
#include "rules/policies/scoring.h"
#include "rules/rule_set.h"

namespace rules {

/// Records nothing unless it is on; never touches what it records.
class Trace {
public:
    Trace(bool on, const RuleSet& rule_set) : on_(on), rule_set_(rule_set) {}

    bool is_on() const { return on_; }
    void begin_pass(std::string_view event_type);
    /// The rule's turn came; its conditions are explained on the scope as it is.
    void add(std::size_t rule, std::string_view status, const Scope& scope);
    /// What became of a rule that was added in this pass.
    void amend(std::size_t rule, std::string_view status, std::string_view error);
    /// A rule that goes on where it was suspended: its conditions are not looked at again.
    void resumed(std::string_view event_type, const Rule& rule, std::string_view status,
                 std::string_view error);

    /// The rest of one that was dropped, because its conditions were looked at again and do not hold.
    void dropped(std::string_view event_type, const Rule& rule, const Scope& scope);

    /// What became of the entries of tagging.yaml; null = there are none.
    void tagged(engine::Json entries) { tagging_ = std::move(entries); }

    /// What the scores of scoring.yaml are made of.
    void scored(const std::vector<std::pair<const Score*, Scored>>& scores);

    /// `{"passes":[{"event_type","rules":[{"id","status","when","file","line"}]}],"tagging"?,"scoring"?}`, or
    /// null when it is off.
    engine::Json take();

private:
    engine::Json entry(const Rule& rule, std::string_view status) const;

    bool on_;
    const RuleSet& rule_set_;
    engine::Json passes_ = engine::Json::array();
    engine::Json tagging_;
    engine::Json scoring_ = engine::Json::array();
    std::vector<std::size_t> rules_of_pass_;  ///< parallel to the rules of the last pass
};

}  // namespace rules
