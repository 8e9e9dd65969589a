#include "rules/language/routing.h"
#include "rules/policies/routing.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_routing {

using Catch::Matchers::Contains;
using rules::load_files;

namespace {

constexpr auto people =
    "agents:\n"
    "  - { id: ana, skills: [german], notify: [ { emit: ticket.brought_up } ] }\n"
    "  - { id: ben }\n"
    "teams: [ { id: first, members: [ana, ben] } ]\n";

rules::Loaded load_routing(const std::string& text) {
    return load_files({{"routing.yaml", text},
                       {"calendars.yaml",
                        "calendars:\n  office:\n    zone: UTC\n    hours: { mon-fri: \"09:00-17:00\" }\n"}});
}
std::string said_of(const std::string& text) {
    return load_routing(text).text();
}
std::string said_of_queue(const std::string& rest) {
    return said_of(people + ("queues:\n  - { id: general, teams: [first], " + rest + " }\n"));
}
std::string said_of_level(const std::string& level, const std::string& rest = "") {
    return said_of(people + ("escalations:\n  - id: chain\n    levels:\n      - " + level + "\n" + rest));
}

}  // namespace

TEST_CASE("routing: people, queues and escalations are as they are written", "[language]") {
    const auto loaded = load_routing(R"(agents:
  - id: ana
    name: Ana Lopez
    skills: { german: 3, billing: 1 }
    capacity: { email: 10, all: 12, other: 2 }
    hours: office
    notify: [ { emit: ticket.brought_up } ]
  - { id: ben, capacity: 5 }
teams:
  - { id: first, members: [ana, ben], group: First line }
channels:
  - { id: room, notify: [ { if: { ticket.priority: urgent }, then: [ { emit: ticket.shouted } ] } ] }
queues:
  - id: vip
    when: { contact.tier: enterprise }
    teams: first
    strategy: skills
    skills: [german, "{{ ticket.custom.skill }}"]
    priority: 1
    hours: office
    out_of_hours: general
    overflow: { after: 10m, to: general }
  - { id: general, teams: [first] }
open_work: { ticket: { ticket.status: [new, open] } }
escalations:
  - id: chain
    hours: office
    levels:
      - notify: [ { person: ana }, { channel: room } ]
      - { after: 15m, when: { ticket.priority: urgent }, notify: [ { channel: room } ] }
    repeat: { times: 2, after: 1h }
    acknowledged: { on: ticket.claimed, when: { ticket.assignee: { exists: true } }, for: 4h }
)");
    INFO(loaded.text());
    REQUIRE(loaded.rule_set);
    CHECK(loaded.text().empty());
    const auto& routing = *loaded.rule_set->routing;
    REQUIRE(routing.agents.size() == 2);
    CHECK(routing.agents[0].skills.at("german") == 3);
    CHECK(routing.agents[0].capacity.in_all == 12);
    CHECK(routing.agents[0].capacity.by_channel.at("email") == 10);
    CHECK(routing.agents[0].capacity.other_channels == 2);
    CHECK(routing.agents[1].capacity.in_all == 5);
    CHECK(routing.teams[0].group == "First line");
    REQUIRE(routing.queues.size() == 2);
    const auto& vip = routing.queues[0];
    CHECK(vip.strategy == rules::RoutingStrategy::skills);
    CHECK(vip.overflow_after == std::chrono::minutes(10));
    CHECK(vip.group_field->text == "ticket.group");
    CHECK(vip.sticky_field->text == "ticket.requester.id");
    REQUIRE(routing.escalations.size() == 1);
    const auto& chain = routing.escalations[0];
    CHECK(chain.levels.size() == 2);
    CHECK(chain.repeat == 2);
    CHECK(chain.acknowledged_for == std::chrono::hours(4));
    CHECK(chain.ends.when);  // solved or closed
    CHECK(loaded.rule_set->catalogue.find("escalations.chain.level") != nullptr);
}

TEST_CASE("routing: who is named has to be there, and reachable where they are to be told", "[language]") {
    CHECK_THAT(said_of_level("{ notify: [ { person: anna } ] }"),
               Contains("routing.yaml:8:31: error: there is no person \"anna\", did you mean \"ana\"?"));
    CHECK_THAT(said_of_level("{ notify: [ { person: ben } ] }"),
               Contains("\"ben\" is to be told and has no notify"));
    CHECK_THAT(said_of_level("{ notify: [ { team: first } ] }"),
               Contains("\"ben\" is to be told and has no notify"));
    CHECK_THAT(said_of_level("{ notify: [ { person: ana, team: first } ] }"), Contains("name one target"));
    CHECK_THAT(said_of_level("{ notify: [ { peron: ana } ] }"), Contains("unknown key \"peron\""));
    CHECK_THAT(said_of_level("{ notify: [] }"), !Contains("dangling"));
    CHECK_THAT(said_of("teams: [ { id: first, members: [ana] } ]\n"), Contains("dangling-person"));
    CHECK_THAT(said_of("agents: [ { id: ana }, { id: ana } ]\n"), Contains("[duplicate-id]"));
    CHECK_THAT(said_of("agents: [ { name: Ana } ]\n"), Contains("the agent has no id"));
    CHECK_THAT(said_of("teams: [ { id: \"a b\", members: [] } ]\n"), Contains("is no id"));
}

TEST_CASE("routing: notify only sends", "[language]") {
    const auto notify = [](const std::string& step) {
        return said_of("agents: [ { id: ana, notify: [ " + step + " ] } ]\n");
    };
    CHECK_THAT(notify("{ set: { ticket.priority: urgent } }"), Contains("notify only sends"));
    CHECK_THAT(notify("{ wait: 5m }"), Contains("notify only sends"));
    CHECK_THAT(notify("{ emit: { type: ticket.later, after: 5m } }"), Contains("notify only sends"));
    CHECK_THAT(notify("{ if: { ticket.priority: urgent }, then: [ stop ] }"), Contains("notify only sends"));
    CHECK(
        notify("{ emit: { type: ticket.told, data: { who: \"{{ target.name }} {{ escalation.level }}\" } } }")
            .empty());
}

TEST_CASE("routing: spans, repeats and ends of escalations", "[language]") {
    CHECK_THAT(said_of_level("{ notify: [ { person: ana } ] }\n      - { notify: [ { person: ana } ] }"),
               Contains("the level has no after"));
    CHECK_THAT(
        said_of_level("{ notify: [ { person: ana } ] }\n      - { after: 0s, notify: [ { person: ana } ] }"),
        Contains("is no span of time for after"));
    CHECK_THAT(said_of_level("{ notify: [ { person: ana } ] }", "    repeat: { times: 2 }\n"),
               Contains("repeat needs both"));
    CHECK_THAT(said_of_level("{ notify: [ { person: ana } ] }", "    ends: {}\n"),
               Contains("say what ends it"));
    CHECK_THAT(said_of_level("{ notify: [ { person: ana } ] }", "    kind: contact\n"),
               Contains("the escalation has no ends"));
    CHECK_THAT(said_of_level("{ notify: [ { person: ana } ] }", "    hours: offic\n"),
               Contains("[dangling-calendar]"));
    CHECK_THAT(said_of(people + std::string("escalations: [ { id: chain } ]\n")),
               Contains("the escalation has no levels"));
}

TEST_CASE("routing: queues name teams, skills and other queues that are there", "[language]") {
    CHECK(said_of_queue("priority: 5").empty());
    CHECK_THAT(said_of_queue("strategy: fastest"), Contains("[unknown-enum-value]"));
    CHECK_THAT(said_of_queue("skills: [germann]"), Contains("did you mean \"german\"?"));
    CHECK_THAT(said_of_queue("priority: 0"), Contains("priority"));
    CHECK_THAT(said_of_queue("out_of_hours: general"), Contains("out_of_hours needs hours"));
    CHECK_THAT(said_of_queue("hours: office, out_of_hours: general"), Contains("leads back to \"general\""));
    CHECK_THAT(said_of_queue("overflow: { after: 10m, to: general }"), Contains("leads back to \"general\""));
    CHECK_THAT(said_of_queue("overflow: { after: 10m }"), Contains("overflow needs both"));
    CHECK_THAT(said_of_queue("overflow: { after: 10m, to: other, clock: hours }"),
               Contains("clock: hours needs hours of the queue"));
    CHECK_THAT(said_of_queue("overflow: { after: 10m, to: other, clock: night }"), Contains("\"night\""));
    CHECK_THAT(said_of_queue("kind: message"), Contains("unknown kind"));
    CHECK_THAT(said_of_queue("kind: contact"), Contains("a contact cannot be routed"));
    CHECK_THAT(said_of(people + std::string("queues: [ { id: general } ]\n")),
               Contains("the queue has no teams"));
    CHECK_THAT(said_of(people + std::string("open_work: { tickett: {} }\n")), Contains("[unknown-kind]"));
}

TEST_CASE("routing: steps name queues and escalations of their kind", "[language]") {
    const auto said = [](const std::string& on, const std::string& step) {
        return load_files(
                   {{"routing.yaml",
                     people + std::string("queues: [ { id: general, teams: [first] } ]\n"
                                          "escalations: [ { id: chain, levels: [ { notify: [ { person: "
                                          "ana } ] } ] } ]\n")},
                    {"rules.yaml", "rules:\n  - { id: r, on: " + on + ", then: [ { " + step + " } ] }\n"}})
            .text();
    };
    CHECK(said("ticket.created", "route: general").empty());
    CHECK(said("ticket.created", "route: true").empty());
    CHECK(said("ticket.created", "escalate: { restart: chain }").empty());
    CHECK_THAT(said("ticket.created", "route: genral"), Contains("did you mean \"general\"?"));
    CHECK_THAT(said("lead.created", "route: general"), Contains("[wrong-entity]"));
    CHECK_THAT(said("lead.created", "escalate: chain"), Contains("[wrong-entity]"));
    CHECK_THAT(said("ticket.created", "escalate: chian"), Contains("did you mean \"chain\"?"));
    CHECK_THAT(said("ticket.created", "escalate: { stop: chain }"), Contains("unknown key \"stop\""));
    CHECK_THAT(said("ticket.created", "escalate: { end: chain, start: chain }"),
               Contains("names one escalation"));
    CHECK_THAT(
        load_files({{"rules.yaml", "rules:\n  - { id: r, on: ticket.created, then: [ { route: true } ] }\n"}})
            .text(),
        Contains("there are no queues to choose from"));
}

}  // namespace language_routing
