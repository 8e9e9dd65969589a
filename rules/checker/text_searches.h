#pragma once
/// What searches in a text (`contains`, `starts_with`, …) say of each other, and texts in which they are
/// found.

#include <string>
#include <vector>

#include "rules/matcher/terms.h"

namespace rules {

bool is_text_search(Operator op);

/// True only when no text satisfies all searches among the literals.
bool searches_exclude_each_other(const std::vector<Literal>& literals);

/// Texts that probably satisfy the searches; to be tried.
std::vector<std::string> texts_for(const std::vector<Literal>& literals);

/// True only when each network of the comparison lies in one that a literal rules out.
bool networks_excluded(const Comparison& comparison, const std::vector<Literal>& literals);

}  // namespace rules
