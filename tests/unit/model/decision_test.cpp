#include "engine/model/decision.h"

#include "tests/support/catch.h"
#include "tests/support/random.h"

namespace decision_test {

using namespace engine;
using testing_random::Random;

namespace {

Json random_value(Random& random, int depth = 0) {
    static const std::vector<Json> plain{nullptr,       true,       0,       -7,          9007199254740993,
                                         1.5,           1e300,      "plain", "q\"uote\\", "line\nbreak",
                                         "Zoë \u20AC",  "\xFF bad", "a:",    "[",         Json::array(),
                                         Json::object()};
    const auto choice = random.below(10);
    if (depth > 2 || choice < 7) return random.of(plain);
    Json made = choice < 9 ? Json::object() : Json::array();
    for (std::size_t i = random.below(4); i > 0; --i) {
        if (made.is_array())
            made.push_back(random_value(random, depth + 1));
        else
            made["k" + std::to_string(random.below(20))] = random_value(random, depth + 1);
    }
    return made;
}

std::string random_text(Random& random) {
    static const std::vector<std::string> texts{"", "rule-1", "a \"b\"", "tab\t", "ümlaut", "x:", "{", ","};
    return random.of(texts);
}

std::vector<std::string> random_texts(Random& random) {
    std::vector<std::string> texts(random.below(3));
    for (auto& text : texts) text = random_text(random);
    return texts;
}

Action random_action(Random& random) {
    Action action;
    action.rule = random_text(random);
    action.connection = random_text(random);
    action.action = "post_message";
    action.params = Json{{"text", random_value(random)}, {"channel", random_value(random)}};
    action.as = random_text(random);
    action.firing = random_text(random);
    action.relaxed = random.chance(20);
    if (random.chance(20)) action.save = Json{{"ticket.custom.ts", "result.ts"}};
    return action;
}

std::vector<Change> random_changes(Random& random) {
    std::vector<Change> changes(random.below(3));
    for (auto& change : changes)
        change = {"ticket." + random_text(random), random_value(random), random_value(random),
                  random_text(random), random_text(random)};
    return changes;
}

Decision random_decision(Random& random) {
    Decision decision;
    decision.event_id = EventId("e" + random_text(random));
    decision.event_type = "ticket.updated";
    decision.subject = *Subject::parse("ticket/zendesk:" + std::to_string(random.below(100)));
    decision.event_time = instant_of(static_cast<std::int64_t>(random.below(2'000'000'000)) * 1'000'000);
    decision.now = instant_of(static_cast<std::int64_t>(random.below(2'000'000'000)) * 999'999);
    decision.ruleset = "sha256:" + random_text(random);
    decision.outcome =
        random.of(std::vector<Outcome>{Outcome::ok, Outcome::loop, Outcome::error, Outcome::stale});
    decision.fired = random_texts(random);
    decision.merged = random_changes(random);
    decision.changes = random_changes(random);
    for (std::size_t i = random.below(3); i > 0; --i) decision.actions.push_back(random_action(random));
    if (random.chance(30)) decision.write_back = random_action(random);
    if (random.chance(30))
        decision.conflicts.push_back({"ticket.tags", "r1", random_value(random), "r2", random_value(random),
                                      random_text(random), random_text(random)});
    if (random.chance(30))
        decision.emitted.push_back({"r1", "ticket.noted", decision.subject, random_value(random)});
    if (random.chance(30))
        decision.continuations.push_back(
            {"r1",
             "v1",
             "r1#1",
             random_texts(random),
             {1, 2},
             Json{{"a", random_value(random)}},
             random.chance(50),
             random.chance(50),
             random.chance(50) ? std::optional(decision.event_time) : std::nullopt,
             random.chance(50) ? random_texts(random) : std::vector<std::string>(),
             random.chance(50)});
    if (random.chance(30)) decision.awaited = random_value(random);
    if (random.chance(30))
        decision.timers.push_back({random_text(random), decision.event_time, "r1", "ticket.late",
                                   random_value(random), random.chance(50) ? "r1#1" : ""});
    if (random.chance(30))
        decision.timers.push_back(
            {random_text(random), std::nullopt, random_text(random), "", Json::object(), ""});
    if (random.chance(30)) decision.skipped.push_back({"r1", "expired"});
    if (random.chance(30))
        decision.failures.push_back({"r1", random_text(random), Place{"rules.yaml", 3, 4}});
    if (random.chance(30)) decision.cycle = random_texts(random);
    if (random.chance(50)) decision.linked.push_back({decision.subject, random.below(1000)});
    if (random.chance(10)) decision.linked.push_back({decision.subject, (1ull << 53) + 1});
    if (random.chance(30)) decision.notes = random_texts(random);
    if (random.chance(10)) decision.trace = random_value(random);
    decision.blocks_lane = random.chance(10);
    decision.event_source = random_text(random);
    if (random.chance(20)) decision.entered = {"contact"};
    if (random.chance(30)) decision.placed = {random.below(3), {random.below(9) + 1, 7}};
    return decision;
}

}  // namespace

TEST_CASE("decision: the bytes are those of its JSON value", "[model][random]") {
    const auto seed = testing_random::seed_or(2026);
    for (std::uint32_t round = 0; round < 3'000; ++round) {
        Random random(seed + round);
        const auto decision = random_decision(random);
        const auto expected = canonical_json(to_json(decision, true));
        if (canonical_text(decision) == expected) continue;
        INFO("SIGNALBOX_TEST_SEED=" << seed << " round " << round);
        REQUIRE(canonical_text(decision) == expected);
    }
    SUCCEED();
}

TEST_CASE("decision: what others are computed from reads back", "[model][random]") {
    const auto seed = testing_random::seed_or(2027);
    for (std::uint32_t round = 0; round < 1'000; ++round) {
        INFO("SIGNALBOX_TEST_SEED=" << seed << " round " << round);
        Random random(seed + round);
        auto decision = random_decision(random);
        // Said to people only.
        decision.fired.clear();
        decision.conflicts.clear();
        decision.failures.clear();
        decision.cycle.clear();
        decision.notes.clear();
        decision.trace = nullptr;
        std::erase_if(decision.linked, [](const auto& link) { return link.version > 1'000; });
        const auto text = canonical_text(decision);
        const auto json = parse_json(text, {16u << 20, 256});
        REQUIRE(json);
        const auto read = decision_from_json(*json);
        REQUIRE(read);
        CHECK(canonical_text(*read) == text);
        CHECK(read->placed == decision.placed);
    }
}

TEST_CASE("decision: one that was cut short is corrupt, and says what is missing", "[model]") {
    const auto read = decision_from_json(Json{{"event", {{"id", "e1"}}}});
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Code::corrupt);
    CHECK(read.error().message.find("source") != std::string::npos);
}

}  // namespace decision_test
