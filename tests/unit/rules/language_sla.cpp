#include "rules/language/sla.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_sla {

using rules::load_files;
using rules::SlaMetric;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

rules::Loaded load_policy(const std::string& lines) {
    return load_files(
        {{"calendars.yaml", rules::test_calendars}, {"sla.yaml", "policies:\n  - id: standard\n" + lines}});
}

rules::SlaPolicy policy_of(const std::string& lines) {
    const auto loaded = load_policy(lines);
    INFO(loaded.text());
    REQUIRE(loaded.rule_set);
    return loaded.rule_set->sla.at(0);
}

}  // namespace

TEST_CASE("sla: targets are a span, one for each priority, or a metric of its own", "[language]") {
    const auto policy = policy_of(R"(    when: { ticket.organization: ACME }
    calendar: support
    pause: { ticket.status: pending }
    warn: 75%
    targets:
      first_response: 1h
      resolution: { urgent: 4h, else: 16h }
      agent_work:
        target: { high: 2h }
        pause: { ticket.status: on_hold }
        warn: [50%, 30m]
        due_at: next_opening
        reopen: restart
)");
    CHECK(policy.kind == "ticket");
    CHECK(policy.when.comparison.field.text == "ticket.organization");
    const auto& first = policy.targets.at(SlaMetric::first_response);
    CHECK(first.by_priority == std::map<std::string, engine::Duration>{{"", hours(1)}});
    CHECK(first.calendar_name == "support");
    CHECK(first.pause);
    REQUIRE(first.warnings.size() == 1);
    CHECK(first.warnings[0].share == 0.75);
    const auto& resolution = policy.targets.at(SlaMetric::resolution);
    CHECK(resolution.by_priority ==
          std::map<std::string, engine::Duration>{{"urgent", hours(4)}, {"", hours(16)}});
    const auto& work = policy.targets.at(SlaMetric::agent_work);
    CHECK(work.pause->comparison.operand == "on_hold");
    CHECK(work.due_at_next_opening);
    CHECK(work.reopen == rules::SlaReopen::restart);
    REQUIRE(work.warnings.size() == 2);
    CHECK((!work.warnings[1].share && work.warnings[1].before == minutes(30)));
}

TEST_CASE("sla: what is wrong with a policy is said where it stands", "[language]") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "has no targets"},
        {"    targets: { resolution: soon }\n", "\"soon\" is no target"},
        {"    targets: { resolution: 0s }\n", "\"0s\" is no target"},
        {"    targets: { resolution: { critical: 4h } }\n", "\"critical\" is no value of ticket.priority"},
        {"    targets: { resolution: {} }\n", "has no target"},
        {"    targets: { solution: 4h }\n", "unknown metric \"solution\""},
        {"    targets: { resolution: 4h }\n    warn: [110%]\n", "\"110%\" is no warning"},
        {"    targets: { resolution: 4h }\n    warn: [soon]\n", "\"soon\" is no warning"},
        {"    targets: { resolution: 4h }\n    calendar: suport\n", "has no calendar \"suport\""},
        {"    targets: { resolution: 4h }\n    reopen: never\n", "\"never\""},
        {"    targets: { resolution: 4h }\n    kind: tiket\n", "unknown kind \"tiket\""},
        {"    targets: { resolution: 4h }\n    pauses: {}\n", "unknown key \"pauses\""},
        {"    targets: { resolution: 4h }\n    when: { ticket.statu: open }\n",
         "unknown field \"ticket.statu\""},
        {"    targets: { resolution: 4h }\n    when: { ticket.status: { changed: true } }\n",
         "\"changed\" never holds here"},
        {"    targets: { resolution: 4h }\n    pause: { not: { ticket.status: { changed_to: open } } }\n",
         "\"changed_to\" never holds here"},
        {"    targets: { resolution: 4h }\n  - id: standard\n    targets: { resolution: 4h }\n",
         "policy \"standard\" is there already"},
    };
    for (const auto& [lines, words] : cases) {
        const auto loaded = load_policy(lines);
        INFO(lines << "\n" << loaded.text());
        CHECK_FALSE(loaded.rule_set);
        CHECK(loaded.says(words));
        CHECK(loaded.text().starts_with("sla.yaml:"));
    }
}

TEST_CASE("sla: rules read clocks by metric", "[language]") {
    const auto loaded = rules::load_when(
        "{ sla.resolution.breached: true, sla.first_response.remaining_seconds: { lt: 600 }, sla.policy: "
        "gold }");
    INFO(loaded.text());
    CHECK(loaded.rule_set);
    CHECK(rules::load_when("{ sla.resolution.breach: true }")
              .says("did you mean \"sla.resolution.breached\"?"));
    CHECK(rules::load_then("[ { set: { sla.resolution.breached: false } } ]").says("cannot be written"));
}

}  // namespace language_sla
