// Rules that wait for the result of an action, rules that go on, and results that are saved.
#include <string>

#include "tests/support/rules.h"

namespace evaluator_suspension {

using namespace rules;
using namespace rules::testing;
using engine::Continuation;
using engine::Outcome;

namespace {

const std::string waiting = R"([
    {"id":"open","on":"ticket.created","then":[
        {"set":{"ticket.status":"open"}},
        {"zendesk.create":{"subject":"s"},"as":"made"},
        {"slack.post":{"text":"before"}},
        {"set":{"ticket.custom.ref":"{{ steps.made.result.id }}"}},
        {"slack.post":{"text":"made {{ steps.made.result.id }}"}}]},
    {"id":"heard","on":"ticket.updated","when":{"ticket.custom.ref":{"changed":true}},"then":[{"add_tags":["heard"]}]}])";

/// The continuation of a rule that was decided once, with the results that came in since.
Case going_on(const engine::Decision& decision, const std::string& results) {
    REQUIRE(decision.continuations.size() == 1);
    Case next;
    next.type("delivery.done");
    next.input.document = decision.document;
    next.input.resume = Resume{decision.continuations[0], nullptr};
    const auto known = json(results);
    for (const auto& [name, result] : known.items())
        next.input.resume->continuation.results[name] = {{"result", result}};
    return next;
}

}  // namespace

TEST_CASE("suspension: a step that reads a result waits, and the rule counts as fired", "[suspension]") {
    const auto decision = Case().decided_by(rule_set(waiting));
    CHECK(decision.fired == names({"open"}));
    CHECK(decision.document == json(R"({"status":"open"})"));
    CHECK(decision.actions.size() == 2);
    REQUIRE(decision.continuations.size() == 1);
    const auto& continuation = decision.continuations[0];
    CHECK(continuation.rule == "open");
    CHECK(continuation.ruleset == "sha256:test");
    CHECK(continuation.firing == "open#1");
    CHECK(continuation.awaits == names({"made"}));
    CHECK(continuation.resume_at == std::vector<int>{3});
    CHECK(continuation.results == Json::object());
    CHECK(decision.actions[0].firing == "open#1");
}

TEST_CASE("suspension: the rest runs with the result, and its writes are cascaded", "[suspension]") {
    const auto set = rule_set(waiting);
    const auto first = Case().decided_by(set);
    const auto second = going_on(first, R"({"made":{"id":"Z-7"}})").decided_by(set);
    CHECK(second.outcome == Outcome::ok);
    CHECK(second.fired == names({"open", "heard"}));
    CHECK(second.document == json(R"({"status":"open","custom":{"ref":"Z-7"},"tags":["heard"]})"));
    REQUIRE(second.actions.size() == 1);
    CHECK(second.actions[0].params["text"] == "made Z-7");
    CHECK(second.actions[0].firing == "open#1");
    CHECK(second.continuations.empty());
    CHECK(lines_of(second.changes) ==
          names({"open: ticket.custom.ref null → \"Z-7\"", "heard: ticket.tags null → [\"heard\"]"}));
}

TEST_CASE("suspension: the event that brings the result is not matched itself", "[suspension]") {
    auto rules = json(waiting);
    rules.push_back(json(R"({"id":"delivery","on":"delivery.*","then":[{"add_tags":["never"]}]})"));
    for (const auto chaining : {Chaining::cascade, Chaining::restart, Chaining::snapshot, Chaining::none}) {
        const auto set = rule_set(rules.dump(), chaining);
        const auto second = going_on(Case().decided_by(set), R"({"made":{"id":"Z"}})").decided_by(set);
        const bool goes_on = chaining == Chaining::cascade || chaining == Chaining::restart;
        CHECK(second.fired == (goes_on ? names({"open", "heard"}) : names({"open"})));
    }
}

TEST_CASE("suspension: a rule waits for all results its later steps read", "[suspension]") {
    const auto set = rule_set(R"([{"id":"r","then":[
        {"a.x":{},"as":"one"},{"a.x":{},"as":"two"},{"a.x":{},"as":"unread"},
        {"set":{"ticket.queue":"{{ steps.one.result.v }}"}},
        {"set":{"ticket.group":"{{ steps.two.result.v }}"}}]}])");
    const auto first = Case().decided_by(set);
    CHECK(first.continuations[0].awaits == names({"one", "two"}));
    const auto second = going_on(first, R"({"one":{"v":"1"},"two":{"v":"2"}})").decided_by(set);
    CHECK(second.document == json(R"({"queue":"1","group":"2"})"));
}

TEST_CASE("suspension: a rule may wait again for what it asks after it went on", "[suspension]") {
    const auto set = rule_set(R"([{"id":"r","then":[
        {"a.x":{},"as":"one"},
        {"a.y":{"from":"{{ steps.one.result.v }}"},"as":"two"},
        {"set":{"ticket.queue":"{{ steps.one.result.v }}{{ steps.two.result.v }}"}}]}])");
    const auto first = Case().decided_by(set);
    CHECK(first.continuations[0].resume_at == std::vector<int>{1});
    const auto second = going_on(first, R"({"one":{"v":"1"}})").decided_by(set);
    REQUIRE(second.actions.size() == 1);
    CHECK(second.actions[0].params["from"] == "1");
    REQUIRE(second.continuations.size() == 1);
    CHECK(second.continuations[0].awaits == names({"two"}));
    CHECK(second.continuations[0].results == json(R"({"one":{"result":{"v":"1"}}})"));
    const auto third = going_on(second, R"({"two":{"v":"2"}})").decided_by(set);
    CHECK(third.document["queue"] == "12");
}

TEST_CASE("suspension: inside an if the way leads through the branch", "[suspension]") {
    const auto set = rule_set(R"([{"id":"r","then":[
        {"if":{"ticket.status":"new"},"then":[{"add_tags":["never"]}],"else":[
            {"a.x":{},"as":"one"},
            {"if":{"ticket.status":"open"},"then":[{"add_tags":["before"]},{"set":{"ticket.queue":"{{ steps.one.result.v }}"}},{"add_tags":["inner"]}]},
            {"add_tags":["outer"]}]},
        {"add_tags":["end"]}]}])");
    const auto first = Case().ticket(R"({"status":"open"})").decided_by(set);
    REQUIRE(first.continuations.size() == 1);
    CHECK(first.continuations[0].resume_at == std::vector<int>{0, 1, 1, 0, 1});
    CHECK(first.document["tags"] == json(R"(["before"])"));
    auto next = going_on(first, R"({"one":{"v":"q"}})");
    next.input.document["status"] = "solved";  // the branch was chosen then
    const auto second = next.decided_by(set);
    CHECK(second.document["tags"] == json(R"(["before","inner","outer","end"])"));
    CHECK(second.document["queue"] == "q");
}

TEST_CASE("suspension: an if waits only when its own condition reads the result", "[suspension]") {
    const auto set = rule_set(R"([{"id":"r","then":[
        {"a.x":{},"as":"one"},
        {"if":{"ticket.status":"open"},"then":[{"set":{"ticket.queue":"{{ steps.one.result.v }}"}}],"else":[{"add_tags":["else"]}]},
        {"if":{"steps.one.result.v":{"gt":5}},"then":[{"add_tags":["large"]}]}]}])");
    const auto open = Case().ticket(R"({"status":"open"})").decided_by(set);
    CHECK(open.continuations[0].resume_at == std::vector<int>{1, 0, 0});
    const auto other = Case().ticket(R"({"status":"new"})").decided_by(set);
    CHECK(other.document["tags"] == json(R"(["else"])"));
    CHECK(other.continuations[0].resume_at == std::vector<int>{2});
    const auto second = going_on(other, R"({"one":{"v":6}})").decided_by(set);
    CHECK(second.document["tags"] == json(R"(["else","large"])"));
}

TEST_CASE("suspension: a rule that fails after it went on is undone as far as it went on", "[suspension]") {
    const auto set = rule_set(R"([{"id":"r","then":[
        {"set":{"ticket.queue":"before"}},{"a.x":{},"as":"one"},
        {"add_tags":["after"]},{"set":{"ticket.status":"{{ steps.one.result.v }}"}}]}])");
    const auto first = Case().decided_by(set);
    CHECK(first.document == json(R"({"queue":"before","tags":["after"]})"));
    auto rules = set;
    const auto second = going_on(first, R"({"one":{"v":"no such"}})").decided_by(set);
    CHECK(second.fired.empty());
    CHECK(second.failures.size() == 1);
    CHECK(second.document == first.document);
    rules.options.on_error = OnError::lane;
    const auto blocked = going_on(first, R"({"one":{"v":"no such"}})").decided_by(rules);
    CHECK(blocked.outcome == Outcome::error);
    CHECK(blocked.blocks_lane);
}

TEST_CASE("suspension: a rule that is gone does not go on", "[suspension]") {
    const auto first = Case().decided_by(rule_set(waiting));
    const auto second = going_on(first, R"({"made":{"id":"Z"}})").decided_by(rule_set("[]"));
    CHECK(second.outcome == Outcome::ok);
    CHECK(second.fired.empty());
    CHECK(second.notes == names({"the rest of rule open was dropped: the rule is gone"}));
    CHECK(second.document == first.document);
}

TEST_CASE("suspension: a rule with other steps by now does not go on in the middle of them", "[suspension]") {
    const auto first = Case().decided_by(rule_set(waiting));
    const auto shorter = rule_set(R"([{"id":"open","then":[{"add_tags":["x"]}]}])");
    CHECK(going_on(first, R"({"made":{"id":"Z"}})").decided_by(shorter).notes.size() == 1);
    auto wrong = first;
    for (const auto& path : std::vector<std::vector<int>>{{}, {-1}, {9}, {0, 0}, {0, 0, 0}, {0, 2, 0}}) {
        wrong.continuations[0].resume_at = path;
        CHECK(going_on(wrong, "{}").decided_by(rule_set(waiting)).notes.size() == 1);
    }
}

TEST_CASE("suspension: a rule ends under the rule set it began with", "[suspension]") {
    const auto old_set = rule_set(waiting);
    auto new_set = rule_set(R"([
        {"id":"open","then":[]},
        {"id":"new","on":"ticket.updated","then":[{"add_tags":["new"]}]}])");
    new_set.version = "sha256:new";
    auto next = going_on(Case().decided_by(old_set), R"({"made":{"id":"Z"}})");
    next.input.resume->began_under = &old_set;
    const auto second = next.decided_by(new_set);
    CHECK(second.fired == names({"open", "new"}));
    CHECK(second.ruleset == "sha256:new");
    CHECK(second.notes == names({"rule open went on under sha256:test"}));
    CHECK(second.document["custom"]["ref"] == "Z");
}

TEST_CASE("suspension: a rule with stop stops when it is suspended, and when it went on", "[suspension]") {
    auto rules = json(waiting);
    rules[0]["stop"] = true;
    const auto set = rule_set(rules.dump());
    const auto second = going_on(Case().decided_by(set), R"({"made":{"id":"Z"}})").decided_by(set);
    CHECK(second.fired == names({"open"}));
}

// ---- presets ----

TEST_CASE("presets: a saved result is a change in the rule's name and is cascaded", "[presets]") {
    Case saved;
    saved.type("delivery.done").ticket(R"({"status":"open"})");
    saved.input.presets.push_back({"ticket.custom.ref", "Z-7", "open"});
    const auto decision = saved.decided_by(rule_set(R"([
        {"id":"delivery","on":"delivery.done","when":{"ticket.custom.ref":"Z-7"},"then":[{"add_tags":["seen"]}]},
        {"id":"heard","on":"ticket.updated","when":{"ticket.custom.ref":{"changed_to":"Z-7"}},"then":[{"add_tags":["heard"]}]}])"));
    CHECK(decision.fired == names({"delivery", "heard"}));
    CHECK(lines_of(decision.changes)[0] == "open: ticket.custom.ref null → \"Z-7\"");
    CHECK(decision.document == json(R"({"status":"open","custom":{"ref":"Z-7"},"tags":["seen","heard"]})"));
}

TEST_CASE("presets: are seen by every rule under none", "[presets]") {
    Case saved;
    saved.input.presets.push_back({"ticket.custom.ref", "Z-7", "open"});
    const auto decision = saved.decided_by(rule_set(R"([
        {"id":"a","when":{"ticket.custom.ref":"Z-7"},"then":[{"set":{"ticket.queue":"a"}}]},
        {"id":"b","when":{"ticket.custom.ref":"Z-7","ticket.queue":{"exists":false}},"then":[{"set":{"ticket.group":"b"}}]}])",
                                                    Chaining::none));
    CHECK(decision.fired == names({"a", "b"}));
    CHECK(decision.document == json(R"({"custom":{"ref":"Z-7"},"queue":"a","group":"b"})"));
}

TEST_CASE("presets: stay when the rules come to nothing", "[presets]") {
    Case saved;
    saved.input.presets.push_back({"ticket.custom.ref", "Z-7", "open"});
    auto set = rule_set(
        R"([{"id":"bad","then":[{"set":{"ticket.queue":"q"}},{"set":{"ticket.status":"no such"}}]}])");
    set.options.on_error = OnError::event;
    for (const auto chaining : {Chaining::cascade, Chaining::restart, Chaining::snapshot, Chaining::none}) {
        set.options.chaining = chaining;
        const auto decision = saved.decided_by(set);
        CHECK(decision.outcome == Outcome::error);
        CHECK(decision.document == json(R"({"custom":{"ref":"Z-7"}})"));
        CHECK(decision.changes.size() == 1);
    }
}

TEST_CASE("presets: a value that does not fit is a failure and the rest goes on", "[presets]") {
    Case saved;
    saved.input.presets = {{"ticket.status", "no such", "a"},
                           {"contact.name", "x", "b"},
                           {"ticket", "x", "c"},
                           {"ticket.queue", "q", "d"}};
    const auto decision = saved.decided_by(rule_set("[]"));
    CHECK(decision.failures.size() == 3);
    CHECK(decision.document == json(R"({"queue":"q"})"));
}

TEST_CASE("presets: conflict with rules as writes do", "[presets]") {
    Case saved;
    saved.input.presets.push_back({"ticket.queue", "saved", "a"});
    auto set = rule_set(R"([{"id":"b","then":[{"set":{"ticket.queue":"other"}}]}])");
    set.options.on_conflict = OnConflict::first;
    CHECK(saved.decided_by(set).document["queue"] == "saved");
    set.options.on_conflict = OnConflict::fail;
    const auto failed = saved.decided_by(set);
    CHECK(failed.outcome == Outcome::error);
    CHECK(failed.document["queue"] == "saved");
    saved.input.presets.push_back({"ticket.queue", "again", "c"});
    CHECK(saved.decided_by(set).outcome == Outcome::error);
}

TEST_CASE("presets: come before the rule that goes on", "[presets]") {
    const auto set = rule_set(waiting);
    auto next = going_on(Case().decided_by(set), R"({"made":{"id":"Z"}})");
    next.input.presets.push_back({"ticket.custom.other", 1, "open"});
    const auto decision = next.decided_by(set);
    CHECK(lines_of(decision.changes)[0] == "open: ticket.custom.other null → 1");
    CHECK(decision.fired == names({"open", "heard"}));
}

}  // namespace evaluator_suspension
