// The evaluator's conditions against a second, simple reading of the same JSON, on random conditions and
// documents.
#include <string>

#include "tests/support/random.h"
#include "tests/support/random_conditions.h"
#include "tests/support/reference_conditions.h"
#include "tests/support/rules.h"

namespace conditions {

using namespace rules;
using namespace rules::random_conditions;
using namespace rules::testing;
using testing_random::Random;

TEST_CASE("conditions: the evaluator and the simple reading agree", "[differential]") {
    const auto seed = testing_random::seed_or(41);
    Random random(seed);
    int held = 0;
    for (int round = 0; round < 8'000; ++round) {
        auto source = event("ticket.created");
        source.data = json(R"({"ticket":{"id":2}})");
        const EventView view(source);
        reference::World world{roots_of(random), changes_of(random), "2026-05-04T12:00:00Z"};
        const auto written = condition_of_depth(random, 3);

        Scope scope;
        scope.event = &view;
        for (const auto& [root, fields] : world.roots.items()) scope.set(root, &fields);
        scope.changes = &world.changes;
        scope.now = noon;
        auto readable = world;
        readable.roots["event"] = json(R"({"type":"ticket.created","data":{"ticket":{"id":2}}})");

        INFO("seed " << seed << ", round " << round);
        INFO(written.dump() << "\non " << readable.roots.dump());
        for (const auto& change : world.changes) INFO(engine::to_json(change).dump());
        const auto compiled = condition(written);
        const bool result = holds(compiled, scope);
        REQUIRE(result == reference::truth(written, readable));
        REQUIRE(explain(compiled, scope)["result"] == result);
        held += result ? 1 : 0;
    }
    // Both outcomes were tried often.
    CHECK(held > 1'000);
    CHECK(held < 7'000);
}

TEST_CASE("cidr: the first bits decide, as arithmetic on 32 bits says", "[differential]") {
    const auto seed = testing_random::seed_or(42);
    Random random(seed);
    const auto dotted = [](std::uint32_t address) {
        std::string text;
        for (int shift = 24; shift >= 0; shift -= 8)
            text += std::to_string(address >> shift & 255) + (shift > 0 ? "." : "");
        return text;
    };
    for (int round = 0; round < 5'000; ++round) {
        const auto network = static_cast<std::uint32_t>(random.below(1ULL << 32));
        const int prefix = static_cast<int>(random.below(33));
        // Often near the network, else nothing would ever match.
        const auto address = random.chance(70) ? network ^ (1U << random.below(32))
                                               : static_cast<std::uint32_t>(random.below(1ULL << 32));
        const auto mask = prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
        const Json document = {{"subject", dotted(address)}};
        Scope scope;
        scope.set("ticket", &document);
        INFO("seed " << seed << ": " << dotted(address) << " in " << dotted(network) << "/" << prefix);
        REQUIRE(holds(comparison("ticket.subject", Operator::cidr,
                                 dotted(network) + "/" + std::to_string(prefix)),
                      scope) == ((address & mask) == (network & mask)));
    }
}

}  // namespace conditions
