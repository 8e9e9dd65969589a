#pragma once
/// ConditionFacts: the ways in which a condition can hold, worked out once, and what follows from them.

#include <deque>
#include <vector>

#include "rules/checker/event_types.h"
#include "rules/matcher/terms.h"
#include "rules/rule_set.h"

namespace rules {

/// Borrows the condition and the types.
struct ConditionFacts {
    const Condition* condition = nullptr;
    const TypePatterns* types = nullptr;  ///< of the events on which it is asked
    /// The ways in which it can hold, without those that contradict themselves. None: never.
    std::vector<Term> ways;
    bool exact = true;  ///< it holds if one of the ways does
    /// The ways in which it may not hold; made only where there are several of the other kind.
    std::vector<Term> opposite;
};

/// Takes conditions apart. Lives as long as what it gave: literals of opposites point into it.
class ConditionReader {
public:
    explicit ConditionReader(std::size_t terms_max) : terms_max_(terms_max) {}
    ConditionReader(const ConditionReader&) = delete;
    ConditionReader& operator=(const ConditionReader&) = delete;

    ConditionFacts facts_of(const Condition& condition, const TypePatterns& types);
    std::vector<Term> opposite_of(const Condition& condition);

private:
    std::size_t terms_max_;
    std::deque<Condition> negated_;
};

/// Certain that `wide` holds whenever `narrow` does, on one state and one event.
bool implies(const ConditionFacts& narrow, const ConditionFacts& wide);

}  // namespace rules
