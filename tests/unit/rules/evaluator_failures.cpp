// Rules that fail: what is undone, what is kept, what it does to the decision.
#include <string>

#include "tests/support/rules.h"

namespace evaluator_failures {

using namespace rules;
using namespace rules::testing;
using engine::Outcome;

namespace {

const std::string failing = R"([
    {"id":"good","then":[{"set":{"ticket.status":"open"}},{"slack.post":{"text":"good"}}]},
    {"id":"bad","line":7,"then":[{"set":{"ticket.priority":"high","ticket.custom.a.b":1}},{"add_tags":["bad"]},{"slack.post":{"text":"bad"}},
        {"emit":{"type":"x.y"}},{"set":{"ticket.status":"no such status"}}]},
    {"id":"after","on":"ticket.created","when":{"ticket.priority":{"exists":false}},"then":[{"add_tags":["after"]}]}])";

std::string failure_of(const std::string& step, const std::string& ticket = "{}") {
    const auto decision =
        Case().ticket(ticket).decided_by(rule_set("[{\"id\":\"r\",\"then\":[" + step + "]}]"));
    INFO(step);
    CHECK(decision.document == json(ticket));
    REQUIRE(decision.failures.size() == 1);
    CHECK(decision.fired.empty());
    return decision.failures[0].message;
}

bool runs(const std::string& step, const std::string& ticket = "{}") {
    return Case()
        .ticket(ticket)
        .decided_by(rule_set("[{\"id\":\"r\",\"then\":[" + step + "]}]"))
        .failures.empty();
}

}  // namespace

TEST_CASE("failure: under on_error rule its own effects are undone and the others stand", "[failure]") {
    const auto decision = Case().decided_by(rule_set(failing));
    CHECK(decision.outcome == Outcome::ok);
    CHECK(decision.fired == names({"good", "after"}));
    CHECK(decision.document == json(R"({"status":"open","tags":["after"]})"));
    REQUIRE(decision.actions.size() == 1);
    CHECK(decision.actions[0].rule == "good");
    CHECK(decision.emitted.empty());
    REQUIRE(decision.failures.size() == 1);
    CHECK(decision.failures[0].rule == "bad");
    CHECK(decision.failures[0].message ==
          "ticket.status takes one of new, open, pending, on_hold, solved, closed, not the text \"no such "
          "status\"");
    CHECK_FALSE(decision.blocks_lane);
}

TEST_CASE("failure: under on_error event only the merge is kept", "[failure]") {
    auto set = rule_set(failing);
    set.options.on_error = OnError::event;
    const auto decision =
        Case().ticket(R"({"subject":"s"})").merged("ticket.subject", "null", "\"s\"").decided_by(set);
    CHECK(decision.outcome == Outcome::error);
    CHECK(decision.fired.empty());
    CHECK(decision.changes.empty());
    CHECK(decision.actions.empty());
    CHECK(decision.merged.size() == 1);
    CHECK(decision.document == json(R"({"subject":"s"})"));
    REQUIRE(decision.failures.size() == 1);
    CHECK(decision.failures[0].rule == "bad");
    CHECK_FALSE(decision.blocks_lane);
}

TEST_CASE("failure: under on_error lane the lane is blocked as well", "[failure]") {
    auto set = rule_set(failing);
    set.options.on_error = OnError::lane;
    const auto decision = Case().decided_by(set);
    CHECK(decision.outcome == Outcome::error);
    CHECK(decision.blocks_lane);
    CHECK(decision.fired.empty());
}

TEST_CASE("failure: a rule's own on_error goes before the rule set's", "[failure]") {
    auto set = rule_set(R"([{"id":"bad","on_error":"rule","then":[{"set":{"ticket.status":"x"}}]}])");
    set.options.on_error = OnError::lane;
    CHECK(Case().decided_by(set).outcome == Outcome::ok);
    set = rule_set(R"([{"id":"bad","on_error":"lane","then":[{"set":{"ticket.status":"x"}}]}])");
    const auto decision = Case().decided_by(set);
    CHECK(decision.outcome == Outcome::error);
    CHECK(decision.blocks_lane);
}

TEST_CASE("failure: a rule that failed is not tried again in the decision", "[failure]") {
    const auto decision = Case().decided_by(rule_set(R"([
        {"id":"bad","then":[{"set":{"ticket.status":"x"}}]},
        {"id":"good","then":[{"set":{"ticket.status":"open"}}]}])"));
    CHECK(decision.failures.size() == 1);
    CHECK(decision.fired == names({"good"}));
}

TEST_CASE("failure: undone writes do not start another pass", "[failure]") {
    const auto decision = Case().decided_by(rule_set(R"([
        {"id":"bad","on":"ticket.created","then":[{"set":{"ticket.priority":"high"}},{"set":{"ticket.status":"x"}}]},
        {"id":"heard","on":"ticket.updated","then":[]}])"));
    CHECK(decision.fired.empty());
}

TEST_CASE("failure: what is undone is undone under every chaining", "[failure]") {
    for (const auto chaining : {Chaining::cascade, Chaining::restart, Chaining::snapshot, Chaining::none}) {
        const auto decision = Case().ticket(R"({"tags":["x"]})").decided_by(rule_set(failing, chaining));
        CHECK(decision.document == json(R"({"status":"open","tags":["x","after"]})"));
        CHECK(decision.actions.size() == 1);
        CHECK(decision.changes.size() == 2);
    }
}

TEST_CASE("failure: a written value must fit its field, and nothing is coerced", "[failure][types]") {
    CHECK(failure_of(R"({"set":{"ticket.subject":5}})") == "ticket.subject takes a text, not the number 5");
    CHECK(failure_of(R"({"set":{"ticket.subject":"{{ ticket.custom.n }}"}})", R"({"custom":{"n":5}})") ==
          "ticket.subject takes a text, not the number 5");
    CHECK(failure_of(R"({"set":{"ticket.satisfaction_score":"5"}})") ==
          "ticket.satisfaction_score takes a number, not the text \"5\"");
    CHECK(failure_of(R"({"set":{"ticket.escalated":"true"}})") ==
          "ticket.escalated takes true or false, not the text \"true\"");
    CHECK(failure_of(R"({"set":{"ticket.due_at":"tomorrow"}})") ==
          "ticket.due_at takes a time such as 2026-05-04T08:00:00Z, not the text \"tomorrow\"");
    CHECK(failure_of(R"({"set":{"ticket.tags":"vip"}})") ==
          "ticket.tags takes a list of texts, not the text \"vip\"");
    CHECK(failure_of(R"({"set":{"ticket.tags":[1]}})") == "ticket.tags takes a list of texts, not a list");
    CHECK(failure_of(R"({"set":{"ticket.custom":"x"}})") ==
          "ticket.custom takes an object, not the text \"x\"");
    CHECK(failure_of(R"({"set":{"ticket.priority":"asap"}})") ==
          "ticket.priority takes one of low, normal, high, urgent, not the text \"asap\"");
}

TEST_CASE("failure: values that fit, whole templates keeping their type", "[failure][types]") {
    CHECK(runs(R"({"set":{"ticket.satisfaction_score":"{{ ticket.custom.n }}"}})", R"({"custom":{"n":5}})"));
    CHECK(runs(R"({"set":{"ticket.subject":"no. {{ ticket.custom.n }}"}})", R"({"custom":{"n":5}})"));
    CHECK(runs(R"({"set":{"ticket.due_at":"{{ now }}"}})"));
    CHECK(runs(R"({"set":{"ticket.custom.any":{"a":[1,"x",null]}}})"));
    CHECK(runs(R"({"set":{"ticket.priority":null}})"));
    CHECK(runs(R"({"set":{"ticket.priority":"{{ ticket.custom.missing }}"}})"));
}

TEST_CASE("failure: templates that cannot be rendered", "[failure]") {
    CHECK(failure_of(R"({"set":{"ticket.subject":"{{ ticket.tags | upper }}"}})", R"({"tags":["a"]})") ==
          "ticket.subject: {{ ticket.tags }}: the filter upper takes a text, not a list");
    CHECK(failure_of(R"({"slack.post":{"text":"{{ ticket.subject | round }}"}})", R"({"subject":"x"})") ==
          "slack.post: {{ ticket.subject }}: the filter round takes a number, not x");
    CHECK(failure_of(R"({"add_tags":["{{ ticket.custom.n }}"]})", R"({"custom":{"n":5}})") ==
          "ticket.tags takes texts as tags");
    CHECK(failure_of(R"({"slack.post":"{{ ticket.subject }}"})", R"({"subject":"x"})") ==
          "slack.post must be an object");
    CHECK(failure_of(R"({"emit":{"type":"{{ ticket.custom.none }}"}})") == "emit: the type must be a text");
    CHECK(failure_of(R"({"emit":{"type":"x.y","data":"{{ ticket.subject }}"}})", R"({"subject":"x"})") ==
          "emit: data must be an object");
    CHECK_FALSE(failure_of(R"({"emit":{"type":"x.y","subject":"nonsense"}})").empty());
}

TEST_CASE("failure: an object is held to the types of the fields in it", "[failure]") {
    auto set = rule_set(R"([{"id":"text","then":[{"set":{"ticket.custom":{"seats":"x","other":[]}}}]},
        {"id":"deep","then":[{"set":{"ticket.custom":{"site":{"open":"yes"}}}}]},
        {"id":"enum","then":[{"set":{"ticket.custom":{"plan":"gold"}}}]},
        {"id":"good","then":[{"set":{"ticket.custom":{"seats":3,"site":{"open":true},"plan":null,"other":"x"}}}]}])");
    CHECK(set.catalogue.add({"ticket.custom.seats", FieldType::number, {}, "", true}));
    CHECK(set.catalogue.add({"ticket.custom.site.open", FieldType::boolean, {}, "", true}));
    CHECK(set.catalogue.add({"ticket.custom.plan", FieldType::text, {"team", "free"}, "", true}));
    const auto decision = Case().decided_by(set);
    REQUIRE(decision.failures.size() == 3);
    CHECK(decision.failures[0].message == "ticket.custom.seats takes a number, not the text \"x\"");
    CHECK(decision.failures[1].message ==
          "ticket.custom.site.open takes true or false, not the text \"yes\"");
    CHECK(decision.failures[2].message ==
          "ticket.custom.plan takes one of team, free, not the text \"gold\"");
    CHECK(decision.fired == names({"good"}));
}

TEST_CASE("failure: the place is the step's", "[failure]") {
    auto set = rule_set(R"([{"id":"r","then":[{"set":{"ticket.status":"x"}}]}])");
    set.rules[0].then[0].place = {"rules/a.yaml", 12, 9};
    const auto decision = Case().decided_by(set);
    CHECK(decision.failures[0].place == engine::Place{"rules/a.yaml", 12, 9});
}

TEST_CASE("limits: too many actions, emits or bytes fail the rule that asks for them", "[limits]") {
    auto set = rule_set(R"([
        {"id":"two","then":[{"slack.post":{"text":"1"}},{"emit":{"type":"x.y"}}]},
        {"id":"actions","then":[{"slack.post":{"text":"2"}},{"slack.post":{"text":"3"}}]},
        {"id":"emits","then":[{"emit":{"type":"x.y"}},{"emit":{"type":"x.y"}}]},
        {"id":"text","then":[{"set":{"ticket.subject":"{{ ticket.description }}{{ ticket.description }}"}}]}])");
    set.options.actions_max = 2;
    set.options.emits_max = 2;
    set.options.text_bytes_max = 10;
    const auto decision = Case().ticket(R"({"description":"123456"})").decided_by(set);
    CHECK(decision.fired == names({"two"}));
    CHECK(decision.actions.size() == 1);
    CHECK(decision.emitted.size() == 1);
    REQUIRE(decision.failures.size() == 3);
    CHECK(decision.failures[0].message ==
          "the decision has reached actions_max (2), which `limits` in tenant.yaml raises");
    CHECK(decision.failures[1].message ==
          "the decision has reached emits_max (2), which `limits` in tenant.yaml raises");
    CHECK(decision.failures[2].message ==
          "ticket.subject: a rendered text is longer than text_bytes_max (10), which `limits` in tenant.yaml "
          "raises");
}

TEST_CASE("limits: what templates take in one decision is bounded, whatever shape it has", "[limits]") {
    auto set = rule_set(R"([
        {"id":"some","then":[{"emit":{"type":"x.y","data":{"a":"{{ ticket.custom }}"}}}]},
        {"id":"much","then":[{"emit":{"type":"x.y","data":{"a":"{{ ticket.custom }}","b":"{{ ticket.custom }}"}}}]},
        {"id":"more","then":[{"set":{"ticket.subject":"{{ ticket.description }}"}}]}])");
    set.options.rendered_bytes_max = 2000;
    const auto decision = Case()
                              .ticket(R"({"description":"1","custom":{"list":[[])" +
                                      [] {
                                          std::string more;
                                          for (int i = 0; i < 250; ++i) more += ",[]";
                                          return more;
                                      }() +
                                      "]}}")
                              .decided_by(set);
    CHECK(decision.fired == names({"some"}));
    CHECK(decision.emitted.size() == 1);
    REQUIRE(decision.failures.size() == 2);
    for (const auto& failure : decision.failures)
        CHECK(failure.message.ends_with(
            "the decision has reached rendered_bytes_max (2000), which `limits` in tenant.yaml raises"));
}

}  // namespace evaluator_failures
