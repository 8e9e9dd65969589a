#include <string>

#include "engine/base/text.h"
#include "rules/evaluator/condition.h"
#include "tests/support/rules.h"

namespace evaluator_conditions {

using namespace rules;
using namespace rules::testing;
using engine::Change;

namespace {

bool holds_on(const std::string& when, const std::string& ticket, const std::vector<Change>& changes = {}) {
    const auto document = json(ticket);
    Scope scope;
    scope.set("ticket", &document);
    scope.changes = &changes;
    scope.now = noon;
    const auto compiled = condition_of(when);
    const bool result = holds(compiled, scope);
    CHECK(explain(compiled, scope)["result"] == result);
    return result;
}

Change change(const std::string& field, const std::string& from, const std::string& to) {
    return {field, json(from), json(to), "", ""};
}

constexpr auto urgent = R"({"priority":"urgent","status":"open"})";
constexpr auto yes = R"({"ticket.priority":"urgent"})";
constexpr auto no = R"({"ticket.priority":"low"})";

std::string of(const std::string& kind, const std::vector<std::string>& children) {
    return "{\"" + kind + "\":[" + engine::join(children, ",") + "]}";
}

}  // namespace

TEST_CASE("conditions: the four groups", "[conditions]") {
    CHECK(holds_on(of("all", {yes, yes}), urgent));
    CHECK_FALSE(holds_on(of("all", {yes, no}), urgent));
    CHECK(holds_on(of("any", {no, yes}), urgent));
    CHECK_FALSE(holds_on(of("any", {no, no}), urgent));
    CHECK(holds_on(of("none", {no, no}), urgent));
    CHECK_FALSE(holds_on(of("none", {no, yes}), urgent));
    CHECK(holds_on(of("not", {no}), urgent));
    CHECK_FALSE(holds_on(of("not", {yes}), urgent));
    CHECK(holds_on(of("not", {yes, no}), urgent));
}

TEST_CASE("conditions: empty groups", "[conditions]") {
    CHECK(holds_on(of("all", {}), urgent));
    CHECK_FALSE(holds_on(of("any", {}), urgent));
    CHECK(holds_on(of("none", {}), urgent));
    CHECK(holds_on("{}", urgent));
}

TEST_CASE("conditions: several keys and several operators are all", "[conditions]") {
    CHECK(holds_on(R"({"ticket.priority":"urgent","ticket.status":["open","pending"]})", urgent));
    CHECK_FALSE(holds_on(R"({"ticket.priority":"urgent","ticket.status":"closed"})", urgent));
    CHECK(holds_on(R"({"ticket.custom.n":{"gte":1,"lt":5}})", R"({"custom":{"n":4}})"));
    CHECK_FALSE(holds_on(R"({"ticket.custom.n":{"gte":1,"lt":5}})", R"({"custom":{"n":5}})"));
}

TEST_CASE("conditions: not turns a clash around, ne does not", "[conditions]") {
    CHECK(holds_on(R"({"not":{"ticket.custom.n":{"eq":"5"}}})", R"({"custom":{"n":5}})"));
    CHECK_FALSE(holds_on(R"({"ticket.custom.n":{"ne":"5"}})", R"({"custom":{"n":5}})"));
}

TEST_CASE("conditions: nothing is found below what is no object", "[conditions]") {
    CHECK_FALSE(holds_on(R"({"ticket.custom.n":{"exists":true}})", R"({"custom":[1]})"));
    CHECK_FALSE(holds_on(R"({"ticket.custom.n":{"exists":true}})", R"({"custom":"n"})"));
    CHECK_FALSE(holds_on(R"({"contact.name":{"exists":true}})", R"({})"));
}

TEST_CASE("conditions: changed, from and to", "[conditions]") {
    const std::vector<Change> changes{change("ticket.status", "\"new\"", "\"open\""),
                                      change("ticket.priority", "null", "\"high\""),
                                      change("ticket.group", "\"a\"", "null")};
    const auto is = [&](const std::string& when) { return holds_on(when, "{}", changes); };
    CHECK(is(R"({"ticket.status":{"changed":true}})"));
    CHECK_FALSE(is(R"({"ticket.status":{"changed":false}})"));
    CHECK(is(R"({"ticket.queue":{"changed":false}})"));
    CHECK_FALSE(is(R"({"ticket.queue":{"changed":true}})"));
    CHECK(is(R"({"ticket.status":{"changed_from":"new","changed_to":"open"}})"));
    CHECK(is(R"({"ticket.status":{"changed_to":["open","pending"]}})"));
    CHECK_FALSE(is(R"({"ticket.status":{"changed_to":"new"}})"));
    CHECK_FALSE(is(R"({"ticket.status":{"changed_from":"open"}})"));
    CHECK(is(R"({"ticket.priority":{"changed_to":"high"}})"));
    CHECK_FALSE(is(R"({"ticket.priority":{"changed_from":"high"}})"));
    CHECK(is(R"({"ticket.group":{"changed":true,"changed_from":"a"}})"));
    CHECK_FALSE(is(R"({"ticket.group":{"changed_to":"a"}})"));
}

TEST_CASE("conditions: of several changes the first from and the last to count", "[conditions]") {
    const std::vector<Change> changes{change("ticket.status", "\"new\"", "\"open\""),
                                      change("ticket.status", "\"open\"", "\"pending\"")};
    CHECK(holds_on(R"({"ticket.status":{"changed_from":"new","changed_to":"pending"}})", "{}", changes));
    CHECK_FALSE(holds_on(R"({"ticket.status":{"changed_from":"open"}})", "{}", changes));
    CHECK_FALSE(holds_on(R"({"ticket.status":{"changed_to":"open"}})", "{}", changes));
}

TEST_CASE("conditions: a change and its way back is still a change", "[conditions]") {
    const std::vector<Change> changes{change("ticket.status", "\"new\"", "\"open\""),
                                      change("ticket.status", "\"open\"", "\"new\"")};
    CHECK(holds_on(R"({"ticket.status":{"changed":true,"changed_from":"new","changed_to":"new"}})", "{}",
                   changes));
}

TEST_CASE("conditions: a change below an object changes it", "[conditions]") {
    const std::vector<Change> changes{change("ticket.custom.seats", "1", "2")};
    CHECK(holds_on(R"({"ticket.custom":{"changed":true}})", "{}", changes));
    CHECK(holds_on(R"({"ticket.custom.seats":{"changed":true}})", "{}", changes));
    CHECK_FALSE(holds_on(R"({"ticket.custom.seat":{"changed":true}})", "{}", changes));
    CHECK_FALSE(holds_on(R"({"ticket.custom":{"changed_to":2}})", "{}", changes));
}

TEST_CASE("conditions: a change of an object changes the fields below that differ", "[conditions]") {
    const std::vector<Change> changes{
        change("ticket.requester", R"({"id":"1","name":"Ana"})", R"({"id":"2","name":"Ana"})")};
    CHECK(holds_on(R"({"ticket.requester.id":{"changed":true,"changed_from":"1","changed_to":"2"}})", "{}",
                   changes));
    CHECK_FALSE(holds_on(R"({"ticket.requester.name":{"changed":true}})", "{}", changes));
    CHECK_FALSE(holds_on(R"({"ticket.requester.email":{"changed":true}})", "{}", changes));
}

TEST_CASE("conditions: tags that changed compare as sets", "[conditions]") {
    const std::vector<Change> changes{change("ticket.tags", R"(["a"])", R"(["b","a"])")};
    CHECK(holds_on(R"({"ticket.tags":{"changed_to":["a","b"]}})", "{}", changes));
    CHECK_FALSE(holds_on(R"({"ticket.tags":{"changed_to":["a"]}})", "{}", changes));
}

TEST_CASE("conditions: without a list of changes nothing has changed", "[conditions]") {
    Scope scope;
    CHECK_FALSE(holds(condition_of(R"({"ticket.status":{"changed":true}})"), scope));
    CHECK(holds(condition_of(R"({"ticket.status":{"changed":false}})"), scope));
}

TEST_CASE("conditions: the event, the clock and the changes can be read", "[conditions]") {
    auto source = event("ticket.created", "ticket/zd:7");
    source.connection = "zd";
    source.data = json(R"({"ticket":{"id":7}})");
    const EventView view(source);
    const std::vector<Change> changes{change("ticket.status", "null", "\"new\"")};
    Scope scope;
    scope.event = &view;
    scope.now = noon;
    scope.changes = &changes;
    CHECK(holds(
        condition_of(
            R"({"event.id":"e1","event.type":"ticket.created","event.source":"test","event.connection":"zd",
        "event.subject":"ticket/zd:7","event.time":"2026-05-04T12:00:00Z","event.data.ticket.id":7})"),
        scope));
    CHECK(holds(condition_of(R"({"event.actor":{"exists":false},"event.nothing":{"exists":false}})"), scope));
    CHECK(*scope.find(engine::Path{"event", "data"}) == source.data);
    CHECK((*scope.find(engine::Path{"event"}))["data"] == source.data);
    CHECK(*scope.find(engine::Path{"now"}) == "2026-05-04T12:00:00Z");
    CHECK(scope.find(engine::Path{"changes"})->at(0)["field"] == "ticket.status");
    CHECK(scope.find(engine::Path{"now", "deeper"}) == nullptr);
    CHECK(scope.find(engine::Path{}) == nullptr);
}

TEST_CASE("conditions: a derived event has a type of its own", "[conditions]") {
    const auto source = event("ticket.created");
    EventView view(source);
    const engine::Path type{"type"};
    CHECK(*view.find(type) == "ticket.created");
    view.set_type("ticket.updated");
    CHECK(*view.find(type) == "ticket.updated");
    CHECK((*view.find({}))["type"] == "ticket.updated");
    CHECK((*view.find({}))["id"] == "e1");
}

TEST_CASE("explain: nothing is left out, though the first child decides", "[conditions]") {
    const auto document = json(R"({"priority":"low","custom":{"n":"five"},"tags":["a"]})");
    Scope scope;
    scope.set("ticket", &document);
    const auto explained =
        explain(condition_of(R"({"all":[{"ticket.priority":"high"},{"ticket.status":"open"},
        {"any":[{"ticket.custom.n":{"gt":3}},{"not":{"ticket.subject":{"contains":"x"}}}]},{"ticket.tags":{"contains":"a"}}]})"),
                scope);
    CHECK(explained == json(R"({"all":[
        {"field":"ticket.priority","op":"eq","operand":"high","value":"low","result":false},
        {"field":"ticket.status","op":"eq","operand":"open","value":null,"result":false,"note":"the field is absent"},
        {"any":[
            {"field":"ticket.custom.n","op":"gt","operand":3,"value":"five","result":false,
             "note":"type clash: the field holds a text, gt compares with a number"},
            {"not":[{"field":"ticket.subject","op":"contains","operand":"x","value":null,"result":false,
                     "note":"the field is absent"}],"result":true}],
         "result":true},
        {"field":"ticket.tags","op":"contains","operand":"a","value":["a"],"result":false,
         "note":"type clash: the field holds a list; use has, has_any or has_none"}],
        "result":false})"));
}

TEST_CASE("explain: change conditions show what the field was and became", "[conditions]") {
    const std::vector<Change> changes{change("ticket.status", "\"new\"", "\"open\"")};
    Scope scope;
    scope.changes = &changes;
    CHECK(
        explain(condition_of(R"({"ticket.status":{"changed_to":"open"}})"), scope) ==
        json(
            R"({"field":"ticket.status","op":"changed_to","operand":"open","value":{"from":"new","to":"open"},"result":true})"));
    CHECK(explain(condition_of(R"({"ticket.queue":{"changed":true}})"), scope)["value"].is_null());
}

TEST_CASE("explain: says why an age or a network could not be told", "[conditions]") {
    const auto document = json(R"({"due_at":"soon","subject":"no address"})");
    Scope scope;
    scope.set("ticket", &document);
    CHECK(explain(condition_of(R"({"ticket.due_at":{"older_than":"1h"}})"), scope)["note"] ==
          "type clash: the field holds no time such as 2026-05-04T08:00:00Z");
    CHECK(explain(condition_of(R"({"ticket.subject":{"cidr":"10.0.0.0/8"}})"), scope)["note"] ==
          "type clash: the field holds no IP address");
    CHECK(explain(condition_of(R"({"ticket.due_at":{"within_hours":"office"}})"), scope)["note"] ==
          "type clash: the field holds no time such as 2026-05-04T08:00:00Z");
    CHECK(explain(condition_of(R"({"none":[]})"), scope) == json(R"({"none":[],"result":true})"));
}

}  // namespace evaluator_conditions
