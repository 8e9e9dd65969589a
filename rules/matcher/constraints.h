#pragma once
/// Constraints: what a term asks, gathered by slot, and how terms are put in an order that makes blocks few.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "rules/matcher/slots.h"

namespace rules {

/// What a term asks. A rule with several terms has several of these.
struct IndexedTerm {
    std::uint32_t rule = 0;
    std::vector<Demand> demands;
    bool exact = true;  ///< the rule holds if all demands do
};

/// One constraint a slot and kind; each sorted by slot.
struct Constraints {
    using Ids = std::vector<std::pair<std::size_t, std::vector<Code>>>;

    std::uint32_t rule = 0;
    bool exact = true;
    std::vector<std::pair<std::size_t, CodeSet>> codes;  ///< within those of the slot, and not all of them
    Ids wanted;                                          ///< one of the ids
    Ids unwanted;
    std::vector<std::uint64_t> order;  ///< what the term is clustered by
};

/// The share of the codes that a set leaves, as if all were equally frequent.
double share_of(const CodeSet& codes, Code domain);

/// Nothing for a term that can never hold.
std::optional<Constraints> constraints_of(IndexedTerm term, const Slots& slots);

}  // namespace rules
