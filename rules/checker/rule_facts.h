#pragma once
/// RuleFacts: what the checker asks of a rule again and again, worked out once.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/checker/condition_facts.h"
#include "rules/matcher/terms.h"
#include "rules/rule_set.h"

namespace rules {

/// One thing a rule may write.
struct WriteFact {
    enum class What { value, tag_added, tag_removed };
    What what = What::value;
    const FieldPath* field = nullptr;
    bool is_constant = false;
    engine::Json value;  ///< constant value (null = unset), or the tag
    std::string chosen;  ///< of a route: `the agent`; empty = a template says it
    engine::Place place;
    /// What must hold beside the rule's conditions for the step to run, as ways; one without literals =
    /// nothing.
    std::vector<Term> ways;
};

/// `sets ticket.priority to "high"`, `adds the tag "vip"`, `removes ticket.due_at`
std::string words_of(const WriteFact& write);

/// One event a rule may emit.
struct EmitFact {
    std::string type;  ///< empty when it is rendered
    /// Kinds of which its data bring fields, whoever handles it.
    std::set<std::string> brings;
    bool later = false;  ///< by a timer, or behind a wait
    engine::Place place;
    std::vector<Term> ways;
};

/// And of its conditions.
struct RuleFacts : ConditionFacts {
    const Rule* rule = nullptr;
    std::size_t index = 0;  ///< in evaluation order
    std::vector<WriteFact> writes;
    std::vector<const FieldPath*> written_later;  ///< behind a wait: in a decision of its own
    std::vector<EmitFact> emits;
    std::vector<std::string> awaits;  ///< event types and globs that its steps wait for
    std::set<std::string> connections_called;
    std::vector<const FieldPath*> saved;  ///< fields that results are written to
    std::vector<const RouteStep*> routes;
    std::set<std::string> escalations_begun;
    std::string steps;          ///< the same text for the same steps
    bool acts = false;          ///< some step does something
    bool repeats_well = false;  ///< doing the steps twice is doing them once
    bool may_fail = false;      ///< a step may fail when the event is about an entity of `written_kind`
    std::string written_kind;   ///< the one kind that its certain steps write; empty = none, or several
    /// The first write that happens whenever the rule fires.
    bool writes_at_once = false;
};

/// All rules of a set. Borrows it.
class Facts {
public:
    Facts(const RuleSet& rule_set, std::size_t terms_max);
    Facts(const Facts&) = delete;
    Facts& operator=(const Facts&) = delete;

    const std::vector<RuleFacts>& rules() const { return rules_; }
    const RuleSet& rule_set() const { return rule_set_; }
    std::size_t terms_max() const { return terms_max_; }

private:
    class StepReader;

    const RuleSet& rule_set_;
    std::size_t terms_max_;
    ConditionReader conditions_;
    std::vector<RuleFacts> rules_;
};

/// Every pair of ways, put together; at most `terms_max` of them.
std::vector<Term> crossed(const std::vector<Term>& some, const std::vector<Term>& others,
                          std::size_t terms_max);

}  // namespace rules
