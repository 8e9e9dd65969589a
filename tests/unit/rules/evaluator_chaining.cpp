// The chaining modes, each with worked examples.
#include <string>

#include "tests/support/rules.h"

namespace evaluator_chaining {

using namespace rules;
using namespace rules::testing;
using engine::Outcome;

namespace {

/// Each of these rules takes the ticket one step further down.
const std::string ladder = R"([
    {"id":"low-closes","when":{"ticket.priority":"low"},"then":[{"set":{"ticket.status":"closed"}}]},
    {"id":"high-falls","when":{"ticket.priority":"high"},"then":[{"set":{"ticket.priority":"low"}}]},
    {"id":"normal-rises","when":{"ticket.priority":"normal"},"then":[{"set":{"ticket.priority":"high"}}]}])";

engine::Decision ladder_under(Chaining chaining, const std::string& priority) {
    return Case()
        .ticket(R"({"status":"new","priority":")" + priority + "\"}")
        .decided_by(rule_set(ladder, chaining));
}

/// Rules that each set the next of `count` fields when the one before is set.
std::string chain(int count, bool backwards) {
    Json rules = Json::array();
    for (int i = 0; i < count; ++i) {
        const int number = backwards ? count - 1 - i : i;
        const auto before = "ticket.custom.f" + std::to_string(number);
        const auto after = "ticket.custom.f" + std::to_string(number + 1);
        rules.push_back({{"id", "r" + std::to_string(number)},
                         {"when", {{before, {{"exists", true}}}}},
                         {"then", {{{"set", {{after, 1}}}}}}});
    }
    return rules.dump();
}

}  // namespace

// ---- cascade ----

TEST_CASE("cascade: a rule sees what the rules before it wrote", "[cascade]") {
    const auto set = rule_set(R"([
        {"id":"a","then":[{"set":{"ticket.priority":"high"}}]},
        {"id":"b","when":{"ticket.priority":"high"},"then":[{"set":{"ticket.status":"open"}}]}])");
    const auto decision = Case().decided_by(set);
    CHECK(decision.outcome == Outcome::ok);
    CHECK(decision.fired == names({"a", "b"}));
    CHECK(decision.document == json(R"({"priority":"high","status":"open"})"));
    CHECK(lines_of(decision.changes) ==
          names({"a: ticket.priority null → \"high\"", "b: ticket.status null → \"open\""}));
}

TEST_CASE("cascade: low closes at once", "[cascade]") {
    const auto decision = ladder_under(Chaining::cascade, "low");
    CHECK(decision.fired == names({"low-closes"}));
    CHECK(decision.document["status"] == "closed");
}

TEST_CASE("cascade: high falls to low and closes in the next pass", "[cascade]") {
    const auto decision = ladder_under(Chaining::cascade, "high");
    CHECK(decision.fired == names({"high-falls", "low-closes"}));
    CHECK(decision.document == json(R"({"status":"closed","priority":"low"})"));
    CHECK(decision.conflicts.empty());
}

TEST_CASE("cascade: normal rises, falls and closes over three passes", "[cascade]") {
    const auto decision = ladder_under(Chaining::cascade, "normal");
    CHECK(decision.fired == names({"normal-rises", "high-falls", "low-closes"}));
    CHECK(decision.document == json(R"({"status":"closed","priority":"low"})"));
    // Two rules wrote different values to the priority: the later one stands.
    CHECK(lines_of(decision.conflicts) ==
          names({"ticket.priority normal-rises=\"high\" high-falls=\"low\" kept high-falls"}));
    CHECK(lines_of(decision.changes) == names({"high-falls: ticket.priority \"normal\" → \"low\"",
                                               "low-closes: ticket.status \"new\" → \"closed\""}));
}

TEST_CASE("cascade: the derived event has its own type and carries the last pass's writes", "[cascade]") {
    const auto set = rule_set(R"([
        {"id":"on-update","on":"ticket.updated","when":{"ticket.priority":{"changed_to":"high"},"event.type":"ticket.updated",
            "ticket.subject":{"changed":false}},"then":[{"set":{"ticket.status":"open"}}]},
        {"id":"on-create","on":"ticket.created","when":{"ticket.subject":{"changed_to":"x"}},"then":[{"set":{"ticket.priority":"high"}}]}])");
    const auto decision =
        Case().ticket(R"({"subject":"x"})").merged("ticket.subject", "null", "\"x\"").decided_by(set);
    CHECK(decision.fired == names({"on-create", "on-update"}));
    CHECK(decision.event_type == "ticket.created");
    CHECK(decision.merged.size() == 1);
}

TEST_CASE("cascade: a rule fires once in a decision unless it repeats", "[cascade]") {
    const std::string rules = R"([
        {"id":"count","REPEAT":true,"when":{"ticket.custom.n":{"lt":3}},"then":[
            {"if":{"ticket.custom.n":2},"then":[{"set":{"ticket.custom.n":3}}]},
            {"if":{"ticket.custom.n":1},"then":[{"set":{"ticket.custom.n":2}}]},
            {"if":{"ticket.custom.n":0},"then":[{"set":{"ticket.custom.n":1}}]}]}])";
    auto repeating = rules;
    repeating.replace(repeating.find("REPEAT"), 6, "repeat");
    const auto once = Case().ticket(R"({"custom":{"n":0}})").decided_by(rule_set(rules));
    CHECK(once.fired == names({"count"}));
    CHECK(once.document["custom"]["n"] == 1);
    const auto often = Case().ticket(R"({"custom":{"n":0}})").decided_by(rule_set(repeating));
    CHECK(often.fired == names({"count", "count", "count"}));
    CHECK(often.document["custom"]["n"] == 3);
    CHECK(often.changes.size() == 3);
    CHECK(often.conflicts.empty());
}

TEST_CASE("cascade: writing and writing back still starts another pass", "[cascade]") {
    const auto set = rule_set(R"([
        {"id":"there","on":"ticket.created","then":[{"set":{"ticket.status":"open"}},{"set":{"ticket.status":"new"}}]},
        {"id":"heard","on":"ticket.updated","when":{"ticket.status":{"changed":true}},"then":[{"add_tags":["heard"]}]}])");
    const auto decision = Case().ticket(R"({"status":"new"})").decided_by(set);
    CHECK(decision.fired == names({"there", "heard"}));
    CHECK(lines_of(decision.changes) ==
          names({"there: ticket.status \"new\" → \"open\"", "there: ticket.status \"open\" → \"new\"",
                 "heard: ticket.tags null → [\"heard\"]"}));
}

TEST_CASE("cascade: writing the value that is there starts no pass", "[cascade]") {
    const auto set = rule_set(R"([
        {"id":"same","then":[{"set":{"ticket.status":"new"}},{"add_tags":["a"]},{"unset":"ticket.queue"},{"set":{"ticket.custom.n":5}}]},
        {"id":"heard","on":"ticket.updated","then":[{"set":{"ticket.queue":"x"}}]}])");
    const auto decision =
        Case().ticket(R"({"status":"new","tags":["a"],"custom":{"n":5.0}})").decided_by(set);
    CHECK(decision.fired == names({"same"}));
    CHECK(decision.changes.empty());
}

TEST_CASE("cascade: sixteen passes are allowed, one more is a loop", "[cascade]") {
    // Backwards, each rule has its turn one pass later; the last pass changes nothing.
    const auto decision = Case().ticket(R"({"custom":{"f0":1}})").decided_by(rule_set(chain(15, true)));
    CHECK(decision.outcome == Outcome::ok);
    CHECK(decision.fired.size() == 15);
    CHECK(decision.document["custom"]["f15"] == 1);

    const auto loop = Case().ticket(R"({"custom":{"f0":1}})").decided_by(rule_set(chain(16, true)));
    CHECK(loop.outcome == Outcome::loop);
    CHECK(loop.cycle == names({"r14", "r15"}));
}

TEST_CASE("cascade: rules in the order of the chain need two passes however many they are", "[cascade]") {
    const auto decision = Case().ticket(R"({"custom":{"f0":1}})").decided_by(rule_set(chain(100, false)));
    CHECK(decision.outcome == Outcome::ok);
    CHECK(decision.fired.size() == 100);
}

TEST_CASE("cascade: the limit on passes is a setting", "[cascade]") {
    auto set = rule_set(chain(3, true));
    set.options.passes_max = 3;
    CHECK(Case().ticket(R"({"custom":{"f0":1}})").decided_by(set).outcome == Outcome::loop);
    set.options.passes_max = 4;
    CHECK(Case().ticket(R"({"custom":{"f0":1}})").decided_by(set).outcome == Outcome::ok);
}

TEST_CASE("cascade: a loop keeps nothing and names the rules that kept it going", "[cascade]") {
    const auto set = rule_set(R"([
        {"id":"start","on":"ticket.created","then":[{"set":{"ticket.subject":"s"}},{"slack.post":{"text":"x"}},{"emit":{"type":"x.y"}}]},
        {"id":"up","repeat":true,"when":{"ticket.priority":"low"},"then":[{"set":{"ticket.priority":"high"}}]},
        {"id":"broken","repeat":true,"then":[{"set":{"ticket.status":"no such"}}]},
        {"id":"down","repeat":true,"when":{"ticket.priority":"high"},"then":[{"set":{"ticket.priority":"low"}}]}])");
    const auto before = R"({"priority":"low"})";
    const auto decision = Case().ticket(before).merged("ticket.priority", "null", "\"low\"").decided_by(set);
    CHECK(decision.outcome == Outcome::loop);
    CHECK(decision.cycle == names({"up", "down", "up", "down"}));
    CHECK(decision.fired.empty());
    CHECK(decision.changes.empty());
    CHECK(decision.conflicts.empty());
    CHECK(decision.actions.empty());
    CHECK(decision.emitted.empty());
    CHECK(decision.failures.empty());
    CHECK(decision.merged.size() == 1);
    CHECK(decision.document == json(before));
}

// ---- stop ----

TEST_CASE("stop: a rule with stop ends the decision's rules, all passes included", "[stop]") {
    const auto set = rule_set(R"([
        {"id":"a","then":[{"set":{"ticket.status":"open"}}]},
        {"id":"b","stop":true,"when":{"ticket.status":"open"},"then":[{"set":{"ticket.priority":"high"}}]},
        {"id":"c","then":[{"add_tags":["c"]}]},
        {"id":"d","on":"ticket.updated","then":[{"add_tags":["d"]}]}])");
    CHECK(Case().decided_by(set).fired == names({"a", "b"}));
}

TEST_CASE("stop: a rule with stop that does not fire stops nothing", "[stop]") {
    const auto set = rule_set(R"([
        {"id":"a","stop":true,"when":{"ticket.status":"open"},"then":[{"add_tags":["a"]}]},
        {"id":"failing","stop":true,"then":[{"set":{"ticket.status":"no such"}}]},
        {"id":"b","then":[{"add_tags":["b"]}]}])");
    CHECK(Case().decided_by(set).fired == names({"b"}));
}

TEST_CASE("stop: the step ends its own rule only", "[stop]") {
    const auto set = rule_set(R"([
        {"id":"a","then":[{"if":{"ticket.status":"new"},"then":[{"add_tags":["x"]},{"stop":true}]},{"add_tags":["never"]}]},
        {"id":"b","then":[{"add_tags":["b"]}]}])");
    const auto decision = Case().ticket(R"({"status":"new"})").decided_by(set);
    CHECK(decision.fired == names({"a", "b"}));
    CHECK(decision.document["tags"] == json(R"(["x","b"])"));
}

// ---- groups ----

TEST_CASE("groups: the first match of a group keeps the others out of its pass", "[groups]") {
    auto set = rule_set(R"([
        {"id":"vip","group":"triage","when":{"ticket.tags":{"has":"vip"}},"then":[{"assign":"ana"}]},
        {"id":"any","group":"triage","on":"ticket.created","then":[{"assign":"bob"}]},
        {"id":"free","then":[{"set":{"ticket.status":"open"}}]}])");
    set.options.groups["triage"].first_match = true;
    CHECK(Case().ticket(R"({"tags":["vip"]})").decided_by(set).fired == names({"vip", "free"}));
    CHECK(Case().decided_by(set).fired == names({"any", "free"}));
}

TEST_CASE("groups: without first_match a group is only a name", "[groups]") {
    auto set = rule_set(R"([{"id":"a","group":"g","then":[]},{"id":"b","group":"g","then":[]}])");
    set.options.groups["g"].first_match = false;
    CHECK(Case().decided_by(set).fired == names({"a", "b"}));
}

TEST_CASE("groups: the place is free again in the next pass", "[groups]") {
    auto set = rule_set(R"([
        {"id":"a","group":"g","then":[{"set":{"ticket.status":"open"}}]},
        {"id":"b","group":"g","then":[{"add_tags":["b"]}]}])");
    set.options.groups["g"].first_match = true;
    CHECK(Case().decided_by(set).fired == names({"a", "b"}));
    set.options.chaining = Chaining::snapshot;
    CHECK(Case().decided_by(set).fired == names({"a"}));
    set.options.chaining = Chaining::none;
    CHECK(Case().decided_by(set).fired == names({"a"}));
}

// ---- restart ----

TEST_CASE("restart: a change sends the walk back to the first rule", "[restart]") {
    const auto decision = ladder_under(Chaining::restart, "normal");
    CHECK(decision.fired == names({"normal-rises", "high-falls", "low-closes"}));
    CHECK(decision.document["status"] == "closed");
}

TEST_CASE("restart: a rule further up has its turn before the ones below", "[restart]") {
    const std::string rules = R"([
        {"id":"first","when":{"ticket.status":"open"},"then":[{"add_tags":["first"]}]},
        {"id":"second","then":[{"set":{"ticket.status":"open"}}]},
        {"id":"third","then":[{"add_tags":["third"]}]}])";
    CHECK(Case().decided_by(rule_set(rules, Chaining::restart)).fired == names({"second", "first", "third"}));
    CHECK(Case().decided_by(rule_set(rules, Chaining::cascade)).fired == names({"second", "third", "first"}));
}

TEST_CASE("restart: keeps the event's type and shows all changes so far", "[restart]") {
    const auto set = rule_set(R"([
        {"id":"both","on":"ticket.created","when":{"ticket.subject":{"changed":true},"ticket.status":{"changed_to":"open"},
            "event.type":"ticket.created"},"then":[{"add_tags":["both"]}]},
        {"id":"never","on":"ticket.updated","then":[{"add_tags":["never"]}]},
        {"id":"open","on":"ticket.created","then":[{"set":{"ticket.status":"open"}}]}])",
                              Chaining::restart);
    const auto decision =
        Case().ticket(R"({"subject":"x"})").merged("ticket.subject", "null", "\"x\"").decided_by(set);
    CHECK(decision.fired == names({"open", "both"}));
}

TEST_CASE("restart: each rule fires once, repeating ones too", "[restart]") {
    const auto set = rule_set(R"([
        {"id":"up","repeat":true,"when":{"ticket.priority":"low"},"then":[{"set":{"ticket.priority":"high"}}]},
        {"id":"down","repeat":true,"when":{"ticket.priority":"high"},"then":[{"set":{"ticket.priority":"low"}}]}])",
                              Chaining::restart);
    const auto decision = Case().ticket(R"({"priority":"low"})").decided_by(set);
    CHECK(decision.outcome == Outcome::ok);
    CHECK(decision.fired == names({"up", "down"}));
}

TEST_CASE("restart: more passes than the limit are a loop", "[restart]") {
    CHECK(Case()
              .ticket(R"({"custom":{"f0":1}})")
              .decided_by(rule_set(chain(15, false), Chaining::restart))
              .outcome == Outcome::ok);
    CHECK(Case()
              .ticket(R"({"custom":{"f0":1}})")
              .decided_by(rule_set(chain(16, false), Chaining::restart))
              .outcome == Outcome::loop);
}

TEST_CASE("restart: stop ends it", "[restart]") {
    const auto set = rule_set(R"([
        {"id":"a","when":{"ticket.status":"open"},"then":[{"add_tags":["a"]}]},
        {"id":"b","stop":true,"then":[{"set":{"ticket.status":"open"}}]}])",
                              Chaining::restart);
    CHECK(Case().decided_by(set).fired == names({"b"}));
}

// ---- snapshot ----

TEST_CASE("snapshot: conditions look at the state before, steps at the writes so far", "[snapshot]") {
    const auto set = rule_set(R"([
        {"id":"a","then":[{"set":{"ticket.priority":"high"}}]},
        {"id":"b","when":{"ticket.priority":"low"},"then":[{"set":{"ticket.subject":"was {{ ticket.priority }}"}}]},
        {"id":"c","when":{"ticket.priority":"high"},"then":[{"add_tags":["never"]}]},
        {"id":"d","then":[{"if":{"ticket.priority":"high"},"then":[{"add_tags":["seen"]}]}]}])",
                              Chaining::snapshot);
    const auto decision = Case().ticket(R"({"priority":"low"})").decided_by(set);
    CHECK(decision.fired == names({"a", "b", "d"}));
    CHECK(decision.document == json(R"({"priority":"high","subject":"was high","tags":["seen"]})"));
}

TEST_CASE("snapshot: one pass", "[snapshot]") {
    const auto decision = ladder_under(Chaining::snapshot, "normal");
    CHECK(decision.fired == names({"normal-rises"}));
    CHECK(decision.document["priority"] == "high");
}

TEST_CASE("snapshot: matching ends at a rule with stop", "[snapshot]") {
    const auto set = rule_set(R"([
        {"id":"a","then":[]},{"id":"b","stop":true,"when":{"ticket.status":"new"},"then":[]},{"id":"c","then":[]}])",
                              Chaining::snapshot);
    CHECK(Case().ticket(R"({"status":"new"})").decided_by(set).fired == names({"a", "b"}));
    CHECK(Case().ticket(R"({"status":"open"})").decided_by(set).fired == names({"a", "c"}));
}

// ---- none ----

TEST_CASE("none: rules see the merged state and their own writes only", "[none]") {
    const auto set = rule_set(R"([
        {"id":"a","then":[{"set":{"ticket.priority":"high"}},{"set":{"ticket.subject":"mine is {{ ticket.priority }}"}}]},
        {"id":"b","when":{"ticket.priority":"low"},"then":[{"set":{"ticket.description":"I see {{ ticket.priority }}, {{ ticket.subject }}"}}]},
        {"id":"c","when":{"ticket.priority":"high"},"then":[{"add_tags":["never"]}]}])",
                              Chaining::none);
    const auto decision = Case().ticket(R"({"priority":"low","subject":"s"})").decided_by(set);
    CHECK(decision.fired == names({"a", "b"}));
    CHECK(decision.document ==
          json(R"({"priority":"high","subject":"mine is high","description":"I see low, s"})"));
}

TEST_CASE("none: tags of several rules come together", "[none]") {
    const auto set = rule_set(R"([
        {"id":"a","then":[{"add_tags":["a"]},{"set":{"ticket.custom.a":"{{ ticket.tags | join: '+' }}"}}]},
        {"id":"b","then":[{"add_tags":["b"]},{"set":{"ticket.custom.b":"{{ ticket.tags | join: '+' }}"}}]}])",
                              Chaining::none);
    const auto decision = Case().ticket(R"({"tags":["x"]})").decided_by(set);
    CHECK(decision.document == json(R"({"tags":["x","a","b"],"custom":{"a":"x+a","b":"x+b"}})"));
    CHECK(decision.conflicts.empty());
}

TEST_CASE("none: a later write that is no change to the merged state overrules an earlier one", "[none]") {
    const auto set = rule_set(R"([
        {"id":"a","then":[{"set":{"ticket.priority":"high"}}]},
        {"id":"b","then":[{"set":{"ticket.priority":"low"}}]}])",
                              Chaining::none);
    const auto decision = Case().ticket(R"({"priority":"low"})").decided_by(set);
    CHECK(decision.document == json(R"({"priority":"low"})"));
    CHECK(decision.changes.empty());
    CHECK(lines_of(decision.conflicts) == names({"ticket.priority a=\"high\" b=\"low\" kept b"}));
}

TEST_CASE("none: one pass, and a write is seen again by its own rule though another rule made it too",
          "[none]") {
    const auto set = rule_set(R"([
        {"id":"a","then":[{"set":{"ticket.priority":"high"}}]},
        {"id":"b","then":[{"set":{"ticket.priority":"high"}},{"set":{"ticket.subject":"{{ ticket.priority }}"}}]}])",
                              Chaining::none);
    const auto decision = Case().ticket(R"({"priority":"low"})").decided_by(set);
    CHECK(decision.document == json(R"({"priority":"high","subject":"high"})"));
    CHECK(decision.conflicts.empty());
    CHECK(decision.changes.size() == 2);
}

// ---- types ----

TEST_CASE("on: a type, a list of types, or a glob", "[on]") {
    const auto set = rule_set(R"([
        {"id":"exact","on":"ticket.created","then":[]},
        {"id":"list","on":["ticket.solved","ticket.created"],"then":[]},
        {"id":"glob","on":"ticket.*","then":[]},
        {"id":"all","on":"*","then":[]},
        {"id":"other","on":"conversation.*","then":[]}])");
    CHECK(Case().decided_by(set).fired == names({"exact", "list", "glob", "all"}));
    CHECK(Case().type("ticket.solved").decided_by(set).fired == names({"list", "glob", "all"}));
    CHECK(Case().type("conversation.started").decided_by(set).fired == names({"all", "other"}));
}

TEST_CASE("decide: without rules the decision is the merge", "[decide]") {
    const auto decision = Case()
                              .ticket(R"({"status":"new"})")
                              .merged("ticket.status", "null", "\"new\"")
                              .decided_by(rule_set("[]"));
    CHECK(decision.outcome == Outcome::ok);
    CHECK(decision.fired.empty());
    CHECK(decision.document == json(R"({"status":"new"})"));
    CHECK(decision.event_id.text() == "e1");
    CHECK(decision.subject.text() == "ticket/1");
    CHECK(decision.event_time == noon);
    CHECK(decision.now == noon);
    CHECK(decision.ruleset == "sha256:test");
    CHECK(decision.merged.size() == 1);
    CHECK(decision.trace.is_null());
}

TEST_CASE("decide: other kinds can be read, not written", "[decide]") {
    auto set = rule_set(R"([
        {"id":"read","when":{"contact.tier":"gold"},"then":[{"assign":"{{ contact.owner }}"}]},
        {"id":"write","then":[{"set":{"contact.tier":"tin"}}]}])");
    Case about;
    const LinkedObjects linked{{"contact", json(R"({"tier":"gold","owner":"ana"})")},
                               {"ticket", json(R"({"status":"not this one"})")}};
    about.input.linked = &linked;
    about.input.linked_versions.push_back({*engine::Subject::parse("contact/7"), 3});
    const auto decision = about.decided_by(set);
    CHECK(decision.fired == names({"read"}));
    CHECK(decision.document == json(R"({"assignee":"ana"})"));
    REQUIRE(decision.failures.size() == 1);
    CHECK(decision.failures[0].message == "the decision is about ticket/1 and cannot write contact.tier");
    REQUIRE(decision.linked.size() == 1);
    CHECK(decision.linked[0].version == 3);
}

}  // namespace evaluator_chaining
