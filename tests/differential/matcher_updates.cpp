// An index that took rules over from the one before, version after version, against looking at every rule.
#include <memory>

#include "rules/matcher/indexed.h"
#include "tests/differential/families.h"
#include "tests/support/rules.h"

namespace matcher_updates {

using namespace rules;
using namespace rules::testing;
using testing_random::Random;

namespace {

constexpr int versions = 5;
constexpr int events_per_version = 5;

std::string name_of_rule(Random& random) {
    return "n" + std::to_string(random.below(1'000'000));
}

void change(std::vector<Rule>& rules, const Family& family, Random& random, Variety variety) {
    const auto place = static_cast<std::ptrdiff_t>(random.below(rules.size() + 1));
    if (random.chance(40) || rules.empty()) {
        auto fresh = random_rules(family, random, variety == 0 ? 0 : 2).front();
        fresh.id = name_of_rule(random);
        rules.insert(rules.begin() + place, std::move(fresh));
    } else if (random.chance(50)) {
        rules.erase(rules.begin() + place % static_cast<std::ptrdiff_t>(rules.size()));
    } else {
        std::swap(rules[random.below(rules.size())], rules[random.below(rules.size())]);
    }
}

}  // namespace

TEST_CASE("matcher: an index that took rules over finds what a new one finds", "[differential]") {
    const auto seed = testing_random::seed_or(54);
    std::size_t shared = 0, found = 0;
    for (std::uint32_t round = 0; round < rounds(); ++round) {
        Random random(seed + round);
        const auto& family = random.of(families());
        const auto variety = random.chance(5) ? random_variety(random) : random.below(60);
        auto set = std::make_unique<RuleSet>();
        for (auto count = 1 + random.below(6); count > 0; --count)
            for (auto& rule : random_rules(family, random, variety)) {
                rule.id = name_of_rule(random);
                set->rules.push_back(std::move(rule));
            }
        std::unique_ptr<const Matcher> matcher = indexed_matcher(*set);
        for (int version = 0; version < versions; ++version) {
            auto next = std::make_unique<RuleSet>(*set);
            for (auto changes = random.below(8); changes > 0; --changes)
                change(next->rules, family, random, variety);
            auto updated = indexed_matcher(*next, matcher.get());
            shared += dynamic_cast<const IndexedMatcher&>(*updated).parts().size() > 1 ? 1 : 0;
            const auto naive = naive_matcher(*next);
            for (int i = 0; i < events_per_version; ++i) {
                const auto walk = random_walk(family, random, variety);
                const auto expected = found_by(*naive, walk);
                found += expected.size();
                INFO("SIGNALBOX_TEST_SEED=" << seed << ", " << family.name << ", round " << round
                                            << ", version " << version);
                REQUIRE(found_by(*updated, walk) == expected);
            }
            matcher = std::move(updated);
            set = std::move(next);
        }
    }
    CHECK(shared > rounds());
    CHECK(found > rounds());
}

}  // namespace matcher_updates
