// What each step does.
#include <string>

#include "tests/support/rules.h"

namespace evaluator_steps {

using namespace rules;
using namespace rules::testing;

namespace {

engine::Decision after(const std::string& steps, const std::string& ticket = "{}") {
    // Only on the event itself, so that a rule's own writes do not show up twice.
    const auto decision = Case().ticket(ticket).decided_by(
        rule_set("[{\"id\":\"r\",\"on\":\"ticket.created\",\"then\":[" + steps + "]}]"));
    INFO(steps);
    REQUIRE(decision.failures.empty());
    return decision;
}

Json ticket_after(const std::string& steps, const std::string& ticket = "{}") {
    return after(steps, ticket).document;
}

}  // namespace

TEST_CASE("set: writes fields, makes objects on the way, unsets with null", "[steps]") {
    CHECK(ticket_after(R"({"set":{"ticket.status":"open","ticket.custom.a.b":{"c":1}}})") ==
          json(R"({"status":"open","custom":{"a":{"b":{"c":1}}}})"));
    CHECK(ticket_after(R"({"set":{"ticket.status":null}})", R"({"status":"new","queue":"q"})") ==
          json(R"({"queue":"q"})"));
}

TEST_CASE("set: values are rendered before any field of the step is written", "[steps]") {
    CHECK(ticket_after(R"({"set":{"ticket.group":"{{ ticket.queue }}","ticket.queue":"{{ ticket.group }}"}})",
                       R"({"group":"g","queue":"q"})") == json(R"({"group":"q","queue":"g"})"));
}

TEST_CASE("set: a step sees what the steps before it wrote", "[steps]") {
    CHECK(ticket_after(R"({"set":{"ticket.group":"a"}},{"set":{"ticket.queue":"{{ ticket.group }}b"}})") ==
          json(R"({"group":"a","queue":"ab"})"));
}

TEST_CASE("set: tags are kept without repetitions", "[steps]") {
    const auto decision = after(R"({"set":{"ticket.tags":["b","a","b"]}})");
    CHECK(decision.document["tags"] == json(R"(["b","a"])"));
    CHECK(after(R"({"set":{"ticket.tags":["a","b"]}})", R"({"tags":["b","a"]})").changes.empty());
    CHECK(after(R"({"set":{"ticket.tags":[]}})").changes.empty());
    CHECK(ticket_after(R"({"set":{"ticket.tags":[]}})", R"({"tags":["a"]})")["tags"] == json("[]"));
}

TEST_CASE("unset: removes the field", "[steps]") {
    const auto decision = after(R"({"unset":"ticket.custom.seats"})", R"({"custom":{"seats":1,"x":2}})");
    CHECK(decision.document == json(R"({"custom":{"x":2}})"));
    CHECK(lines_of(decision.changes) == names({"r: ticket.custom.seats 1 → null"}));
    CHECK(after(R"({"unset":"ticket.queue"})").changes.empty());
}

TEST_CASE("tags: are added at the end and removed in place", "[steps]") {
    CHECK(ticket_after(R"({"add_tags":["b","c","b"]})", R"({"tags":["a","b"]})")["tags"] ==
          json(R"(["a","b","c"])"));
    CHECK(ticket_after(R"({"remove_tags":["a","x"]})", R"({"tags":["a","b"]})")["tags"] == json(R"(["b"])"));
    CHECK(ticket_after(R"({"add_tags":["b"]})", R"({"tags":"a"})")["tags"] == json(R"(["a","b"])"));
    CHECK(ticket_after(R"({"remove_tags":["a"]})") == json("{}"));
}

TEST_CASE("tags: templates give one tag, several or none", "[steps]") {
    CHECK(
        ticket_after(
            R"({"add_tags":["p-{{ ticket.priority }}","{{ ticket.custom.list }}","{{ ticket.custom.none }}","{{ ticket.queue }}"]})",
            R"({"priority":"low","queue":"","custom":{"list":["x","y"]}})")["tags"] ==
        json(R"(["p-low","x","y"])"));
}

TEST_CASE("assign: writes the assignee", "[steps]") {
    CHECK(ticket_after(R"({"assign":"{{ ticket.custom.owner }}"})",
                       R"({"custom":{"owner":"ana"}})")["assignee"] == "ana");
}

TEST_CASE("emit: type, data and subject", "[steps]") {
    const auto decision = after(
        R"({"emit":{"type":"ticket.{{ ticket.priority }}","data":{"n":"{{ ticket.custom.n }}","none":"{{ ticket.x }}"}}},
        {"emit":{"type":"conversation.nudged","subject":"conversation/{{ ticket.custom.n }}"}})",
        R"({"priority":"low","custom":{"n":7}})");
    REQUIRE(decision.emitted.size() == 2);
    CHECK(decision.emitted[0].rule == "r");
    CHECK(decision.emitted[0].type == "ticket.low");
    CHECK(decision.emitted[0].subject.text() == "ticket/1");
    CHECK(decision.emitted[0].data == json(R"({"n":7})"));
    CHECK(decision.emitted[1].subject.text() == "conversation/7");
    CHECK(decision.emitted[1].data == Json::object());
}

TEST_CASE("if: takes the one branch or the other, on the state as it is then", "[steps]") {
    const std::string steps = R"({"set":{"ticket.status":"open"}},
        {"if":{"ticket.status":"open"},"then":[{"add_tags":["open"]}],"else":[{"add_tags":["closed"]}]},
        {"if":{"ticket.status":"new"},"then":[{"add_tags":["new"]}],"else":[{"if":{"ticket.tags":{"has":"open"}},"then":[{"add_tags":["inner"]}]}]},
        {"add_tags":["end"]})";
    CHECK(ticket_after(steps)["tags"] == json(R"(["open","inner","end"])"));
}

TEST_CASE("call: an action with its parameters, name, save and order", "[steps]") {
    const auto decision = after(
        R"({"zendesk.create_ticket":{"subject":"# {{ ticket.subject }}","tags":["x"],"n":"{{ ticket.custom.n }}"},
        "as":"made","save":{"ticket.custom.ref":"result.id"},"order":"relaxed"},{"slack.ping":null})",
        R"({"subject":"s","custom":{"n":2.0}})");
    REQUIRE(decision.actions.size() == 2);
    const auto& action = decision.actions[0];
    CHECK(action.rule == "r");
    CHECK(action.connection == "zendesk");
    CHECK(action.action == "create_ticket");
    CHECK(action.params == json(R"({"subject":"# s","tags":["x"],"n":2.0})"));
    CHECK(action.as == "made");
    CHECK(action.save == json(R"({"ticket.custom.ref":"result.id"})"));
    CHECK(action.relaxed);
    CHECK(action.firing == "r#1");
    CHECK(decision.actions[1].params == Json::object());
    CHECK_FALSE(decision.actions[1].relaxed);
}

TEST_CASE("call: each firing has a name of its own", "[steps]") {
    const auto decision = Case().ticket(R"({"custom":{"n":0}})").decided_by(rule_set(R"([
        {"id":"r","repeat":true,"when":{"ticket.custom.n":{"lt":2}},"then":[{"slack.ping":{}},
            {"if":{"ticket.custom.n":1},"then":[{"set":{"ticket.custom.n":2}}],"else":[{"set":{"ticket.custom.n":1}}]}]}])"));
    REQUIRE(decision.actions.size() == 2);
    CHECK(decision.actions[0].firing == "r#1");
    CHECK(decision.actions[1].firing == "r#2");
}

TEST_CASE("steps: a result is nothing to a rule that never asked for it", "[steps]") {
    const auto decision = after(
        R"({"slack.ping":{}, "as":"other"},{"set":{"ticket.custom.x":"{{ steps.made.result.id | default: 'none' }}"}})");
    CHECK(decision.document["custom"]["x"] == "none");
    CHECK(decision.continuations.empty());
}

}  // namespace evaluator_steps
