#pragma once
/// The checker: what in a compiled rule set is probably not meant (docs/decisions/0031-checker.md).

#include <cstddef>
#include <vector>

#include "rules/checker/finding.h"
#include "rules/rule_set.h"

namespace rules {

/// Bounds of one check; what is left out for them is a finding of class `check-limit`.
struct CheckLimits {
    std::size_t terms_max = 16;         ///< ways to match that a rule's conditions are taken apart into
    std::size_t pairs_max = 3'000'000;  ///< pairs of rules looked at, of each class
    std::size_t proofs_max = 100'000;   ///< pairs of which the conditions are held against each other
    std::size_t trials_max = 10'000;    ///< events decided to show conflicts
    std::size_t cost_min = 250;         ///< a cheaper rule is never called costly
    std::size_t cost_factor = 20;       ///< how much more than the middle rule a costly one takes
    std::size_t findings_max = 100;     ///< of each class
};

/// Everything that was found, in order of places. Pure.
std::vector<Finding> check(const RuleSet& rule_set, const CheckLimits& limits = {});

}  // namespace rules
