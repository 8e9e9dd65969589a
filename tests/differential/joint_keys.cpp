// Rule sets with many rules that ask for one value in each of the same fields, as the rows of routing tables
// do, among rules of all kinds: the index against looking at every rule.
#include "rules/matcher/joint_keys.h"

#include <string>
#include <vector>

#include "rules/matcher/indexed.h"
#include "tests/differential/families.h"
#include "tests/support/rules.h"

namespace joint_keys {

using namespace rules;
using namespace rules::testing;
using testing_random::Random;

namespace {

/// A row of a routing table asks for one value of each.
const std::vector<std::string> routed{"ticket.custom.product", "ticket.custom.region", "ticket.custom.skill",
                                      "contact.tier"};
/// Mostly so many that few rows are alike.
const std::vector<std::size_t> fields_asked{2, 3, 3, 3, 4};
constexpr std::size_t values_of_each = 13;
constexpr std::size_t events_per_rule_set = 200;

/// What the family's rules are about besides.
const Family& everything() {
    for (const auto& family : families())
        if (family.name == "nested") return family;
    throw std::logic_error("no such family");
}

/// Values of different kinds are asked of different slots, so a field has mostly one kind.
Json routed_value(Random& random, const std::string& field) {
    const auto number = random.below(values_of_each);
    if (random.chance(1)) return number % 2 == 0;
    if (field == "ticket.custom.skill") return number;
    return "value " + std::to_string(number);
}

/// Most ask for all fields; some leave one out or ask for something else too, some are there twice.
std::vector<Rule> table(Random& random) {
    static const std::vector<std::string> patterns{"ticket.created", "ticket.*", "*"};
    const auto on = random.of(patterns);
    const auto asked = random.of(fields_asked);
    std::vector<Rule> rows;
    const auto rules = 1'100 + random.below(1'500);
    while (rows.size() < rules) {
        Json all = Json::array();
        for (std::size_t i = 0; i < asked; ++i)
            if (!random.chance(2)) all.push_back({{routed[i], {{"eq", routed_value(random, routed[i])}}}});
        const auto& again = random.of(routed);
        if (random.chance(10)) {
            Json either{routed_value(random, again), routed_value(random, again)};
            all.push_back({{again, {{random.chance(50) ? "in" : "not_in", std::move(either)}}}});
        }
        Rule row;
        row.on = {random.chance(95) ? on : random.of(patterns)};
        row.when = condition(Json{{"all", all}});
        if (random.chance(10)) {
            auto more = random_rules(everything(), random, 0).front();
            row.when = condition(Json{{"all", all}});
            row.when.children.push_back(std::move(more.when));
        }
        if (random.chance(3)) rows.push_back(row);
        rows.push_back(std::move(row));
    }
    return rows;
}

RuleSet rule_set(Random& random) {
    auto set = random_rule_set(everything(), random, 0);
    for (auto tables = 1 + random.below(3); tables > 0; --tables)
        for (auto& row : table(random))
            set.rules.insert(
                set.rules.begin() + static_cast<std::ptrdiff_t>(random.below(set.rules.size() + 1)),
                std::move(row));
    for (std::size_t i = 0; i < set.rules.size(); ++i) set.rules[i].id = "r" + std::to_string(i);
    return set;
}

Walk walk_through(Random& random) {
    auto walk = random_walk(everything(), random, 0);
    for (const auto& field : routed)
        if (random.chance(95)) engine::put(walk.roots, engine::path_of(field), routed_value(random, field));
    for (auto writes = random.below(3); writes > 0; --writes) {
        const auto& field = random.of(routed);
        walk.writes.push_back({1 + random.below(3), field, routed_value(random, field)});
    }
    return walk;
}

}  // namespace

TEST_CASE("matcher: rows of routing tables are found among other rules", "[differential]") {
    const auto seed = testing_random::seed_or(58);
    std::size_t tables = 0, found = 0;
    const auto rule_sets = 1 + rounds() / 20;
    for (std::uint32_t round = 0; round < rule_sets; ++round) {
        Random random(seed + round);
        const auto set = rule_set(random);
        const IndexedMatcher indexed(set.rules);
        const auto naive = naive_matcher(set);
        tables += indexed.parts().front().index->joint_keys().tables();
        for (std::size_t i = 0; i < events_per_rule_set; ++i) {
            auto walk = walk_through(random);
            const auto expected = found_by(*naive, walk);
            found += expected.size();
            if (found_by(indexed, walk) == expected) continue;
            auto fewer = set;
            shorten(fewer, walk);
            FAIL("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << "\n" << told(fewer, walk));
        }
    }
    CHECK(tables > rule_sets / 2);
    CHECK(found > rule_sets * events_per_rule_set / 10);
}

}  // namespace joint_keys
