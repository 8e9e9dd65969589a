// What `signalbox test` says of a case that fails.
#include "engine/pipeline/rule_tests.h"

#include "tests/support/catch.h"
#include "tests/unit/pipeline/world.h"

namespace rule_tests_test {

using namespace engine;
using namespace engine::test;

namespace {

using Lines = std::vector<std::string>;

/// The differences of one case over two rules: `raise` sets the priority, `tell` posts; or over those given.
Lines differences(const std::string& expect, const std::string& rules = "") {
    const auto tenant = tenant_of(
        {{"tenant.yaml", "name: acme\n"},
         {"connections.yaml", sandbox_connections},
         {"rules.yaml",
          !rules.empty()
              ? rules
              : "rules:\n"
                "  - { id: raise, on: ticket.created, then: [ { set: { ticket.priority: high } } ] }\n"
                "  - id: tell\n"
                "    on: ticket.created\n"
                "    then: [ { slack.post_message: { channel: \"#desk\", text: high } } ]\n"},
         {"tests/a.yaml",
          "cases:\n"
          "  - name: one\n"
          "    events: [ { type: ticket.created, subject: ticket/1, data: { ticket: { priority: low } } } ]\n"
          "    expect: " +
              expect + "\n"}});
    Diagnostics diagnostics;
    const auto results = run_rule_tests(
        tenant, [] { return open_sqlite(":memory:"); }, diagnostics);
    REQUIRE(results);
    REQUIRE(results->size() == 1);
    CHECK(results->front().passed == results->front().differences.empty());
    return results->front().differences;
}

}  // namespace

TEST_CASE("rule tests: a case that holds has no differences", "[rule_tests]") {
    CHECK(differences("{ fired: [raise, tell], changes: [ { field: ticket.priority, to: high } ] }").empty());
    CHECK(differences("{ partial: true, fired: [tell] }").empty());
    CHECK(differences("{ emitted: [], outcome: ok }").empty());
}

TEST_CASE("rule tests: what is missing stands beside what came instead", "[rule_tests]") {
    CHECK(differences("{ fired: [raise, call] }") ==
          Lines{"fired:", "      \"raise\"", "    - \"call\"", "    + \"tell\""});
    CHECK(differences("{ changes: [] }") ==
          Lines{"changes:",
                "    + {\"field\":\"ticket.priority\",\"from\":\"low\",\"rule\":\"raise\",\"to\":\"high\"}"});
    CHECK(differences("{ emitted: [ { type: x.y } ] }") ==
          Lines{"emitted:", "    - {\"type\":\"x.y\"}", "    + (nothing)"});
}

TEST_CASE("rule tests: a rule that failed fails a case that does not list it", "[rule_tests]") {
    const std::string broken =
        "rules: [ { id: r, on: ticket.created, then: [ { set: { ticket.priority: 'no {{ ticket.subject }}' } "
        "} ] } ]\n";
    for (const auto* expect :
         {"{ fired: [] }", "{ partial: true, fired: [] }", "{ changes: [], outcome: ok }"})
        CHECK(differences(expect, broken).size() == 2);
    CHECK(differences("{ fired: [], failures: [ { rule: r } ] }", broken).empty());
    CHECK(differences("{ changes: [] }", broken).front() == "failures, which the case does not list:");
    CHECK(differences("{ changes: [] }", broken)
              .back()
              .starts_with("    + r: rules.yaml:1: ticket.priority takes one of"));
}

TEST_CASE("rule tests: a partial case shows what may have been meant and nothing else", "[rule_tests]") {
    CHECK(differences("{ partial: true, changes: [ { field: ticket.priority, to: urgent } ] }") ==
          Lines{"changes:", "    - {\"field\":\"ticket.priority\",\"to\":\"urgent\"}",
                "    + {\"field\":\"ticket.priority\",\"from\":\"low\",\"rule\":\"raise\",\"to\":\"high\"}"});
    CHECK(differences("{ partial: true, changes: [ { field: ticket.status, to: open } ] }") ==
          Lines{"changes:", "    - {\"field\":\"ticket.status\",\"to\":\"open\"}"});
}

TEST_CASE("rule tests: the right things in another order or number are said to be so", "[rule_tests]") {
    CHECK(differences("{ fired: [tell, raise] }") ==
          Lines{"fired: in another order, or not as often:", "    - \"tell\"", "    - \"raise\"",
                "    + \"raise\"", "    + \"tell\""});
    CHECK(differences("{ partial: true, fired: [raise, raise] }") ==
          Lines{"fired: in another order, or not as often:", "    - \"raise\"", "    - \"raise\"",
                "    + \"raise\""});
}

}  // namespace rule_tests_test
