// Rules that wait, emit later and end timers.
#include <string>

#include "tests/support/rules.h"

namespace evaluator_timers {

using namespace rules;
using namespace rules::testing;
using engine::Decision;

namespace {

/// The decision that goes on with the only continuation, so long after noon.
Case later(const Decision& decision, engine::Duration after) {
    REQUIRE(decision.continuations.size() == 1);
    Case next;
    next.type("wait.over");
    next.input.document = decision.document;
    next.input.now = noon + after;
    next.input.resume = Resume{decision.continuations[0], nullptr};
    next.input.resume->continuation.timed = false;
    return next;
}

std::string due_of(const Decision& decision) {
    REQUIRE(decision.timers.size() == 1);
    REQUIRE(decision.timers[0].due);
    return engine::to_text(*decision.timers[0].due);
}

RuleSet waiting(const std::string& wait) {
    return rule_set(R"([{"id":"r","on":"ticket.created","then":[{"set":{"ticket.status":"open"}},)" + wait +
                    R"(,{"add_tags":["late"]}]}])");
}

constexpr auto hour = std::chrono::hours(1);

}  // namespace

TEST_CASE("wait: what stands behind it runs later, on what the entity is then", "[timers]") {
    const auto set = rule_set(R"([{"id":"r","on":"ticket.created","then":[
        {"set":{"ticket.status":"open"}},{"wait":"30m"},
        {"if":{"ticket.status":"open"},"then":[{"add_tags":["late"]}],"else":[{"add_tags":["done"]}]}]},
        {"id":"heard","on":"ticket.updated","when":{"ticket.tags":{"changed":true}},"then":[{"set":{"ticket.queue":"q"}}]}])");
    const auto first = Case().decided_by(set);
    CHECK(first.fired == names({"r"}));
    CHECK(first.document == json(R"({"status":"open"})"));
    CHECK(due_of(first) == "2026-05-04T12:30:00Z");
    CHECK(first.timers[0].type == "wait.over");
    CHECK(first.timers[0].rule == "r");
    CHECK(first.timers[0].firing == "r#1");
    REQUIRE(first.continuations.size() == 1);
    CHECK(first.continuations[0].timed);
    CHECK(first.continuations[0].resume_at == std::vector<int>{2});
    const auto second = later(first, hour).decided_by(set);
    CHECK(second.fired == names({"r", "heard"}));
    CHECK(second.document == json(R"({"status":"open","tags":["late"],"queue":"q"})"));
    CHECK(second.timers.empty());
    auto solved = later(first, hour);
    solved.input.document["status"] = "solved";
    CHECK(solved.decided_by(set).document["tags"] == json(R"(["done"])"));
}

TEST_CASE("wait: for a span, until a time, in the hours of a calendar", "[timers]") {
    const auto due = [](const std::string& wait) { return due_of(Case().decided_by(waiting(wait))); };
    CHECK(due(R"({"wait":"90s"})") == "2026-05-04T12:01:30Z");
    CHECK(due(R"({"wait":{"until":"2026-05-04T14:00:00+02:00"}},{"wait":{"for":"1d"}})") ==
          "2026-05-05T12:00:00Z");  // that time is over: the next wait begins at once
    CHECK(due(R"({"wait":{"until":"2026-06-01T00:00:00Z"}})") == "2026-06-01T00:00:00Z");
    // It is 14:00 in Stockholm, and they close at 17:00.
    CHECK(due(R"({"wait":{"for":"3h","calendar":"office"}})") == "2026-05-04T15:00:00Z");
    CHECK(due(R"({"wait":{"for":"4h","calendar":"office"}})") == "2026-05-05T08:00:00Z");
    CHECK(due(R"({"wait":{"until":"2026-05-09T12:00:00Z","calendar":"office"}})") == "2026-05-11T07:00:00Z");
    const auto by_field =
        rule_set(R"([{"id":"r","then":[{"wait":{"until":"{{ ticket.due_at }}"}},{"add_tags":["late"]}]}])");
    CHECK(due_of(Case().ticket(R"({"due_at":"2026-05-05T01:00:00Z"})").decided_by(by_field)) ==
          "2026-05-05T01:00:00Z");
}

TEST_CASE("wait: what is no moment fails the rule, and undoes it", "[timers]") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"({"wait":"{{ ticket.subject }}"})", "wait must be a text"},
        {R"({"wait":"{{ ticket.queue | default: 'soon' }}"})", "wait: \"soon\""},
        {R"({"wait":{"until":"{{ ticket.queue | default: 'soon' }}"}})", "wait: \"soon\""},
        {R"({"wait":"200000d"})", "100 years"},
        {R"({"wait":{"until":"2500-01-01T00:00:00Z"}})", "100 years"},
        {R"({"wait":{"for":"30000h","calendar":"office"}})", ""},
        {R"({"wait":{"for":"90000h","calendar":"office"}})", "does not open that long"},
    };
    for (const auto& [wait, words] : cases) {
        INFO(wait);
        const auto decision = Case().decided_by(waiting(wait));
        if (words.empty()) {
            CHECK(decision.failures.empty());
            continue;
        }
        REQUIRE(decision.failures.size() == 1);
        CHECK(decision.failures[0].message.find(words) != std::string::npos);
        CHECK(decision.timers.empty());
        CHECK(decision.continuations.empty());
        CHECK(decision.document == Json::object());
    }
}

TEST_CASE("wait: several, in branches and at their ends", "[timers]") {
    const auto set = rule_set(R"([{"id":"r","on":"ticket.created","then":[
        {"if":{"ticket.status":{"exists":false}},"then":[{"add_tags":["a"]},{"wait":"1h"}]},
        {"wait":"2h"},{"add_tags":["b"]},{"wait":"3h"}]}])");
    const auto first = Case().decided_by(set);
    CHECK(first.continuations[0].resume_at == std::vector<int>{0, 0, 2});
    const auto second = later(first, hour).decided_by(set);
    CHECK(due_of(second) == "2026-05-04T15:00:00Z");
    CHECK(second.continuations[0].resume_at == std::vector<int>{2});
    const auto third = later(second, 3 * hour).decided_by(set);
    CHECK(third.document["tags"] == json(R"(["a","b"])"));
    CHECK(third.continuations[0].resume_at == std::vector<int>{4});  // nothing is left but to end
    const auto last = later(third, 6 * hour).decided_by(set);
    CHECK(last.fired == names({"r"}));
    CHECK(last.skipped.empty());
    CHECK(last.continuations.empty());
}

TEST_CASE("wait: results asked for before it are waited for, too", "[timers]") {
    const auto set = rule_set(R"([{"id":"r","on":"ticket.created","then":[
        {"a.x":{},"as":"one"},{"wait":"1h"},{"set":{"ticket.queue":"{{ steps.one.result.v }}"}}]}])");
    const auto first = Case().decided_by(set);
    REQUIRE(first.continuations.size() == 1);
    CHECK(first.continuations[0].timed);
    CHECK(first.continuations[0].awaits == names({"one"}));
    auto next = later(first, hour);
    next.input.resume->continuation.awaits.clear();
    next.input.resume->continuation.results["one"] = json(R"({"result":{"v":"known"}})");
    CHECK(next.decided_by(set).document["queue"] == "known");
}

TEST_CASE("wait: recheck leaves change conditions out", "[timers]") {
    const auto set = rule_set(R"([{"id":"r","when":{"all":[{"ticket.status":{"changed_to":"open"}},
        {"ticket.priority":"high"},{"none":[{"ticket.tags":{"has":"vip"}},{"ticket.queue":{"changed":true}}]}]},
        "then":[{"wait":"1h","recheck":true},{"add_tags":["late"]}]}])");
    Case begin;
    begin.ticket(R"({"status":"open","priority":"high"})");
    begin.input.merged = {{"ticket.status", Json(), "open", "", ""}};
    const auto first = begin.decided_by(set);
    REQUIRE(first.continuations.size() == 1);
    CHECK(first.continuations[0].recheck);
    CHECK(later(first, hour).decided_by(set).document["tags"] == json(R"(["late"])"));
    auto lowered = later(first, hour);
    lowered.input.document["priority"] = "low";
    const auto dropped = lowered.decided_by(set);
    CHECK(dropped.fired.empty());
    REQUIRE(dropped.skipped.size() == 1);
    CHECK(dropped.skipped[0] == engine::Skipped{"r", "conditions_changed"});
    // Explained, it says which condition, and on what.
    lowered.input.document["priority"] = "low";
    lowered.input.trace = true;
    const auto trace = lowered.decided_by(set).trace;
    const auto& rule = trace["passes"][0]["rules"][0];
    CHECK(rule["status"] == "conditions_changed");
    CHECK(rule["when"].dump().find("\"low\"") != std::string::npos);
    auto tagged = later(first, hour);
    tagged.input.document["tags"] = json(R"(["vip"])");
    CHECK(tagged.decided_by(set).skipped.size() == 1);
}

TEST_CASE("wait: what comes too late, or whose rule is gone, does not go on and says so", "[timers]") {
    const auto set = waiting(R"({"wait":"1h","expires":"10m"})");
    const auto first = Case().decided_by(set);
    CHECK(later(first, hour + std::chrono::minutes(10)).decided_by(set).skipped.empty());
    const auto late = later(first, hour + std::chrono::minutes(10) + engine::Duration(1)).decided_by(set);
    CHECK(late.skipped == std::vector<engine::Skipped>{{"r", "expired"}});
    CHECK(late.document == json(R"({"status":"open"})"));
    const auto gone = later(first, hour).decided_by(rule_set(R"([{"id":"other","then":[]}])"));
    CHECK(gone.skipped == std::vector<engine::Skipped>{{"r", "rule_inactive"}});
    const auto shorter = rule_set(R"([{"id":"r","on":"ticket.created","then":[]}])");
    CHECK(later(first, hour).decided_by(shorter).skipped ==
          std::vector<engine::Skipped>{{"r", "rule_inactive"}});
}

TEST_CASE("timers: emit later sets one, by its name or its type, and cancel ends it", "[timers]") {
    const auto decision = Case().decided_by(rule_set(R"([{"id":"r","then":[
        {"emit":{"type":"ticket.reminder","after":"2d","data":{"note":{"n":1}}}},
        {"emit":{"type":"ticket.check","at":"2026-05-05T00:00:00Z","name":"check-{{ ticket.id }}"}},
        {"emit":{"type":"ticket.now"}}]},
        {"id":"s","then":[{"cancel":["old","ticket.reminder"]},
        {"emit":{"type":"ticket.closing","after":"1h","calendar":"office","name":"x"}},
        {"emit":{"type":"ticket.closing","after":"5h","calendar":"office","name":"x"}}]}])"));
    REQUIRE(decision.timers.size() == 4);
    CHECK(engine::to_json(decision.timers[0]) ==
          json(R"({"name":"check-","due":"2026-05-05T00:00:00Z","event":"ticket.check","rule":"r"})"));
    CHECK(engine::to_json(decision.timers[1]) == json(R"({"name":"old","cancelled":true,"rule":"s"})"));
    CHECK(engine::to_json(decision.timers[2]) ==
          json(R"({"name":"ticket.reminder","cancelled":true,"rule":"s"})"));
    CHECK(engine::to_json(decision.timers[3]) ==
          json(R"({"name":"x","due":"2026-05-05T09:00:00Z","event":"ticket.closing","rule":"s"})"));
    CHECK(decision.emitted.size() == 1);
}

TEST_CASE("timers: names that are none fail the rule", "[timers]") {
    const std::string long_name(257, 'n');
    for (const auto& name : {std::string("wait:1"), std::string("sla:resolution"), std::string("a\\u0000b"),
                             std::string("a\\nb"), long_name}) {
        INFO(name);
        for (const auto& step : {R"({"emit":{"type":"t.a","after":"1h","name":")" + name + R"("}})",
                                 R"({"cancel":[")" + name + R"("]})"}) {
            const auto decision = Case().decided_by(rule_set(R"([{"id":"r","then":[)" + step + "]}]"));
            REQUIRE(decision.failures.size() == 1);
            CHECK(decision.failures[0].message.find("is no name for a timer") != std::string::npos);
        }
    }
    const auto past = Case().decided_by(
        rule_set(R"([{"id":"r","then":[{"emit":{"type":"t.a","at":"0001-01-01T00:00:00+01:00"}}]}])"));
    CHECK(due_of(past) == "2026-05-04T12:00:00Z");
}

TEST_CASE("wait: a rule that repeats itself while it goes on has runs of their own", "[timers]") {
    const auto set =
        rule_set(R"([{"id":"r","repeat":true,"when":{"none":[{"ticket.queue":"q"},{"ticket.status":"stop"}]},
        "then":[{"wait":"1h"},{"set":{"ticket.group":"{{ now }}"}},{"wait":"1h"},{"set":{"ticket.queue":"q"}}]}])");
    const auto first = Case().decided_by(set);
    const auto second = later(first, hour).decided_by(set);
    REQUIRE(second.continuations.size() == 2);
    CHECK(second.continuations[0].firing != second.continuations[1].firing);
}

TEST_CASE("timers: no more of them than timers_max", "[timers]") {
    auto set = rule_set(R"([{"id":"a","then":[{"emit":{"type":"t.a","after":"1h"}}]},
        {"id":"b","then":[{"cancel":["x"]},{"cancel":["y"]}]},
        {"id":"c","then":[{"wait":"1h"},{"add_tags":["late"]}]},
        {"id":"d","then":[{"emit":{"type":"t.d","after":"1h"}}]}])");
    set.options.timers_max = 2;
    const auto decision = Case().decided_by(set);
    CHECK(decision.fired == names({"a", "c"}));
    CHECK(decision.timers.size() == 2);
    REQUIRE(decision.failures.size() == 2);
    CHECK(decision.failures[0].message ==
          "the decision has reached timers_max (2), which `limits` in tenant.yaml raises");
    CHECK(decision.failures[0].rule == "b");
    CHECK(decision.failures[1].rule == "d");
}

TEST_CASE("timers: a decision that fails sets none", "[timers]") {
    auto set = rule_set(R"([{"id":"a","then":[{"emit":{"type":"t.a","after":"1h"}},{"wait":"1h"}]},
        {"id":"b","on_error":"event","then":[{"wait":"never"}]}])");
    const auto decision = Case().decided_by(set);
    CHECK(decision.outcome == engine::Outcome::error);
    CHECK(decision.timers.empty());
    CHECK(decision.continuations.empty());
}

TEST_CASE("timers: a decision with timers is written and read back", "[timers]") {
    auto decision = Case().decided_by(rule_set(R"([{"id":"r","then":[
        {"emit":{"type":"ticket.reminder","after":"2d","data":{"note":{"n":1}}}},{"cancel":["old"]},
        {"wait":"1h","recheck":true,"expires":"10m"},{"add_tags":["late"]}]}])"));
    decision.timers.back().name = "wait:1";
    decision.skipped = {{"other", "expired"}};
    const auto text = engine::canonical_text(decision);
    CHECK(text == engine::canonical_json(engine::to_json(decision, true)));
    const auto read = engine::decision_from_json(json(text));
    REQUIRE(read);
    CHECK(read->timers == decision.timers);
    CHECK(read->continuations == decision.continuations);
}

}  // namespace evaluator_timers
