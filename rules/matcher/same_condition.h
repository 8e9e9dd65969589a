#pragma once
/// Whether two rules fit the same events because they say the same.

#include "rules/rule_set.h"

namespace rules {

/// The same `on` and `when`, word for word; what they do may differ.
bool same_match(const Rule& left, const Rule& right);

}  // namespace rules
