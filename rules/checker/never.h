#pragma once
/// Why a condition never holds.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "rules/checker/event_types.h"
#include "rules/checker/finding.h"
#include "rules/rule_set.h"

namespace rules {

struct WhyNever {
    std::string words;                   ///< `a and b cannot both hold`
    std::vector<RelatedPlace> excluded;  ///< what excludes each other; empty when nothing is asked at all
};

/// Nothing when it may hold. `who` asks on events of these types only: `the rule`.
std::optional<WhyNever> why_never(const Condition& condition, const TypePatterns& types,
                                  const std::string& who, std::size_t terms_max);

}  // namespace rules
