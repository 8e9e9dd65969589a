// count_over in rule files: what it takes, where it may stand, and what is said of anything else.

#include "rules/policies/rates.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_rates {

using rules::load_files;
using rules::load_text;

namespace {

std::string rule_with(const std::string& when, const std::string& on = "ticket.created") {
    return "rules:\n  - id: r\n    on: " + on + "\n    when: { " + when +
           " }\n    then: [ { emit: ticket.noted } ]\n";
}

/// The diagnostics of a rule with this behind `count_over:`; it begins in line 4, column 44.
std::string said_of(const std::string& operand) {
    return load_text(rule_with("ticket.requester.id: { count_over: " + operand + " }")).text();
}

rules::Comparison read(const std::string& operand, const std::string& on = "ticket.created") {
    const auto loaded = load_text(rule_with("ticket.requester.id: { count_over: " + operand + " }", on));
    INFO(loaded.text());
    REQUIRE(loaded.rule_set);
    return loaded.rule_set->rules.at(0).when.comparison;
}

}  // namespace

TEST_CASE("rates: what is written is prepared", "[language]") {
    const auto three =
        read("{ at_least: 3, within: 60m, on: [ticket.updated, ticket.created, ticket.updated] }");
    CHECK(three.operand.dump() == R"({"at_least":3,"on":["ticket.created","ticket.updated"],"within":"1h"})");
    CHECK(three.needed == 3);
    CHECK(three.span == std::chrono::hours(1));
    CHECK(three.rate == "ticket.requester.id on ticket.created ticket.updated");
    const auto two = read("{ more_than: 2, within: 30d }", "[ticket.updated, ticket.created]");
    CHECK(two.needed == 3);
    CHECK(two.rate == three.rate);  // the rule's own events
}

TEST_CASE("rates: those of one field and the same types are one", "[language]") {
    const auto loaded = load_text(
        "rules:\n"
        "  - id: a\n    on: ticket.*\n"
        "    when: { ticket.priority: { count_over: { at_least: 2, within: 2d, on: ticket.created } } }\n"
        "    then: [ { if: { not: { ticket.requester.id: { count_over: { more_than: 4, within: 1m } } } },\n"
        "              then: [ stop ] } ]\n"
        "  - id: b\n    on: ticket.created\n"
        "    when: { any: [ { ticket.priority: { count_over: { more_than: 8, within: 1h } } } ] }\n"
        "    then: [ stop ]\n"
        "  - id: c\n    on: ticket.created\n    enabled: false\n"
        "    when: { ticket.subject: { count_over: { more_than: 8, within: 1h } } }\n    then: [ stop ]\n");
    INFO(loaded.text());
    REQUIRE(loaded.rule_set);
    const auto& rates = loaded.rule_set->rates;
    REQUIRE(rates.size() == 2);
    CHECK(rates[0].id == "ticket.priority on ticket.created");
    CHECK(rates[0].within_max == std::chrono::days(2));
    CHECK(rates[0].needed_max == 9);
    CHECK(rates[1].id == "ticket.requester.id on ticket.*");
    CHECK(rates[1].needed_max == 5);
}

TEST_CASE("rates: what does not fit is an error in its place", "[language]") {
    CHECK(said_of("3") == "rules.yaml:4:48: error: count_over takes a map, found \"3\" [wrong-type]\n");
    CHECK(said_of("{ within: 1h }") ==
          "rules.yaml:4:48: error: count_over takes at_least or more_than, with a number of events "
          "[missing-key]\n");
    CHECK(said_of("{ at_least: 1, more_than: 1, within: 1h }") ==
          "rules.yaml:4:48: error: count_over takes at_least or more_than, with a number of events "
          "[bad-value]\n");
    CHECK(said_of("{ at_least: 0, within: 1h }") ==
          "rules.yaml:4:60: error: at_least is 0, it must be from 1 to 1000 [bad-value]\n");
    CHECK(said_of("{ at_least: 1001, within: 1h }") ==
          "rules.yaml:4:60: error: at_least is 1001, it must be from 1 to 1000 [bad-value]\n");
    CHECK(said_of("{ more_than: 1000, within: 1h }") ==
          "rules.yaml:4:61: error: more_than is 1000, it must be from 0 to 999 [bad-value]\n");
    CHECK(said_of("{ more_than: -1, within: 1h }") ==
          "rules.yaml:4:61: error: more_than is -1, it must be from 0 to 999 [bad-value]\n");
    CHECK(said_of("{ at_least: many, within: 1h }") ==
          "rules.yaml:4:60: error: at_least takes a whole number, found \"many\" [wrong-type]\n");
    CHECK(said_of("{ at_least: 3 }") ==
          "rules.yaml:4:48: error: count_over has no within, a span of time such as 1h [missing-key]\n");
    CHECK(said_of("{ at_least: 3, within: [1h] }") ==
          "rules.yaml:4:71: error: within takes a span of time such as 2h, found a list [wrong-type]\n");
    CHECK(said_of("{ at_least: 3, within: 999ms }") ==
          "rules.yaml:4:71: error: within is 999ms, it must be from 1s to 30d [bad-value]\n");
    CHECK(said_of("{ at_least: 3, within: 721h }") ==
          "rules.yaml:4:71: error: within is 721h, it must be from 1s to 30d [bad-value]\n");
    CHECK(said_of("{ at_least: 3, within: 1h, on: \"ticket created\" }") ==
          "rules.yaml:4:79: error: \"ticket created\" is no event type such as ticket.created, nor a glob of "
          "one "
          "[bad-value]\n");
    CHECK(said_of("{ at_least: 3, within: 1h, on: [] }") ==
          "rules.yaml:4:79: error: on is empty [bad-value]\n");
    CHECK(said_of("{ at_least: 3, whitin: 1h, within: 1h }") ==
          "rules.yaml:4:63: error: unknown key \"whitin\" in count_over, did you mean \"within\"? "
          "[unknown-key]\n");
    CHECK(load_text(rule_with("ticket.requester.id: { count_over: { at_least: 3, within: soon } }"))
              .says("rules.yaml:4:71: error: "));
    CHECK(
        said_of("{ at_least: 3, within: 1h, on: ticket.craeted }") ==
        "rules.yaml:4:79: warning: no event is of type \"ticket.craeted\", did you mean \"ticket.created\"? "
        "[unlikely-event]\n");
}

TEST_CASE("rates: a field of the entity's own with one value is what is counted by", "[language]") {
    const std::string operand = " { count_over: { at_least: 3, within: 1h } }";
    const auto said = [&](const std::string& field, const std::string& on = "ticket.created") {
        return load_text(rule_with(field + ":" + operand, on)).text();
    };
    for (const auto* field :
         {"ticket.status", "ticket.subject", "ticket.message_count", "ticket.escalated", "ticket.custom.x"})
        CHECK(said(field).empty());
    CHECK(said("contact.email", "[ticket.created, contact.created]").empty());
    CHECK(said("contact.email", "note").empty());
    CHECK(said("ticket.tags") ==
          "rules.yaml:4:28: error: count_over counts by one value, ticket.tags is a list of texts "
          "[wrong-type]\n");
    CHECK(said("ticket.custom") ==
          "rules.yaml:4:30: error: count_over counts by one value, ticket.custom is a map [wrong-type]\n");
    CHECK(said("contact.email") ==
          "rules.yaml:4:42: error: count_over counts by a field of the event's own entity, "
          "\"contact.email\" is none [bad-value]\n");
    for (const auto* field : {"event.type", "now", "event.data.x"})
        CHECK(load_text(rule_with(std::string(field) + ":" + operand)).says("[bad-value]"));
    CHECK(load_text(rule_with("ticket.requster.id:" + operand)).says("[unknown-field]"));
}

TEST_CASE("rates: rules on a schedule say what they count", "[language]") {
    const auto rule = [](const std::string& on) {
        return "rules:\n  - id: r\n    on: schedule\n    schedule: { every: 1h, for: ticket }\n"
               "    when: { ticket.requester.id: { count_over: { at_least: 3, within: 1h" +
               on + " } } }\n    then: [ { emit: ticket.noted } ]\n";
    };
    CHECK(load_text(rule("")).text() ==
          "rules.yaml:5:48: error: count_over has no on, the types of the events that it counts "
          "[missing-key]\n");
    CHECK(load_text(rule(", on: ticket.created")).text().empty());
}

TEST_CASE("rates: elsewhere than in the conditions of rules there are none", "[language]") {
    const std::string count =
        "ticket.requester.id: { count_over: { at_least: 3, within: 1h, on: ticket.created } }";
    const std::string refused =
        "error: count_over is for the conditions of rules: when, and if among their steps [bad-value]\n";
    CHECK(load_files({{"sla.yaml", "policies:\n  - id: p\n    when: { " + count +
                                       " }\n    targets: { first_response: 1h }\n"}})
              .says(refused));
    CHECK(load_files({{"scoring.yaml",
                       "scores:\n  - id: s\n    kind: ticket\n    field: ticket.custom.s\n"
                       "    points: [ { id: p, when: { " +
                           count + " }, add: 1 } ]\n"}})
              .says(refused));
    CHECK(load_files({{"tagging.yaml", "add:\n  - { tag: a, words: [x], when: { " + count + " } }\n"}})
              .says(refused));
    CHECK(load_text("rules:\n  - id: r\n    on: ticket.created\n    then:\n"
                    "      - wait_for: { on: ticket.updated, when: { " +
                    count + " }, timeout: 1h }\n      - if: { " + count + " }\n        then: [ stop ]\n")
              .text() == "rules.yaml:5:84: " + refused);
}

TEST_CASE("rates: lists of steps that nobody runs may have them", "[language]") {
    const auto loaded = load_text(
        "rules: []\nsteps:\n  s:\n    - if: { ticket.requester.id: { count_over: { at_least: 3, within: 1h } "
        "} }\n"
        "      then: [ stop ]\n");
    CHECK(loaded.rule_set);
    CHECK(loaded.says("[unused-steps]"));
}

}  // namespace language_rates
