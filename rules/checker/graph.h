#pragma once
/// The trigger graph of a rule set as a picture.

#include <string>

#include "rules/checker/check.h"
#include "rules/rule_set.h"

namespace rules {

/// Graphviz: event types, rules in evaluation order, and what makes what match. Rules that set each other off
/// in a round are drawn in red.
std::string trigger_graph(const RuleSet& rule_set, const CheckLimits& limits = {});

}  // namespace rules
