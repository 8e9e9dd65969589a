#pragma once
/// Terms: a condition taken apart into conjunctions, one of which holds when the condition does.

#include <cstddef>
#include <vector>

#include "rules/rule_set.h"

namespace rules {

/// A comparison that has to hold, or has not to. Borrows the condition.
struct Literal {
    const Comparison* comparison = nullptr;
    bool negated = false;
};

struct Term {
    std::vector<Literal> literals;  ///< all of them
};

struct Terms {
    /// The condition holds only if one of these does. None: it never holds. One without literals: always.
    std::vector<Term> any;
    bool exact = true;  ///< and it holds if one of these does
};

/// At most `terms_max` of them: what would take more is left out of the terms, which are not exact then.
Terms terms_of(const Condition& condition, std::size_t terms_max);

}  // namespace rules
