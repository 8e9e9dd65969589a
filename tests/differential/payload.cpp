// A payload read from its bytes and laid over a state against the two merged and read as one.
#include "rules/matcher/payload_readings.h"
#include "rules/matcher/raw_reader.h"
#include "tests/differential/families.h"
#include "tests/differential/spelling.h"
#include "tests/support/rules.h"

namespace payload {

using namespace rules;
using namespace rules::testing;
using testing_random::Random;

namespace {

constexpr int payloads_per_rule_set = 20;

/// Some of the roots, each with some of its fields and perhaps one that is taken away.
Json part_of(const Json& roots, Random& random) {
    Json part = Json::object();
    for (const auto& [root, fields] : roots.items()) {
        if (!fields.is_object() || random.chance(20)) continue;
        auto& some = part[root] = Json::object();
        for (const auto& [name, value] : fields.items())
            if (random.chance(60)) some[name] = random.chance(10) ? Json() : value;
    }
    return part;
}

}  // namespace

TEST_CASE("payload readings: over a state they say what the merged values say", "[differential]") {
    const auto seed = testing_random::seed_or(53);
    std::size_t matches = 0;
    std::size_t said = 0;
    for (const auto& family : families())
        for (std::uint32_t round = 0; round < rounds(); ++round) {
            Random random(seed + round);
            const auto variety = random_variety(random);
            const auto set = random_rule_set(family, random, variety);
            const auto indexed = indexed_matcher(set);
            const auto naive = naive_matcher(set);
            for (int i = 0; i < payloads_per_rule_set; ++i) {
                auto walk = random_walk(family, random, variety);
                auto bytes = spelled(part_of(random_walk(family, random, variety).roots, random), random);
                INFO("SIGNALBOX_TEST_SEED=" << seed << ", " << family.name << ", round " << round << ": "
                                            << bytes << " over " << walk.roots.dump());
                walk.roots.merge_patch(json(bytes));
                const auto size = bytes.size();
                bytes.resize(size + RawReader::padding());
                const auto payload = indexed->read_payload(std::string_view(bytes).substr(0, size));
                REQUIRE(payload);
                for (const auto& part : payload->parts)
                    for (const auto field : part.said) said += field;
                const auto found = found_by(*indexed, walk, payload.get());
                REQUIRE(found == found_by(*naive, walk));
                matches += found.size();
            }
        }
    CHECK(matches > 1'000);
    CHECK(said > 1'000);
}

TEST_CASE("payload readings: those of a matcher before are of use where the rules stayed", "[differential]") {
    RuleSet before;
    before.catalogue = Catalogue::shipped();
    for (int i = 0; i < 100; ++i) {
        auto& rule = before.rules.emplace_back();
        rule.id = "r" + std::to_string(i);
        rule.on = {"*"};
        rule.when = condition(Json{{"ticket.external_id", "id-" + std::to_string(i)}});
    }
    auto after = before;
    after.rules[7].when = condition(Json{{"ticket.external_id", "another"}});
    const auto first = indexed_matcher(before);
    const auto second = indexed_matcher(after, first.get());
    const std::string document = R"({"ticket":{"external_id":"id-9"}})";
    const auto bytes = document + std::string(RawReader::padding(), ' ');
    const auto payload = first->read_payload(std::string_view(bytes).substr(0, document.size()));
    Walk walk;
    walk.type = "ticket.created";
    walk.roots = json(document);
    CHECK(found_by(*second, walk, payload.get()) == Found{9});
    // What was read ahead is what is taken: it says so when the scope is another.
    walk.roots["ticket"]["external_id"] = "id-11";
    CHECK(found_by(*second, walk, payload.get()) == Found{9});
    walk.roots["ticket"]["external_id"] = "another";
    CHECK(found_by(*second, walk) == Found{7});
}

}  // namespace payload
