// Two rules of one decision that want different things of one field.
#include <string>

#include "tests/support/rules.h"

namespace evaluator_conflicts {

using namespace rules;
using namespace rules::testing;
using engine::Outcome;

namespace {

engine::Decision decided(const std::string& rules, OnConflict mode, const std::string& ticket = "{}",
                         Chaining chaining = Chaining::cascade) {
    auto set = rule_set(rules, chaining);
    set.options.on_conflict = mode;
    return Case().ticket(ticket).decided_by(set);
}

const std::string two = R"([
    {"id":"a","on":"ticket.created","then":[{"set":{"ticket.priority":"high"}}]},
    {"id":"b","on":"ticket.created","then":[{"set":{"ticket.priority":"low"}}]}])";

std::string tag_rules(const std::string& first, const std::string& second) {
    return R"([{"id":"a","on":"ticket.created","then":[)" + first +
           R"(]},{"id":"b","on":"ticket.created","then":[)" + second + "]}]";
}

}  // namespace

TEST_CASE("conflict: last lets the later write stand and leaves the overruled one out", "[conflict]") {
    const auto decision = decided(two, OnConflict::last, R"({"priority":"normal"})");
    CHECK(decision.outcome == Outcome::ok);
    CHECK(decision.fired == names({"a", "b"}));
    CHECK(decision.document["priority"] == "low");
    CHECK(lines_of(decision.changes) == names({"b: ticket.priority \"normal\" → \"low\""}));
    CHECK(lines_of(decision.conflicts) == names({"ticket.priority a=\"high\" b=\"low\" kept b"}));
}

TEST_CASE("conflict: first keeps the earlier write", "[conflict]") {
    const auto decision = decided(two, OnConflict::first, R"({"priority":"normal"})");
    CHECK(decision.fired == names({"a", "b"}));
    CHECK(decision.document["priority"] == "high");
    CHECK(lines_of(decision.changes) == names({"a: ticket.priority \"normal\" → \"high\""}));
    CHECK(lines_of(decision.conflicts) == names({"ticket.priority a=\"high\" b=\"low\" kept a"}));
}

TEST_CASE("conflict: fail keeps nothing but the merge", "[conflict]") {
    const auto decision = decided(two, OnConflict::fail, R"({"priority":"normal"})");
    CHECK(decision.outcome == Outcome::error);
    CHECK(decision.fired.empty());
    CHECK(decision.changes.empty());
    CHECK(decision.document == json(R"({"priority":"normal"})"));
    CHECK(lines_of(decision.conflicts) == names({"ticket.priority a=\"high\" b=\"low\" kept none"}));
    CHECK_FALSE(decision.blocks_lane);
}

TEST_CASE("conflict: a later write back to the value before leaves no change at all", "[conflict]") {
    const auto decision = decided(two, OnConflict::last, R"({"priority":"low"})");
    CHECK(decision.changes.empty());
    CHECK(decision.conflicts.size() == 1);
    CHECK(decision.document["priority"] == "low");
}

TEST_CASE("conflict: the same value is none", "[conflict]") {
    const auto decision = decided(
        R"([{"id":"a","then":[{"set":{"ticket.priority":"low"}}]},{"id":"b","then":[{"set":{"ticket.priority":"low"}}]}])",
        OnConflict::fail);
    CHECK(decision.outcome == Outcome::ok);
    CHECK(decision.changes.size() == 1);
}

TEST_CASE("conflict: a write that changes nothing claims the field too", "[conflict]") {
    const auto decision = decided(two, OnConflict::last, R"({"priority":"high"})");
    CHECK(lines_of(decision.conflicts) == names({"ticket.priority a=\"high\" b=\"low\" kept b"}));
    CHECK(lines_of(decision.changes) == names({"b: ticket.priority \"high\" → \"low\""}));
    CHECK(decided(two, OnConflict::first, R"({"priority":"high"})").document["priority"] == "high");
}

TEST_CASE("conflict: one rule may change its mind", "[conflict]") {
    const auto decision = decided(
        R"([{"id":"a","on":"ticket.created","then":[{"set":{"ticket.priority":"low"}},{"set":{"ticket.priority":"high"}}]}])",
        OnConflict::fail);
    CHECK(decision.outcome == Outcome::ok);
    CHECK(lines_of(decision.changes) ==
          names({"a: ticket.priority null → \"low\"", "a: ticket.priority \"low\" → \"high\""}));
}

TEST_CASE("conflict: what counts is the last value of each rule", "[conflict]") {
    const std::string rules = R"([
        {"id":"a","on":"ticket.created","then":[{"set":{"ticket.priority":"low"}},{"set":{"ticket.priority":"high"}}]},
        {"id":"b","on":"ticket.created","then":[{"set":{"ticket.priority":"high"}}]},
        {"id":"c","on":"ticket.created","then":[{"set":{"ticket.priority":"low"}}]}])";
    const auto last = decided(rules, OnConflict::last);
    CHECK(lines_of(last.conflicts) == names({"ticket.priority a=\"high\" c=\"low\" kept c",
                                             "ticket.priority b=\"high\" c=\"low\" kept c"}));
    CHECK(lines_of(last.changes) == names({"c: ticket.priority null → \"low\""}));
    const auto first = decided(rules, OnConflict::first);
    CHECK(first.document["priority"] == "high");
    CHECK(first.changes.size() == 2);
}

TEST_CASE("conflict: three rules in a row overrule one another", "[conflict]") {
    const auto decision = decided(R"([
        {"id":"a","on":"ticket.created","then":[{"set":{"ticket.priority":"low"}}]},
        {"id":"b","on":"ticket.created","then":[{"set":{"ticket.priority":"high"}}]},
        {"id":"c","on":"ticket.created","then":[{"set":{"ticket.priority":"urgent"}}]}])",
                                  OnConflict::last, R"({"priority":"normal"})");
    CHECK(lines_of(decision.conflicts) == names({"ticket.priority a=\"low\" b=\"high\" kept b",
                                                 "ticket.priority b=\"high\" c=\"urgent\" kept c"}));
    CHECK(lines_of(decision.changes) == names({"c: ticket.priority \"normal\" → \"urgent\""}));
}

TEST_CASE("conflict: unsetting is a value like any other", "[conflict]") {
    const auto decision = decided(R"([
        {"id":"a","on":"ticket.created","then":[{"set":{"ticket.queue":"x"}}]},
        {"id":"b","on":"ticket.created","then":[{"unset":"ticket.queue"}]}])",
                                  OnConflict::last);
    CHECK(lines_of(decision.conflicts) == names({"ticket.queue a=\"x\" b=null kept b"}));
    CHECK(decision.changes.empty());
    CHECK_FALSE(decision.document.contains("queue"));
}

TEST_CASE("conflict: an overruled write still started the next pass", "[conflict]") {
    auto rules = json(two);
    rules.push_back(json(
        R"({"id":"c","on":"ticket.updated","when":{"ticket.priority":{"changed":true}},"then":[{"add_tags":["c"]}]})"));
    CHECK(decided(rules.dump(), OnConflict::last, R"({"priority":"low"})").fired == names({"a", "b", "c"}));
}

TEST_CASE("conflict: a refused write changes nothing and starts no pass", "[conflict]") {
    const auto decision = decided(R"([
        {"id":"a","on":"ticket.created","then":[{"set":{"ticket.priority":"low"}}]},
        {"id":"b","on":"ticket.created","then":[{"set":{"ticket.priority":"high"}},{"set":{"ticket.subject":"{{ ticket.priority }}"}}]},
        {"id":"c","on":"ticket.updated","when":{"ticket.priority":{"changed":true}},"then":[]}])",
                                  OnConflict::first, R"({"priority":"low"})");
    CHECK(decision.document == json(R"({"priority":"low","subject":"low"})"));
    CHECK(decision.fired == names({"a", "b"}));
}

TEST_CASE("conflict: rules of different passes of one decision conflict too", "[conflict]") {
    const auto decision = decided(R"([
        {"id":"a","on":"ticket.created","then":[{"set":{"ticket.priority":"low"}}]},
        {"id":"b","on":"ticket.updated","then":[{"set":{"ticket.priority":"high"}}]}])",
                                  OnConflict::first);
    CHECK(decision.document["priority"] == "low");
    CHECK(decision.conflicts.size() == 1);
}

TEST_CASE("conflict: under snapshot the steps' order decides", "[conflict]") {
    const auto decision = decided(two, OnConflict::last, "{}", Chaining::snapshot);
    CHECK(decision.document["priority"] == "low");
    CHECK(decision.conflicts.size() == 1);
}

// ---- tags ----

TEST_CASE("conflict of tags: adding and removing one tag", "[conflict][tags]") {
    const auto rules = tag_rules(R"({"add_tags":["vip","x"]})", R"({"remove_tags":["vip"]})");
    const auto last = decided(rules, OnConflict::last);
    CHECK(lines_of(last.conflicts) == names({"ticket.tags[vip] a=\"add\" b=\"remove\" kept b"}));
    CHECK(last.document["tags"] == json(R"(["x"])"));
    CHECK(lines_of(last.changes) == names({"a: ticket.tags null → [\"x\"]"}));
    const auto first = decided(rules, OnConflict::first);
    CHECK(first.document["tags"] == json(R"(["vip","x"])"));
    CHECK(lines_of(first.conflicts) == names({"ticket.tags[vip] a=\"add\" b=\"remove\" kept a"}));
    CHECK(decided(rules, OnConflict::fail).outcome == Outcome::error);
}

TEST_CASE("conflict of tags: different tags are none", "[conflict][tags]") {
    const auto decision =
        decided(tag_rules(R"({"add_tags":["a"]})", R"({"add_tags":["b"]},{"remove_tags":["c"]})"),
                OnConflict::fail, R"({"tags":["c"]})");
    CHECK(decision.outcome == Outcome::ok);
    CHECK(decision.document["tags"] == json(R"(["a","b"])"));
    CHECK(lines_of(decision.changes) == names({"a: ticket.tags [\"c\"] → [\"c\",\"a\"]",
                                               "b: ticket.tags [\"c\",\"a\"] → [\"c\",\"a\",\"b\"]",
                                               "b: ticket.tags [\"c\",\"a\",\"b\"] → [\"a\",\"b\"]"}));
}

TEST_CASE("conflict of tags: a tag that was there already is claimed all the same", "[conflict][tags]") {
    const auto decision = decided(tag_rules(R"({"add_tags":["vip"]})", R"({"remove_tags":["vip"]})"),
                                  OnConflict::last, R"({"tags":["vip"]})");
    CHECK(decision.conflicts.size() == 1);
    CHECK(lines_of(decision.changes) == names({"b: ticket.tags [\"vip\"] → []"}));
}

TEST_CASE("conflict of tags: removed and added again leaves no change", "[conflict][tags]") {
    const auto decision = decided(tag_rules(R"({"remove_tags":["vip"]})", R"({"add_tags":["vip"]})"),
                                  OnConflict::last, R"({"tags":["vip","x"]})");
    CHECK(decision.conflicts.size() == 1);
    CHECK(decision.changes.empty());
    CHECK(decision.document["tags"] == json(R"(["vip","x"])"));
}

TEST_CASE("conflict of tags: whole lists compare as sets", "[conflict][tags]") {
    CHECK(decided(tag_rules(R"({"set":{"ticket.tags":["a","b"]}})", R"({"set":{"ticket.tags":["b","a"]}})"),
                  OnConflict::fail)
              .outcome == Outcome::ok);
    const auto decision =
        decided(tag_rules(R"({"set":{"ticket.tags":["a","b"]}})", R"({"set":{"ticket.tags":["b","c"]}})"),
                OnConflict::last);
    CHECK(lines_of(decision.conflicts) == names({"ticket.tags a=[\"a\",\"b\"] b=[\"b\",\"c\"] kept b"}));
    CHECK(lines_of(decision.changes) == names({"b: ticket.tags null → [\"b\",\"c\"]"}));
}

TEST_CASE("conflict of tags: a whole list against a tag step goes by the tag", "[conflict][tags]") {
    const auto removed = decided(
        tag_rules(R"({"set":{"ticket.tags":["a","b"]}})", R"({"remove_tags":["a"]})"), OnConflict::last);
    CHECK(lines_of(removed.conflicts) == names({"ticket.tags[a] a=\"add\" b=\"remove\" kept b"}));
    CHECK(lines_of(removed.changes) == names({"a: ticket.tags null → [\"b\"]"}));
    CHECK(removed.document["tags"] == json(R"(["b"])"));

    const auto dropped =
        decided(tag_rules(R"({"add_tags":["x"]})", R"({"set":{"ticket.tags":["a"]}})"), OnConflict::last);
    CHECK(lines_of(dropped.conflicts) == names({"ticket.tags[x] a=\"add\" b=\"remove\" kept b"}));
    CHECK(lines_of(dropped.changes) == names({"b: ticket.tags null → [\"a\"]"}));

    const auto added =
        decided(tag_rules(R"({"set":{"ticket.tags":["a"]}})", R"({"add_tags":["c"]})"), OnConflict::fail);
    CHECK(added.outcome == Outcome::ok);
    CHECK(added.document["tags"] == json(R"(["a","c"])"));

    const auto returned = decided(tag_rules(R"({"set":{"ticket.tags":["a"]}})", R"({"add_tags":["x"]})"),
                                  OnConflict::last, R"({"tags":["x"]})");
    CHECK(lines_of(returned.conflicts) == names({"ticket.tags[x] a=\"remove\" b=\"add\" kept b"}));
    CHECK(lines_of(returned.changes) == names({"a: ticket.tags [\"x\"] → [\"a\",\"x\"]"}));
    CHECK(returned.document["tags"] == json(R"(["a","x"])"));
}

TEST_CASE("conflict of tags: under first a whole list is refused as a whole", "[conflict][tags]") {
    const auto decision =
        decided(tag_rules(R"({"add_tags":["x"]})", R"({"set":{"ticket.tags":["a"]}})"), OnConflict::first);
    CHECK(decision.document["tags"] == json(R"(["x"])"));
    CHECK(decision.conflicts.size() == 1);
}

TEST_CASE("conflict: a rule that fails takes its conflicts back, and what it overruled stands again",
          "[conflict]") {
    const std::string rules = R"([
        {"id":"a","on":"ticket.created","then":[{"set":{"ticket.priority":"high"}},{"add_tags":["vip"]}]},
        {"id":"b","on":"ticket.created","then":[{"set":{"ticket.priority":"low"}},{"remove_tags":["vip"]},{"set":{"ticket.status":"no such"}}]}])";
    const auto decision = decided(rules, OnConflict::last, R"({"priority":"normal"})");
    CHECK(decision.fired == names({"a"}));
    CHECK(decision.conflicts.empty());
    CHECK(lines_of(decision.changes) ==
          names({"a: ticket.priority \"normal\" → \"high\"", "a: ticket.tags null → [\"vip\"]"}));
    CHECK(decision.document == json(R"({"priority":"high","tags":["vip"]})"));
}

}  // namespace evaluator_conflicts
