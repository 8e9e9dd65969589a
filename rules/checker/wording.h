#pragma once
/// Conditions and values in words, for people who do not program.

#include <string>
#include <string_view>
#include <vector>

#include "rules/matcher/terms.h"
#include "rules/rule_set.h"

namespace rules {

/// `rule "late-invoice"`
std::string rule_named(const Rule& rule);
/// `ticket.status is "open"`
std::string words_of(const Literal& literal);
/// The same of a whole condition, cut when long.
std::string words_of(const Condition& condition);
/// A value as a rule file has it, cut when long; null is `nothing`.
std::string words_of(const engine::Json& value);
/// `a, b and c`
std::string listed(const std::vector<std::string>& items, std::string_view last = "and");

/// Where the comparison stands; the place of the whole condition when it is not part of it.
engine::Place place_of(const Condition& condition, const Comparison* comparison);

}  // namespace rules
