#include "rules/language/scoring.h"
#include "rules/policies/scoring.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_scoring {

using rules::load_files;

namespace {

rules::Loaded load_scoring(const std::string& text) {
    return load_files(
        {{"fields.yaml", "fields:\n  ticket.risk: number\n  lead.seats: number\n"}, {"scoring.yaml", text}});
}

/// Of one score with these lines, whose only points are for being there.
rules::Loaded load_entry(const std::string& entry) {
    return load_scoring("scores:\n  - id: s\n    points:\n      - " + entry + "\n");
}

}  // namespace

TEST_CASE("scoring: scores say what gives points, and where they are written", "[language]") {
    const auto loaded = load_scoring(R"(scores:
  - id: worth
    description: Who is called first
    min: -10
    max: 100
    remembered_max: 50
    points:
      - { id: big, when: { lead.seats: { gte: 50 } }, add: 30 }
    groups:
      - id: interest
        max: 40
        points:
          - id: opened
            on: [email.opened, lead.*]
            add: 2.5
            at_most: { times: 3, within: 7d }
            for: 90d
            decay: { every: 30d, by: 50% }
    bands:
      - { id: hot, from: 60, enter: lead.qualified, leave: lead.cooled }
      - { id: cold }
  - id: churn
    kind: ticket
    field: ticket.risk
    points: [ { id: urgent, when: { ticket.priority: urgent }, add: -5 } ]
)");
    INFO(loaded.text());
    REQUIRE(loaded.rule_set);
    const auto& scores = *loaded.rule_set->scores;
    REQUIRE(scores.size() == 2);
    const auto& worth = scores[0];
    CHECK(worth.field.text == "lead.score");
    REQUIRE(worth.band_field);
    CHECK(worth.band_field->text == "lead.band");
    CHECK(worth.limits.min == -1000);
    CHECK(worth.limits.max == 10'000);
    CHECK(worth.remembered_max == 50);
    REQUIRE(worth.entries.size() == 2);
    const auto& opened = worth.entries[1];
    CHECK(opened.group == "interest");
    CHECK(opened.add == 250);
    CHECK(opened.at_most->times == 3);
    CHECK(opened.lasting == std::chrono::hours(24 * 90));
    CHECK(opened.decay->by == 5'000);
    CHECK(worth.groups.at("interest").max == 4'000);
    CHECK(worth.band_of(6'000)->id == "hot");
    CHECK(worth.band_of(5'999)->id == "cold");
    CHECK(scores[1].field.text == "ticket.risk");
    CHECK_FALSE(scores[1].band_field);
}

TEST_CASE("scoring: what cannot be meant is refused, with its place", "[language]") {
    const auto* text = GENERATE(
        "{ id: a, add: 5 }", "{ id: a, add: much, when: { lead.seats: 1 } }",
        "{ id: a, when: { lead.seats: 1 } }", "{ add: 5, when: { lead.seats: 1 } }",
        "{ id: a, add: 5.125, when: { lead.seats: 1 } }",
        "{ id: a, add: 5, when: { lead.seats: { changed: true } } }",
        "{ id: a, add: 5, when: { event.type: lead.created } }",
        "{ id: a, add: 5, when: { lead.seats: 1 }, for: 3d }",
        "{ id: a, add: 5, on: lead.opened, decay: { every: 3d, by: 0% } }",
        "{ id: a, add: 5, on: lead.opened, decay: { every: 3d, by: 101% } }",
        "{ id: a, add: 5, on: lead.opened, decay: { by: 10% } }",
        "{ id: a, add: 5, on: lead.opened, at_most: { times: 0, within: 3d } }",
        "{ id: a, add: 5, on: lead.opened, at_most: { times: 3 } }",
        "{ id: a, add: 5, on: lead.opened, for: soon }",
        "{ id: a, add: 5, on: lead.opened, when: { lead.nothing: 1 } }",
        "{ id: a, add: --5, on: lead.opened }", "{ id: a, add: 1000001, on: lead.opened }",
        "{ id: a, add: 0, on: lead.opened }",
        "{ id: a, add: 5, when: { lead.created_at: { newer_than: 1d } } }",
        "{ id: a, add: 5, when: { lead.score: { gte: 5 } } }", "{ id: \"a\\0b\", add: 5, on: lead.opened }",
        "{ id: a, add: 5, on: lead.opened, at_most: { times: 1001, within: 3d } }",
        "{ id: a, add: 5, on: lead.opened, every: 3d }");
    const auto loaded = load_entry(text);
    INFO(text);
    CHECK_FALSE(loaded.rule_set);
    CHECK(loaded.text().find("scoring.yaml:4:") != std::string::npos);
}

TEST_CASE("scoring: bands that no score can lie in are named", "[language]") {
    const auto* bands =
        GENERATE("[ { id: a, from: 10 }, { id: b, from: 20 } ]", "[ { id: a }, { id: b, from: 20 } ]",
                 "[ { id: a, from: 200 } ]", "[ { id: a, from: -50 }, { id: b } ]");
    const auto loaded = load_scoring(
        "scores:\n  - id: s\n    min: 0\n    max: 100\n    points: [ { id: a, on: lead.opened, add: 5 } ]\n  "
        "  bands: " +
        std::string(bands) + "\n");
    INFO(bands);
    CHECK_FALSE(loaded.rule_set);
    CHECK(loaded.text().find("[unreachable-band]") != std::string::npos);
}

TEST_CASE("scoring: the events of bands are known, however like others they are called", "[language]") {
    const auto loaded = load_files(
        {{"scoring.yaml",
          "scores: [ { id: s, points: [ { id: a, on: lead.opened, add: 5 } ], bands: [ { id: hot, from: 9, "
          "enter: lead.heated, leave: lead.mergd } ] } ]\n"},
         {"rules.yaml",
          "rules:\n  - { id: r, on: [lead.heated, lead.mergd], then: [ { add_tags: [a] } ] }\n"}});
    INFO(loaded.text());
    CHECK(loaded.text().empty());
}

TEST_CASE("scoring: a band does not take the events of others", "[language]") {
    const auto* type = GENERATE("lead.deleted", "lead.band_changed", "ticket.hot", "lead.*", "hot");
    const auto loaded = load_scoring(
        "scores:\n  - id: s\n    points: [ { id: a, on: lead.opened, add: 5 } ]\n    bands: [ { id: a, from: "
        "1, enter: \"" +
        std::string(type) + "\" } ]\n");
    INFO(type);
    CHECK_FALSE(loaded.rule_set);
}

TEST_CASE("scoring: two scores are not written to one field", "[language]") {
    const auto loaded = load_scoring(
        "scores:\n"
        "  - { id: a, points: [ { id: x, on: lead.opened, add: 5 } ] }\n"
        "  - { id: b, points: [ { id: x, on: lead.opened, add: 5 } ] }\n");
    CHECK_FALSE(loaded.rule_set);
    CHECK(loaded.text().find("\"lead.score\" is written by two scores") != std::string::npos);
}

}  // namespace language_scoring
