#pragma once
/// Operator families: random conditions and documents that are about a few operators at a time, and in which
/// these are at their limits.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/differential/walks.h"
#include "tests/support/random.h"

namespace rules::testing {

/// How many different values a rule set is about; 0: only those that are odd in themselves.
using Variety = std::size_t;

struct Family {
    using Random = testing_random::Random;

    std::string name;
    std::vector<std::string> fields;
    /// What stands behind a field in a condition.
    engine::Json (*comparison)(Random& random, Variety variety);
    /// What a field may hold.
    engine::Json (*value)(Random& random, Variety variety);
    std::size_t depth = 1;  ///< of groups
};

const std::vector<Family>& families();

/// Rule sets of each family: a tenth of the whole, unless SIGNALBOX_MATCHER_ROUNDS says otherwise.
std::uint32_t rounds();

/// Mostly 1 to 40 rules about few values; seldom up to 2,000 about many, so that index has several blocks.
std::vector<Rule> random_rules(const Family& family, testing_random::Random& random, Variety variety);
/// Such rules under the shipped catalogue.
RuleSet random_rule_set(const Family& family, testing_random::Random& random, Variety variety);
Variety random_variety(testing_random::Random& random);
Walk random_walk(const Family& family, testing_random::Random& random, Variety variety);

}  // namespace rules::testing
