#pragma once
/// Walks over the rules that fit an event, and the smallest one on which two matchers differ.

#include <string>
#include <vector>

#include "engine/model/change.h"
#include "rules/matcher/matcher.h"

namespace rules::testing {

/// What happens to a world: rules are found one after another, and fields get other values in between.
struct Walk {
    struct Write {
        std::size_t after = 0;  ///< so many rules found
        std::string field;
        engine::Json value;
    };

    std::string type;
    engine::Json roots;
    std::vector<engine::Change> changes;
    std::vector<Write> writes;
};

/// The rules that are found, each at its turn, as their places in the set.
using Found = std::vector<std::size_t>;
Found found_by(const Matcher& matcher, const Walk& walk, const PayloadReadings* payload = nullptr);

/// Leaves the fewest rules, writes, changes and fields with which index and looking at every rule still
/// differ.
void shorten(RuleSet& set, Walk& walk);

/// Set and walk for whoever reads the failure, and what both find.
std::string told(const RuleSet& set, const Walk& walk);

}  // namespace rules::testing
