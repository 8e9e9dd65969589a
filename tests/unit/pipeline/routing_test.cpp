// Routing through the pipeline: who gets an entity and why, who waits, and who is next.

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include "rules/evaluator/router.h"
#include "rules/policies/queues.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace routing_test {

using namespace engine;
using namespace engine::test;

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Names = std::vector<std::string>;

constexpr auto desk_of_three =
    "agents:\n"
    "  - { id: ana, skills: { german: 3, billing: 1 }, capacity: 2 }\n"
    "  - { id: ben, skills: [german], capacity: { email: 1, other: 1 } }\n"
    "  - { id: cora, skills: { billing: 2 }, capacity: 2 }\n"
    "teams:\n"
    "  - { id: first, members: [ana, ben], group: First line }\n"
    "  - { id: second, members: [cora] }\n";

constexpr auto routes = "  - { id: routes, on: ticket.created, then: [ { route: true } ] }\n";

struct Desk : World {
    explicit Desk(const std::string& queues, const std::string& rules = routes,
                  const std::string& people = desk_of_three, const std::string& settings = "")
        : World(
              tenant_of({{"tenant.yaml", "name: acme\n" + settings},
                         {"connections.yaml", sandbox_connections},
                         {"calendars.yaml",
                          "calendars:\n  office:\n    zone: UTC\n    hours: { mon-fri: [\"09:00-17:00\"] }\n"
                          "  closed-now:\n    zone: UTC\n    hours: { mon-fri: \"22:00-23:00\" }\n"},
                         {"routing.yaml", people + ("queues:\n" + queues)},
                         {"rules.yaml", "rules:\n" + rules}})) {}

    void take(const std::string& ticket, const std::string& type, const Json& fields = Json(),
              Instant now = noon) {
        submit(made(ticket, type, fields, now), now);
    }
    Event made(const std::string& ticket, const std::string& type, const Json& fields, Instant now = noon) {
        auto one = event("e" + std::to_string(++sent), type, "ticket/" + ticket,
                         fields.is_null() ? Json::object() : Json{{"ticket", fields}});
        one.received = now;
        one.time = now;
        return one;
    }
    void open(const std::string& ticket, Json fields = Json::object(), Instant now = noon) {
        if (!fields.contains("subject")) fields["subject"] = "ticket " + ticket;
        take(ticket, "ticket.created", fields, now);
    }
    void solve(const std::string& ticket, Instant now = noon) {
        take(ticket, "ticket.updated", {{"status", "solved"}}, now);
    }
    std::string who(const std::string& ticket) {
        return text_or(entity("ticket/" + ticket).fields, "assignee", "");
    }
    std::string queue(const std::string& ticket) {
        return text_or(entity("ticket/" + ticket).fields, "queue", "");
    }
    const Routed& last_routed() const {
        for (auto one = decisions.rbegin(); one != decisions.rend(); ++one)
            if (!one->routed.empty()) return one->routed.back();
        ENSURE(false);
        return decisions.front().routed.front();
    }
    std::string reason_against(const std::string& agent) const {
        for (const auto& one : last_routed().considered)
            if (text_or(one, "agent", "") == agent) return text_or(one, "reason", "");
        return "not considered";
    }

    int sent = 0;
};

}  // namespace

TEST_CASE("routing: the least loaded gets it, the decision says why, and a full desk makes it wait",
          "[routing]") {
    Desk desk("  - { id: general, teams: [first, second] }\n");
    desk.open("1");
    CHECK(desk.who("1") == "ana");
    CHECK(desk.queue("1") == "general");
    CHECK(desk.entity("ticket/1").fields["group"] == "First line");
    CHECK(desk.reason_against("ben") == "stands behind in the team");
    desk.open("2");
    CHECK(desk.who("2") == "ben");
    CHECK(desk.reason_against("ana") == "has more to do");
    desk.open("3");
    CHECK(desk.who("3") == "ana");
    CHECK(desk.reason_against("ben") == "has no room");
    desk.open("4");
    CHECK(desk.who("4") == "cora");
    CHECK(desk.entity("ticket/4").fields["group"] == "second");
    desk.open("5");
    desk.open("6");
    CHECK(desk.who("6") == "");
    CHECK(desk.queue("6") == "general");
    CHECK(desk.last_routed().agent.empty());
    CHECK(desk.reason_against("cora") == "has no room");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: who gets free takes what waits, the more urgent and older first", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n");
    for (const char* ticket : {"1", "2"}) desk.open(ticket);
    desk.open("3", {{"priority", "low"}});
    desk.open("4", {{"priority", "urgent"}}, noon + minutes(1));
    desk.open("5", {{"priority", "urgent"}}, noon + minutes(2));
    CHECK(timers_in(desk).size() == 3);
    desk.solve("1", noon + minutes(3));
    CHECK(desk.who("4") == "cora");
    CHECK(desk.who("5") == "");
    desk.solve("2", noon + minutes(3));
    CHECK(desk.who("5") == "cora");
    CHECK(desk.who("3") == "");
    desk.take("4", "ticket.updated", {{"assignee", "somebody else"}}, noon + minutes(4));
    CHECK(desk.who("3") == "cora");
    CHECK(timers_in(desk).empty());
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: two who get free in one batch take two that wait", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n");
    for (const char* ticket : {"1", "2", "3", "4"}) desk.open(ticket);
    desk.submit({desk.made("1", "ticket.updated", {{"status", "solved"}}),
                 desk.made("2", "ticket.updated", {{"status", "solved"}})});
    CHECK(desk.who("3") == "cora");
    CHECK(desk.who("4") == "cora");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: in turns, whoever had the last one has to do", "[routing]") {
    Desk desk("  - { id: general, teams: [first], strategy: round_robin }\n", routes,
              "agents: [ { id: ana }, { id: ben } ]\nteams: [ { id: first, members: [ana, ben] } ]\n");
    Names got;
    for (int i = 0; i < 6; ++i) {
        const auto ticket = std::to_string(i);
        desk.open(ticket);
        got.push_back(desk.who(ticket));
        desk.solve(ticket);
        if (i == 3) desk.start();  // turns are not forgotten
    }
    CHECK(got == Names{"ana", "ben", "ana", "ben", "ana", "ben"});
    CHECK(desk.reason_against("ana") == "had a turn since");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: skills are wanted, and the most skilled gets it", "[routing]") {
    Desk desk(
        "  - { id: german, when: { ticket.language: de }, teams: [first, second], skills: [german], "
        "strategy: "
        "skills }\n"
        "  - { id: billing, when: { ticket.type: problem }, teams: [first, second], skills: [billing], "
        "strategy: skills }\n"
        "  - { id: named, teams: [first, second], skills: [\"{{ ticket.custom.skill }}\"] }\n");
    desk.open("1", {{"language", "de"}});
    CHECK(desk.who("1") == "ana");
    CHECK(desk.reason_against("ben") == "less skilled");
    desk.open("2", {{"type", "problem"}});
    CHECK(desk.who("2") == "ana");  // of the first team that has somebody
    CHECK(desk.reason_against("ben") == "lacks the skill billing");
    desk.open("3", {{"type", "problem"}});
    CHECK(desk.who("3") == "cora");
    desk.open("4", {{"custom", {{"skill", "cooking"}}}});
    CHECK(desk.who("4") == "");
    CHECK(desk.reason_against("cora") == "lacks the skill cooking");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: sticky goes to who knows the requester", "[routing]") {
    Desk desk("  - { id: general, teams: [first], strategy: sticky }\n",
              std::string(routes) + "  - { id: back, on: ticket.reopened, then: [ { route: general } ] }\n");
    desk.open("1", {{"requester", {{"id", "r1"}}}});
    desk.open("2", {{"requester", {{"id", "r2"}}}, {"channel", "email"}});
    CHECK(desk.who("1") == "ana");
    CHECK(desk.who("2") == "ben");
    desk.open("3", {{"requester", {{"id", "r2"}}}, {"channel", "chat"}});
    CHECK(desk.who("3") == "ben");
    CHECK(desk.reason_against("ana") == "ben knows the requester");
    desk.solve("1");
    desk.take("1", "ticket.reopened", {{"status", "open"}});
    CHECK(desk.who("1") == "ana");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: hours of agents and queues, and the queue that stands in", "[routing]") {
    const std::string people =
        "agents: [ { id: ana, hours: office }, { id: noa } ]\n"
        "teams: [ { id: day, members: [ana] }, { id: night, members: [noa] } ]\n";
    Desk desk(
        "  - { id: general, teams: [day], hours: office, out_of_hours: nights }\n"
        "  - { id: nights, teams: [night] }\n"
        "  - { id: only, when: { ticket.priority: low }, teams: [day] }\n",
        std::string(routes) + "  - { id: other, on: ticket.plain, then: [ { route: only } ] }\n", people);
    desk.open("1", Json::object(), at("2026-03-02T20:00:00Z"));
    CHECK(desk.queue("1") == "nights");
    CHECK(desk.who("1") == "noa");
    CHECK(desk.last_routed().considered[0] == Json{{"queue", "general"}, {"reason", "out of its hours"}});
    desk.take("2", "ticket.plain", {{"subject", "x"}}, at("2026-03-02T20:00:00Z"));
    CHECK(desk.who("2") == "");
    CHECK(desk.reason_against("ana") == "out of hours");
    desk.run(at("2026-03-03T09:00:00Z"));
    CHECK(desk.who("2") == "ana");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: what has waited too long goes to the queue for that", "[routing]") {
    Desk desk(
        "  - { id: general, teams: [second], overflow: { after: 10m, to: all } }\n"
        "  - { id: all, teams: [first], when: { ticket.priority: urgent } }\n",
        "  - { id: routes, on: ticket.created, then: [ { route: general } ] }\n"
        "  - { id: sees, on: ticket.*, when: { ticket.queue: { changed_to: all } }, then: [ { add_tags: "
        "[overflown] } ] }\n");
    for (const char* ticket : {"1", "2", "3"}) desk.open(ticket);
    CHECK(desk.who("3") == "");
    desk.run(noon + minutes(9));
    CHECK(desk.queue("3") == "general");
    desk.run(noon + minutes(10));
    CHECK(desk.queue("3") == "all");
    CHECK(desk.who("3") == "ana");
    CHECK(desk.entity("ticket/3").fields["tags"] == Json{"overflown"});
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: what vendors and people assign counts as well, whoever did it", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n");
    desk.take("a", "ticket.updated", {{"assignee", "cora"}});
    desk.take("b", "ticket.updated", {{"assignee", "cora"}, {"status", "closed"}});
    desk.open("1");
    CHECK(desk.who("1") == "cora");
    CHECK(desk.last_routed().considered[0]["load"] == 1);
    desk.open("2");
    CHECK(desk.who("2") == "");
    desk.take("a", "ticket.deleted");
    CHECK(desk.who("2") == "cora");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: without queues a route is only a name, and none that fits changes nothing", "[routing]") {
    World bare(tenant_with("  - { id: routes, on: ticket.created, then: [ { route: retention } ] }\n"));
    bare.submit(event("e1", "ticket.created", "ticket/1", {{"ticket", {{"subject", "x"}}}}));
    CHECK(bare.entity("ticket/1").fields["queue"] == "retention");
    Desk desk("  - { id: never, when: { ticket.priority: urgent }, teams: [first] }\n");
    desk.open("1");
    CHECK(desk.queue("1") == "");
    CHECK(desk.decisions.back().fired == Names{"routes"});
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: a rule that fails has routed nothing, and a failed commit leaves the desk as it was",
          "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n",
              "  - { id: routes, on: ticket.created, then: [ { route: general }, { add_tags: [ \"{{ "
              "ticket.custom.bag }}\" ] } ] }\n");
    desk.open("1", {{"custom", {{"bag", {{"a", 1}}}}}});
    REQUIRE(desk.decisions.back().failures.size() == 1);
    CHECK(desk.who("1") == "");
    CHECK(desk.decisions.back().routed.empty());
    desk.open("2");
    CHECK(desk.who("2") == "cora");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: what has no priority goes behind what has one", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n", routes,
              "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n");
    desk.open("1", {{"priority", "low"}});
    desk.open("2", {{"priority", "urgent"}}, noon + minutes(1));
    desk.open("3", Json::object(), noon + minutes(1));
    desk.solve("1", noon + minutes(2));
    CHECK(desk.who("2") == "cora");
    desk.solve("2", noon + minutes(3));
    CHECK(desk.who("3") == "cora");
}

TEST_CASE("routing: what waits in a queue that is gone waits no longer", "[routing]") {
    Desk desk(
        "  - { id: general, teams: [second], overflow: { after: 25s, to: other } }\n"
        "  - { id: other, when: { ticket.priority: low }, teams: [second] }\n");
    for (const char* ticket : {"1", "2", "3"}) desk.open(ticket);
    REQUIRE(timers_in(desk).size() == 1);
    const auto changed = tenant_of(
        {{"tenant.yaml", "name: acme\n"},
         {"connections.yaml", sandbox_connections},
         {"routing.yaml", std::string(desk_of_three) + "queues: [ { id: other, teams: [second] } ]\n"},
         {"rules.yaml", std::string("rules:\n") + routes}});
    REQUIRE(desk.worker->activate(changed, {}, noon + minutes(1)));
    desk.tenant = changed;
    desk.run(noon + minutes(2));
    CHECK(timers_in(desk).empty());
    CHECK(desk.decisions.back().notes == Names{"it waits no longer: there is no queue general any more"});
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: what cannot be decided waits for its own time, and others are not held up", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n",
              std::string(routes) +
                  "  - { id: bad, on: \"ticket.*\", when: { ticket.custom.bag: { exists: true } }, then: [ { "
                  "add_tags: [ \"{{ ticket.custom.bag }}\" ] } ] }\n",
              "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n",
              "on_error: event\n");
    for (const char* ticket : {"1", "2", "3"}) desk.open(ticket);
    desk.take("2", "ticket.updated", {{"custom", {{"bag", {{"a", 1}}}}}}, noon + minutes(1));
    const auto decided = desk.decisions.size();
    desk.run(noon + minutes(15));
    CHECK(desk.decisions.size() == decided + 2);  // each looked at again, once
    desk.solve("1", noon + minutes(20));
    CHECK(desk.who("2") == "");
    CHECK(desk.who("3") == "cora");
    desk.take("2", "ticket.updated", {{"custom", {{"bag", nullptr}}}}, noon + minutes(21));
    desk.solve("3", noon + minutes(22));
    desk.run(noon + minutes(40));
    CHECK(desk.who("2") == "cora");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: a queue that stands in wants its own skills", "[routing]") {
    Desk desk(
        "  - { id: second-line, teams: [day], skills: [\"{{ ticket.custom.area }}\"], hours: office, "
        "out_of_hours: night }\n"
        "  - { id: night, teams: [duty] }\n",
        routes,
        "agents: [ { id: jonas, skills: [product] }, { id: watch } ]\n"
        "teams: [ { id: day, members: [jonas] }, { id: duty, members: [watch] } ]\n");
    desk.open("1", {{"custom", {{"area", "product"}}}}, at("2026-03-02T20:00:00Z"));
    CHECK(desk.queue("1") == "night");
    CHECK(desk.who("1") == "watch");
}

TEST_CASE("routing: a rule that goes on when there are no queues any more fails, and nothing else",
          "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n",
              "  - { id: r, on: ticket.created, then: [ { wait: 8s }, { route: true } ] }\n");
    desk.open("1");
    const auto changed =
        tenant_of({{"tenant.yaml", "name: acme\n"},
                   {"connections.yaml", sandbox_connections},
                   {"rules.yaml",
                    "rules:\n  - { id: r, on: ticket.created, then: [ { wait: 8s }, { route: "
                    "general } ] }\n"}});
    REQUIRE(desk.worker->activate(changed, {}, noon + minutes(1)));
    desk.tenant = changed;
    desk.run(noon + minutes(2));
    REQUIRE(desk.decisions.back().failures.size() == 1);
    CHECK(desk.decisions.back().failures[0].message == "there are no queues any more");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: queues that lead back to each other wait for the next look", "[routing]") {
    Desk desk(
        "  - { id: day, teams: [second], overflow: { after: 10m, to: night } }\n"
        "  - { id: night, teams: [first], hours: closed-now, out_of_hours: day, when: { ticket.priority: "
        "low } }\n");
    for (const char* ticket : {"1", "2", "3"}) desk.open(ticket);
    desk.run(noon + minutes(10));
    const auto decided = desk.decisions.size();
    desk.run(noon + minutes(24));
    CHECK(desk.decisions.size() == decided);
    desk.run(noon + minutes(25));
    CHECK(desk.decisions.size() == decided + 1);
    CHECK(desk.queue("3") == "day");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: of several routes of one decision the last that stands counts", "[routing]") {
    const std::string people =
        "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n";
    Desk nothing("  - { id: general, when: { ticket.priority: urgent }, teams: [second] }\n",
                 "  - { id: r1, on: ticket.created, then: [ { route: general } ] }\n"
                 "  - { id: r2, on: ticket.created, then: [ { route: true } ] }\n",
                 people);
    for (const char* ticket : {"1", "2"}) nothing.open(ticket);
    nothing.solve("1");
    CHECK(nothing.who("2") == "cora");
    Desk first(
        "  - { id: q1, teams: [second] }\n  - { id: q2, when: { ticket.priority: low }, teams: [second] }\n",
        "  - { id: r1, on: ticket.created, then: [ { route: q1 } ] }\n"
        "  - { id: r2, on: ticket.created, then: [ { route: q2 } ] }\n",
        people, "on_conflict: first\n");
    for (const char* ticket : {"1", "2"}) first.open(ticket);
    CHECK(first.queue("2") == "q1");
    first.solve("1");
    CHECK(first.who("2") == "cora");
    CHECK(found_in(first) == "");
}

TEST_CASE("routing: many who get free at once take as many, and nothing loops", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n", routes,
              "agents: [ { id: cora, capacity: 20 } ]\nteams: [ { id: second, members: [cora] } ]\n");
    for (int i = 0; i < 45; ++i) desk.open(std::to_string(i));
    std::vector<Event> solved;
    for (int i = 0; i < 20; ++i)
        solved.push_back(desk.made(std::to_string(i), "ticket.updated", {{"status", "solved"}}));
    desk.submit(std::move(solved));
    int held = 0;
    for (int i = 20; i < 45; ++i) held += desk.who(std::to_string(i)) == "cora" ? 1 : 0;
    CHECK(held == 20);
    for (const auto& decision : desk.decisions) CHECK(decision.outcome == Outcome::ok);
    CHECK(desk.decisions.size() == 45 + 20 + 20);
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: one takes over from another as often as something waits, also where timers close",
          "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n",
              std::string(routes) +
                  "  - id: taken\n    on: [ticket.created, ticket.updated, ticket.routing_due]\n"
                  "    when: { ticket.assignee: { changed: true, exists: true } }\n"
                  "    then: [ { emit: { type: ticket.closing, after: 1s } } ]\n"
                  "  - { id: closes, on: ticket.closing, then: [ { set: { ticket.status: solved } } ] }\n",
              "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n");
    for (int i = 0; i < 40; ++i) desk.open(std::to_string(i));
    for (int i = 0; i < 41; ++i) desk.run(noon + std::chrono::seconds(i));
    int solved = 0;
    for (int i = 0; i < 40; ++i) {
        const auto status = text_or(desk.entity("ticket/" + std::to_string(i)).fields, "status", "");
        solved += status == "solved" ? 1 : 0;
    }
    CHECK(solved == 40);
    for (const auto& decision : desk.decisions) CHECK(decision.outcome == Outcome::ok);
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: two that give way to each other come to an end", "[routing]") {
    // Whoever is given something gives it back, so that the other one is next, for ever.
    Desk desk("  - { id: general, teams: [second] }\n",
              std::string(routes) +
                  "  - id: taken\n    on: ticket.routing_due\n"
                  "    when: { ticket.assignee: { exists: true } }\n"
                  "    then: [ { set: { ticket.status: pending } }, { emit: { type: ticket.back } } ]\n"
                  "  - { id: back, on: ticket.back, then: [ { set: { ticket.status: open } }, { unset: "
                  "ticket.assignee }, { route: general } ] }\n",
              "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n"
              "open_work: { ticket: { not: { ticket.status: [pending, solved, closed] } } }\n");
    for (const char* ticket : {"1", "2", "3"}) desk.open(ticket);
    desk.solve("1");
    CHECK(desk.decisions.size() < 200);
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: what cannot be served now holds up nobody else", "[routing]") {
    Desk desk(
        "  - { id: vip, when: { ticket.priority: urgent }, priority: 1, teams: [second], hours: closed-now "
        "}\n"
        "  - { id: general, teams: [second] }\n",
        routes, "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n");
    desk.open("1");
    desk.open("2", {{"priority", "urgent"}});
    desk.open("3");
    desk.solve("1");
    CHECK(desk.queue("2") == "vip");
    CHECK(desk.who("3") == "cora");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: vendors' numbers are assignees too", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n", routes,
              "agents: [ { id: cora, capacity: 1 }, { id: \"12345\", capacity: 1 } ]\n"
              "teams: [ { id: second, members: [cora] } ]\n");
    for (const char* ticket : {"1", "2", "3"}) desk.open(ticket);
    desk.take("2", "ticket.updated", {{"assignee", 12345}});
    desk.solve("1");
    CHECK(desk.entity("ticket/2").fields["assignee"] == 12345);
    CHECK(desk.who("3") == "cora");
    CHECK(desk.entity("ticket/2").routing["place"]["agent"] == "12345");
}

TEST_CASE("routing: an event from outside does not route what waits no longer", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n", routes,
              "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n");
    for (const char* ticket : {"1", "2"}) desk.open(ticket);
    desk.solve("1");
    desk.take("2", "ticket.updated", {{"assignee", nullptr}});
    desk.take("3", "ticket.routing_due", {{"subject", "x"}});
    desk.submit(event("odd", "ticket.routing_due", "ticket/2",
                      {{"ticket", {{"status", "solved"}}}, {"routing", {{"agent", 5}, {"passed", 7}}}}));
    CHECK(desk.entity("ticket/2").fields["status"] == "solved");
    CHECK(desk.who("2") == "");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: an agent whose item changes its channel may take more", "[routing]") {
    Desk desk(
        "  - { id: general, teams: [second] }\n", routes,
        "agents: [ { id: cora, capacity: { chat: 1 } } ]\nteams: [ { id: second, members: [cora] } ]\n");
    for (const char* ticket : {"1", "2"}) desk.open(ticket, {{"channel", "chat"}});
    CHECK(desk.who("2") == "");
    desk.take("1", "ticket.updated", {{"channel", "email"}});
    CHECK(desk.who("2") == "cora");
}

TEST_CASE("routing: what waits is not looked at for ever after the last event of a replay", "[routing]") {
    Desk desk(
        "  - { id: general, teams: [second] }\n",
        "  - { id: routes, on: ticket.created, then: [ { route: general }, { emit: { type: ticket.later, "
        "after: 1h } } ] }\n",
        "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n");
    for (const char* ticket : {"1", "2"}) desk.open(ticket);
    desk.worker->let_schedules_rest();
    desk.run(noon + hours(1));
    const auto decided = desk.decisions.size();
    desk.run(noon + hours(30));
    CHECK(desk.decisions.size() == decided);
}

TEST_CASE("routing: a hundred random days keep capacities, and come out again", "[routing]") {
    Desk desk("  - { id: general, teams: [first, second], strategy: round_robin }\n");
    std::mt19937 random(7);
    auto now = noon;
    std::vector<std::string> open;
    for (int i = 0; i < 400; ++i) {
        now += minutes(1);
        if (open.empty() || random() % 5 < 3) {
            open.push_back(std::to_string(i));
            desk.open(open.back(), {{"channel", random() % 2 == 0 ? "email" : "chat"}}, now);
        } else {
            const auto at = static_cast<std::ptrdiff_t>(random() % open.size());
            desk.solve(open[static_cast<std::size_t>(at)], now);
            open.erase(open.begin() + at);
        }
        if (i % 97 == 0) desk.start();
        desk.run(now);
        std::map<std::string, int> load;
        int waiting = 0;
        for (const auto& ticket : open) ++(desk.who(ticket).empty() ? waiting : load[desk.who(ticket)]);
        CHECK(load["ana"] <= 2);
        CHECK(load["ben"] <= 2);
        CHECK(load["cora"] <= 2);
        // Nobody waits while somebody has room for every channel.
        CHECK((waiting == 0 || (load["ana"] == 2 && load["cora"] == 2)));
    }
    CHECK(found_in(desk) == "");
}

namespace {

constexpr auto one_place =
    "agents: [ { id: cora, capacity: 1, hours: office } ]\n"
    "teams: [ { id: second, members: [cora] } ]\n";

}  // namespace

TEST_CASE("routing: what becomes due at one instant goes by urgency, not by name", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n", routes, one_place);
    const auto night = at("2026-03-03T07:00:00Z");
    desk.open("1", {{"priority", "low"}}, night);
    desk.open("2", {{"priority", "urgent"}}, night + minutes(2));
    desk.open("3", {{"priority", "urgent"}}, night + minutes(1));
    desk.run(at("2026-03-03T09:00:00Z"));
    CHECK(desk.who("1") == "");
    CHECK(desk.who("2") == "");
    CHECK(desk.who("3") == "cora");
    desk.solve("3", at("2026-03-03T09:01:00Z"));
    CHECK(desk.who("2") == "cora");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: many places that open at one instant go to as many, the most urgent ones", "[routing]") {
    std::string agents = "agents:\n", members;
    for (int i = 0; i < 30; ++i) {
        agents += "  - { id: a" + std::to_string(i) + ", capacity: 2, hours: office }\n";
        members += (i == 0 ? "a" : ", a") + std::to_string(i);
    }
    Desk desk("  - { id: general, teams: [all] }\n", routes,
              agents + "teams: [ { id: all, members: [" + members + "] } ]\n");
    const auto night = at("2026-03-03T07:00:00Z");
    for (int i = 0; i < 100; ++i)
        desk.open(std::to_string(i), {{"priority", i % 2 == 0 ? "low" : "urgent"}}, night + minutes(i));
    desk.run(at("2026-03-03T09:00:00Z"));
    int urgent = 0, low = 0;
    for (int i = 0; i < 100; ++i)
        if (!desk.who(std::to_string(i)).empty()) ++(i % 2 == 0 ? low : urgent);
    CHECK(urgent == 50);
    CHECK(low == 10);
    for (const auto& decision : desk.decisions) CHECK(decision.outcome == Outcome::ok);
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: what comes now takes no place that something waits for as urgently", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n", routes,
              "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n");
    desk.open("1");
    desk.open("2", {{"priority", "high"}});
    // In one batch somebody gets free and something else comes: the offer is under way.
    const auto now = noon + minutes(1);
    desk.submit({desk.made("1", "ticket.updated", {{"status", "solved"}}, now),
                 desk.made("3", "ticket.created", {{"priority", "high"}}, now)},
                now);
    CHECK(desk.who("2") == "cora");
    CHECK(desk.who("3") == "");
    const auto gave_way = std::find_if(desk.decisions.begin(), desk.decisions.end(), [](const Decision& one) {
        return one.subject.text() == "ticket/3" && !one.routed.empty();
    });
    REQUIRE(gave_way != desk.decisions.end());
    CHECK(gave_way->routed[0].considered[0]["reason"] == "ticket/2 goes first");
    // What is more urgent need not wait.
    desk.submit({desk.made("2", "ticket.updated", {{"status", "solved"}}, now),
                 desk.made("4", "ticket.created", {{"priority", "urgent"}}, now)},
                now);
    CHECK(desk.who("4") == "cora");
    CHECK(desk.who("3") == "");
    desk.solve("4", now);
    CHECK(desk.who("3") == "cora");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: who is new at the desk takes what waits before what comes", "[routing]") {
    const std::string queues = "  - { id: general, teams: [second] }\n";
    Desk desk(queues, routes,
              "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n");
    for (const char* ticket : {"1", "2", "3"}) desk.open(ticket);
    const auto changed = tenant_of(
        {{"tenant.yaml", "name: acme\n"},
         {"connections.yaml", sandbox_connections},
         {"routing.yaml",
          "agents: [ { id: cora, capacity: 1 }, { id: dan, capacity: 3 } ]\n"
          "teams: [ { id: second, members: [cora, dan] } ]\nqueues: [ { id: general, teams: [second] } ]\n"},
         {"rules.yaml", std::string("rules:\n") + routes}});
    REQUIRE(desk.worker->activate(changed, {}, noon + minutes(1)));
    desk.tenant = changed;
    desk.open("4", Json::object(), noon + minutes(2));
    desk.open("5", Json::object(), noon + minutes(2));
    for (const char* ticket : {"2", "3", "4"}) CHECK(desk.who(ticket) == "dan");
    CHECK(desk.who("5") == "");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: a lane that waits for an operator holds up nobody else", "[routing]") {
    Desk desk(
        "  - { id: general, teams: [second] }\n",
        std::string(routes) +
            "  - { id: bad, on: \"ticket.*\", when: { ticket.custom.bag: { changed: true } }, then: [ { "
            "add_tags: [ \"{{ ticket.custom.bag }}\" ] } ] }\n",
        "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n",
        "on_error: lane\n");
    desk.open("1");
    desk.open("2", {{"priority", "urgent"}});
    desk.take("2", "ticket.updated", {{"custom", {{"bag", {{"a", 1}}}}}});
    REQUIRE(desk.worker->blocked_lanes() == 1);
    desk.solve("1");
    desk.open("3");
    CHECK(desk.who("3") == "cora");
    desk.start();
    desk.solve("3");
    desk.open("4");
    CHECK(desk.who("4") == "cora");
    // Released it is in the line again.
    REQUIRE(desk.command("lanes.release", {{"subject", "ticket/2"}, {"mode", "discard"}}));
    desk.solve("4");
    CHECK(desk.who("2") == "cora");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: on random days nobody is passed over by what is less urgent or came later", "[routing]") {
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    Desk desk(
        "  - { id: vip, when: { ticket.tags: { has: vip } }, priority: 10, teams: [both] }\n"
        "  - { id: general, teams: [one, both] }\n",
        routes,
        "agents:\n  - { id: ana, capacity: 3, hours: office }\n  - { id: ben, capacity: 2, hours: office }\n"
        "  - { id: cora, capacity: 2 }\n"
        "teams:\n  - { id: one, members: [ana] }\n  - { id: both, members: [ben, cora] }\n");
    const Names priorities{"low", "normal", "high", "urgent"};
    const auto is_served_by = [](bool vip, const std::string& agent) { return !vip || agent != "ana"; };
    struct Ticket {
        int queue, rank;
        Instant since;
    };
    std::map<std::string, Ticket> open;
    auto now = at("2026-03-03T08:00:00Z");
    for (int i = 0; i < 300; ++i) {
        now += minutes(random() % 4);
        std::vector<Event> events;
        for (auto n = random() % 4 + 1; n > 0; --n) {
            if (open.empty() || random() % 2 == 0) {
                const auto ticket = std::to_string(i) + "-" + std::to_string(n);
                const auto rank = static_cast<int>(random() % 4);
                const bool vip = random() % 4 == 0;
                Json fields{{"priority", priorities[static_cast<std::size_t>(rank)]}, {"subject", ticket}};
                if (vip) fields["tags"] = {"vip"};
                open[ticket] = {vip ? 10 : 50, -rank, now};
                events.push_back(desk.made(ticket, "ticket.created", fields, now));
            } else {
                const auto one = std::next(open.begin(), static_cast<std::ptrdiff_t>(random() % open.size()));
                events.push_back(desk.made(one->first, "ticket.updated", {{"status", "solved"}}, now));
                open.erase(one);
            }
        }
        const auto before = desk.decisions.size();
        if (i % 37 == 0) desk.start();
        desk.submit(std::move(events), now);
        std::map<std::string, int> load;
        for (const auto& [ticket, one] : open) ++load[desk.who(ticket)];
        CHECK(load["ana"] <= 3);
        CHECK(load["ben"] <= 2);
        CHECK(load["cora"] <= 2);
        for (const auto& [ticket, one] : open) {
            if (!desk.who(ticket).empty() || one.since == now) continue;
            const auto stands = std::tuple(one.queue, one.rank, one.since);
            CHECK(load["cora"] == 2);
            for (auto d = before; d < desk.decisions.size(); ++d) {
                const auto& decision = desk.decisions[d];
                if (decision.routed.empty() || decision.routed.back().agent.empty()) continue;
                const auto other = open.find(std::string(decision.subject.id()));
                if (other == open.end() || !is_served_by(one.queue == 10, decision.routed.back().agent))
                    continue;
                INFO(ticket << " waits, and " << other->first << " went to " << decision.routed.back().agent);
                CHECK(std::tuple(other->second.queue, other->second.rank, other->second.since) <= stands);
            }
        }
    }
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: what waits is heard by rules when somebody gets it, not when it is looked at",
          "[routing]") {
    for (const char* chaining : {"cascade", "restart"}) {
        Desk desk(
            "  - { id: general, teams: [second] }\n",
            std::string(routes) +
                "  - { id: any, on: \"ticket.*\", then: [ { add_tags: [heard] } ] }\n"
                "  - { id: given, on: ticket.updated, when: { ticket.assignee: { changed: true } }, then: "
                "[ { add_tags: [given] } ] }\n"
                "  - { id: named, on: ticket.routing_due, then: [ { slack.post_message: { channel: \"#d\", "
                "text: looked } } ] }\n",
            "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n",
            "chaining: " + std::string(chaining) + "\n");
        for (const char* ticket : {"1", "2"}) desk.open(ticket);
        desk.run(noon + minutes(15));
        CHECK(desk.decisions.back().fired == Names{"named"});
        desk.run(noon + minutes(30));
        CHECK(desk.decisions.back().fired == Names{"named"});
        desk.solve("1", noon + minutes(31));
        CHECK(desk.who("2") == "cora");
        CHECK(desk.decisions.back().fired == Names{"named", "any", "given"});
        CHECK(found_in(desk) == "");
    }
}

TEST_CASE("routing: when open work is erased, what waits takes its place", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n", routes,
              "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n");
    for (const char* ticket : {"1", "2", "3"}) desk.open(ticket);
    const auto answer = desk.command("erase", {{"subject", "ticket/1"}, {"reason", "request 12"}});
    INFO((answer ? "" : answer.error().message));
    REQUIRE(answer);
    CHECK(desk.who("2") == "cora");
    CHECK(desk.who("3") == "");
    desk.solve("2");
    CHECK(desk.who("3") == "cora");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: what gets more urgent while it waits goes before others", "[routing]") {
    Desk desk("  - { id: general, teams: [second] }\n", routes,
              "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n");
    for (const char* ticket : {"1", "2", "3"}) desk.open(ticket, {{"priority", "low"}});
    desk.take("3", "ticket.updated", {{"priority", "urgent"}});
    desk.solve("1");
    CHECK(desk.who("3") == "cora");
    desk.take("2", "ticket.updated", {{"priority", nullptr}});
    desk.open("4", {{"priority", "low"}});
    desk.solve("3");
    CHECK(desk.who("4") == "cora");
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: where all queues are gone nothing waits, and with new ones it is routed again",
          "[routing]") {
    const std::string rules =
        std::string(routes) + "  - { id: again, on: ticket.again, then: [ { route: true } ] }\n";
    const std::string people =
        "agents: [ { id: cora, capacity: 1 } ]\nteams: [ { id: second, members: [cora] } ]\n";
    Desk desk("  - { id: general, teams: [second] }\n", rules, people);
    for (const char* ticket : {"1", "2"}) desk.open(ticket);
    const auto with = desk.tenant;
    const auto without = tenant_of({{"tenant.yaml", "name: acme\n"},
                                    {"connections.yaml", sandbox_connections},
                                    {"rules.yaml", "rules: []\n"}});
    REQUIRE(desk.worker->activate(without, {}, noon + minutes(1)));
    desk.tenant = without;
    desk.run(noon + minutes(40));
    CHECK(timers_in(desk).empty());
    CHECK(desk.decisions.back().notes == Names{"it waits no longer: there are no queues any more"});
    desk.solve("1", noon + minutes(41));
    REQUIRE(desk.worker->activate(with, {}, noon + minutes(50)));
    desk.tenant = with;
    desk.take("2", "ticket.again", {{"subject", "x"}}, noon + minutes(51));
    // What happened meanwhile counts from its next event on.
    CHECK(desk.who("2") == "");
    desk.take("1", "ticket.updated", {{"subject", "x"}}, noon + minutes(52));
    CHECK(desk.who("2") == "cora");
    CHECK(found_in(desk) == "");
}

namespace {

/// Counts what it is asked; everybody has as much to do.
struct CountingBoard final : rules::RoutingBoard {
    rules::AgentLoad load_of(const std::string&) override { return ++loads, rules::AgentLoad{{{"", 1}}, 0}; }
    std::uint64_t last_turn() override { return 0; }
    std::string holder_of(const std::string&) override { return ""; }
    std::string before(const rules::PlaceInLine&, const std::string&, const std::string&, Instant) override {
        return ++befores, "";
    }
    std::vector<rules::NextWaiting> next_for(const std::string&, const std::optional<std::string>&, Instant,
                                             const std::set<std::string>&) override {
        return {};
    }
    int loads = 0, befores = 0;
};

}  // namespace

TEST_CASE("routing: in a large team each agent is looked at once, and a hundred are named", "[routing]") {
    std::string agents = "agents:\n", members;
    for (int i = 0; i < 2'000; ++i) {
        agents += "  - { id: a" + std::to_string(i) + ", capacity: " + (i % 10 == 0 ? "2" : "1") + " }\n";
        members += (i == 0 ? "a" : ", a") + std::to_string(i);
    }
    const Desk desk("  - { id: general, teams: [all] }\n", routes,
                    agents + "teams: [ { id: all, members: [" + members + "] } ]\n");
    const auto& routing = *desk.tenant->rule_set->routing;
    CountingBoard counting;
    rules::RecordingBoard board(&counting, Json());
    auto choice = rules::open_queue(routing, routing.queues[0], noon);
    rules::choose(routing, {noon, "", "", "", {}, {50, 0, noon, ""}, board}, choice);
    CHECK(choice.agent == "a0");
    CHECK(counting.loads == 2'000);
    CHECK(counting.befores == 200);
    CHECK(choice.considered.size() == 101);
    CHECK(choice.considered.back() == Json({{"more", 1'900}}));
}

TEST_CASE("routing: however much waits, who gets free looks at what there is room for", "[routing]") {
    Desk desk("  - { id: general, teams: [second], skills: [\"{{ ticket.custom.area }}\"] }\n", routes,
              "agents: [ { id: cora, capacity: 2, skills: [billing] }, { id: dan, capacity: 1, skills: "
              "[other] } ]\n"
              "teams: [ { id: second, members: [cora, dan] } ]\n");
    for (int i = 0; i < 300; ++i)
        desk.open(std::to_string(i), {{"custom", {{"area", i % 2 == 0 ? "billing" : "other"}}}},
                  noon + std::chrono::seconds(i));
    const auto later = noon + minutes(10);
    const auto before = desk.decisions.size();
    desk.submit({desk.made("0", "ticket.updated", {{"status", "solved"}}, later),
                 desk.made("2", "ticket.updated", {{"status", "solved"}}, later)},
                later);
    CHECK(desk.decisions.size() == before + 4);
    CHECK(desk.who("4") == "cora");
    CHECK(desk.who("6") == "cora");
    for (auto i = before; i < desk.decisions.size(); ++i)
        CHECK(desk.decisions[i]
                  .consulted.value("routing", Json::object())
                  .value("next", Json::object())
                  .size() <= 1);
    CHECK(found_in(desk) == "");
}

TEST_CASE("routing: overflow counts all time, or the hours of its queue", "[routing]") {
    for (const bool in_hours : {false, true}) {
        Desk desk(std::string(
                      "  - { id: general, teams: [second], hours: office, overflow: { after: 2h, to: night") +
                      (in_hours ? ", clock: hours" : "") +
                      " } }\n  - { id: night, when: { ticket.priority: low }, "
                      "teams: [third] }\n",
                  routes,
                  "agents: [ { id: cora, capacity: 1 }, { id: dan } ]\n"
                  "teams: [ { id: second, members: [cora] }, { id: third, members: [dan] } ]\n");
        desk.open("1", Json::object(), at("2026-03-02T16:00:00Z"));
        desk.open("2", Json::object(), at("2026-03-02T16:00:00Z"));
        desk.run(at("2026-03-02T18:00:00Z"));
        CHECK(desk.who("2") == (in_hours ? "" : "dan"));
        desk.run(at("2026-03-03T09:59:59Z"));
        CHECK(desk.queue("2") == (in_hours ? "general" : "night"));
        desk.run(at("2026-03-03T10:00:00Z"));
        CHECK(desk.who("2") == "dan");
        CHECK(found_in(desk) == "");
    }
}

}  // namespace routing_test
