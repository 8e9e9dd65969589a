#pragma once
/// Triggers: which rule's writes and events can make which rule match.

#include <string>
#include <vector>

#include "rules/checker/check.h"
#include "rules/checker/rule_facts.h"

namespace rules {

/// Right after the one fired, the other can match, and it could not before.
struct Trigger {
    std::size_t from = 0;  ///< rules, in evaluation order
    std::size_t to = 0;
    std::string by;         ///< the field written, or the type of the event emitted
    bool by_event = false;  ///< in a decision of its own
    std::string how;        ///< `sets ticket.status to "open"`
    engine::Place place;    ///< of the step
};

struct Triggers {
    std::vector<Trigger> all;
    bool complete = true;  ///< no limit was reached
};

/// One for each pair of rules. Of writes only where the chaining lets rules see them.
Triggers triggers_of(const Facts& facts, const CheckLimits& limits);

/// Rounds of triggers, as places in `all`: of each rule that is in one, the shortest through it, and no rule
/// twice.
std::vector<std::vector<std::size_t>> cycles_in(const std::vector<Trigger>& triggers, std::size_t rules);

}  // namespace rules
