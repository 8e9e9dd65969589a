// The index against looking at every rule, on random rule sets of one operator family at a time, documents
// and writes between two rules (docs/guides/fuzzing.md).
#include "rules/matcher/matcher.h"

#include <chrono>
#include <cstdio>

#include "tests/differential/families.h"
#include "tests/support/rules.h"

namespace matcher {

using namespace rules;
using namespace rules::testing;
using testing_random::Random;

namespace {

constexpr int events_per_rule_set = 100;

struct Count {
    std::size_t rule_sets = 0;
    std::size_t events = 0;
    std::size_t matches = 0;
    std::size_t differences = 0;
};

/// The first difference is told in its shortest form, the others are counted.
void compare(const RuleSet& set, const Family& family, Random& random, Variety variety,
             const std::string& seed, Count& count) {
    const auto indexed = indexed_matcher(set);
    const auto naive = naive_matcher(set);
    ++count.rule_sets;
    for (int i = 0; i < events_per_rule_set; ++i) {
        auto walk = random_walk(family, random, variety);
        const auto expected = found_by(*naive, walk);
        REQUIRE(indexed->listens_to(walk.type) == naive->listens_to(walk.type));
        ++count.events;
        count.matches += expected.size();
        if (found_by(*indexed, walk) == expected) continue;
        if (++count.differences > 1) continue;
        auto fewer = set;
        shorten(fewer, walk);
        FAIL_CHECK(seed << "\n" << told(fewer, walk));
    }
}

Count compared(const Family& family, std::uint32_t seed) {
    Count count;
    for (std::uint32_t round = 0; round < rounds(); ++round) {
        Random random(seed + round);
        const auto variety = random_variety(random);
        compare(random_rule_set(family, random, variety), family, random, variety,
                "SIGNALBOX_TEST_SEED=" + std::to_string(seed) + ", round " + std::to_string(round), count);
    }
    return count;
}

}  // namespace

TEST_CASE("matcher: the index finds what looking at every rule finds", "[differential]") {
    using Clock = std::chrono::steady_clock;
    const auto seed = testing_random::seed_or(51);
    for (const auto& family : families()) {
        INFO(family.name);
        const auto began = Clock::now();
        const auto count = compared(family, seed);
        std::printf("%-10s %6zu rule sets, %8zu events, %9zu matches, %zu differences, %4lld s\n",
                    family.name.c_str(), count.rule_sets, count.events, count.matches, count.differences,
                    static_cast<long long>(
                        std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began).count()));
        std::fflush(stdout);
        CHECK(count.differences == 0);
        CHECK(count.matches > count.events);  // matches are common
    }
}

}  // namespace matcher
