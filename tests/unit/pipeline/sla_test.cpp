// Service levels through the pipeline: clocks that begin, stand, go on and end.

#include "rules/policies/sla.h"

#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace sla_test {

using namespace engine;
using namespace engine::test;

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Names = std::vector<std::string>;

/// A desk with these service levels, and a rule on each of their events.
struct Desk : World {
    explicit Desk(const std::string& policies, const std::string& more_rules = "")
        : World(tenant_of(
              {{"tenant.yaml", "name: acme\n"},
               {"calendars.yaml",
                "calendars:\n  office: { zone: UTC, hours: { mon-fri: \"09:00-17:00\" } }\n"},
               {"sla.yaml", "policies:\n" + policies},
               {"rules.yaml",
                "rules:\n  - id: hear\n    on: sla.*\n    then: [ { add_tags: [\"{{ event.type }}\"] } ]\n" +
                    more_rules}})) {}

    /// What happened to the clocks, as `change metric`.
    Names take(const std::string& type, const Json& fields, Instant now, const Json& message = Json()) {
        const auto before = decisions.size();
        Json data{{"ticket", fields}};
        if (!message.is_null()) data["message"] = message;
        auto one = event("e" + std::to_string(++sent), type, "ticket/1", data);
        one.received = now;
        one.time = now;
        submit(std::move(one), now);
        return changes(before);
    }
    Names pass(Instant now) {
        const auto before = decisions.size();
        run(now);
        return changes(before);
    }
    Names changes(std::size_t from) const {
        Names names;
        for (auto i = from; i < decisions.size(); ++i)
            for (const auto& change : decisions[i].sla) names.push_back(change.change + " " + change.metric);
        return names;
    }
    /// The last of that kind.
    SlaChange last(const std::string& what) const {
        SlaChange last;
        for (const auto& decision : decisions)
            for (const auto& change : decision.sla)
                if (change.change == what) last = change;
        return last;
    }
    rules::SlaClock clock(rules::SlaMetric metric) {
        return rules::sla_state_from(entity("ticket/1").sla).clocks.at(metric);
    }
    std::vector<Timer> timers() { return *store->timers(tenant->name, 100); }

    int sent = 0;
};

const Json open{{"status", "open"}};
const Json from_agent{{"author", {{"role", "agent"}}}};
const Json from_customer{{"author", {{"role", "customer"}}}};
using rules::SlaMetric;

}  // namespace

TEST_CASE("sla: a clock begins, is late once, and ends", "[sla]") {
    Desk desk("  - { id: p, targets: { resolution: 4h } }\n");
    CHECK(desk.take("ticket.created", open, noon) == Names{"started resolution"});
    REQUIRE(desk.timers().size() == 1);
    CHECK(desk.timers()[0].name == "sla:resolution");
    CHECK(desk.pass(noon + hours(4) - Duration(1)).empty());
    CHECK(desk.pass(noon + hours(4)) == Names{"breached resolution"});
    CHECK(desk.clock(SlaMetric::resolution).breached == noon + hours(4));
    CHECK(desk.timers().empty());
    CHECK(desk.pass(noon + hours(40)).empty());
    CHECK(desk.take("ticket.updated", {{"status", "solved"}}, noon + hours(41)) == Names{"ended resolution"});
    CHECK(desk.clock(SlaMetric::resolution).end == "late");
    const auto tags = desk.entity("ticket/1").fields["tags"];
    CHECK(tags == Json({"sla.started", "sla.breached", "sla.ended"}));
}

TEST_CASE("sla: who is done in time is never late, at the due instant too", "[sla]") {
    Desk desk("  - { id: p, targets: { resolution: 4h } }\n");
    desk.take("ticket.created", open, noon);
    CHECK(desk.take("ticket.updated", {{"status", "solved"}}, noon + hours(4) - Duration(1)) ==
          Names{"met resolution"});
    CHECK(desk.timers().empty());
    CHECK(desk.pass(noon + hours(90)).empty());
}

TEST_CASE("sla: an event that comes after the due time and before the timer finds it late", "[sla]") {
    Desk desk("  - { id: p, targets: { resolution: 4h } }\n");
    desk.take("ticket.created", open, noon);
    auto solved = event("late", "ticket.updated", "ticket/1", Json{{"ticket", {{"status", "solved"}}}});
    solved.time = noon + hours(5);
    // By the clock of the machine it is not time yet.
    desk.submit(std::move(solved), noon + hours(3));
    CHECK(desk.changes(1) == Names{"breached resolution", "ended resolution"});
    CHECK(desk.pass(noon + hours(9)).empty());
}

TEST_CASE("sla: a pause stands still, by the calendar too", "[sla]") {
    Desk desk(
        "  - { id: p, calendar: office, pause: { ticket.status: pending }, targets: { resolution: 4h } }\n");
    desk.take("ticket.created", open, noon);  // a Monday
    CHECK(desk.take("ticket.updated", {{"status", "pending"}}, noon + hours(3)) ==
          Names{"paused resolution"});
    CHECK(desk.timers().empty());
    CHECK(desk.take("ticket.updated", {{"subject", "x"}}, noon + hours(20)).empty());
    CHECK(desk.take("ticket.updated", open, noon + hours(28)) == Names{"resumed resolution"});
    // Three of four hours are used; it is Tuesday 16:00, and they close at 17:00.
    CHECK(desk.clock(SlaMetric::resolution).due == noon + hours(29));
    CHECK(desk.pass(noon + hours(29)) == Names{"breached resolution"});
}

TEST_CASE("sla: another priority or policy keeps the time used", "[sla]") {
    Desk desk(
        "  - { id: gold, when: { ticket.organization: acme }, targets: { resolution: 2h } }\n"
        "  - { id: p, pause: { ticket.status: pending }, targets: { resolution: { urgent: 1h, else: 4h } } "
        "}\n");
    desk.take("ticket.created", open, noon);
    CHECK(desk.take("ticket.updated", {{"organization", "acme"}}, noon + minutes(30)) ==
          Names{"retargeted resolution"});
    CHECK(desk.clock(SlaMetric::resolution).due == noon + hours(2));
    CHECK(desk.take("ticket.updated", {{"organization", nullptr}}, noon + minutes(60)) ==
          Names{"retargeted resolution"});
    CHECK(desk.clock(SlaMetric::resolution).due == noon + hours(4));
    // What is used up already is late at once; while the clock stands, when it goes on.
    CHECK(desk.take("ticket.updated", {{"status", "pending"}, {"priority", "urgent"}}, noon + minutes(90)) ==
          Names{"retargeted resolution", "paused resolution"});
    CHECK(desk.take("ticket.updated", open, noon + minutes(200)) ==
          Names{"resumed resolution", "breached resolution"});
    CHECK(desk.clock(SlaMetric::resolution).breached == noon + minutes(200));
}

TEST_CASE("sla: what is opened again goes on, begins anew, or stays ended", "[sla]") {
    for (const auto& [reopen, expected] : std::vector<std::pair<std::string, Names>>{
             {"resume", {"resumed resolution"}}, {"restart", {"started resolution"}}, {"ignore", {}}}) {
        INFO(reopen);
        Desk desk("  - { id: p, reopen: " + reopen + ", targets: { resolution: 4h } }\n");
        desk.take("ticket.created", open, noon);
        desk.take("ticket.updated", {{"status", "solved"}}, noon + hours(1));
        CHECK(desk.take("ticket.updated", open, noon + hours(10)) == expected);
        if (reopen == "resume") CHECK(desk.clock(SlaMetric::resolution).due == noon + hours(13));
        if (reopen == "restart") CHECK(desk.clock(SlaMetric::resolution).due == noon + hours(14));
    }
}

TEST_CASE("sla: responses are counted from the oldest message without an answer", "[sla]") {
    Desk desk("  - { id: p, targets: { first_response: 1h, next_response: 2h } }\n");
    CHECK(desk.take("ticket.created", open, noon, from_customer) == Names{"started first_response"});
    CHECK(desk.take("ticket.updated", {}, noon + minutes(10), from_customer).empty());
    CHECK(desk.take("ticket.updated", {}, noon + minutes(20),
                    {{"public", false}, {"author", {{"role", "agent"}}}})
              .empty());
    CHECK(desk.take("ticket.updated", {}, noon + minutes(30), from_agent) == Names{"met first_response"});
    CHECK(desk.take("ticket.updated", {}, noon + minutes(40), from_customer) ==
          Names{"started next_response"});
    CHECK(desk.take("ticket.updated", {}, noon + minutes(60), from_customer).empty());
    CHECK(desk.clock(SlaMetric::next_response).due == noon + minutes(160));
    CHECK(desk.take("ticket.updated", {}, noon + minutes(70), from_agent) == Names{"met next_response"});
    CHECK(desk.take("ticket.updated", {}, noon + minutes(80), from_customer) ==
          Names{"started next_response"});
    // Nobody waits for an answer to what is solved.
    CHECK(desk.take("ticket.updated", {{"status", "solved"}}, noon + minutes(90)) ==
          Names{"cancelled next_response"});
    CHECK(desk.pass(noon + hours(9)).empty());
}

TEST_CASE("sla: updates, waits, work and ownership have rules of their own", "[sla]") {
    Desk desk(
        "  - { id: p, targets: { periodic_update: 1h, pausable_update: 1h, requester_wait: 3h, agent_work: "
        "3h, "
        "ownership: 2h } }\n");
    CHECK(desk.take("ticket.created", {{"status", "open"}, {"group", "one"}}, noon) ==
          Names{"started periodic_update", "started pausable_update", "started requester_wait",
                "started agent_work", "started ownership"});
    CHECK(desk.take("ticket.updated", {{"status", "pending"}}, noon + minutes(10)) ==
          Names{"paused pausable_update", "paused requester_wait", "paused agent_work"});
    CHECK(desk.take("ticket.updated", {{"status", "on_hold"}}, noon + minutes(20)) ==
          Names{"resumed pausable_update", "resumed requester_wait"});
    CHECK(desk.take("ticket.updated", {{"group", "two"}}, noon + minutes(30), from_agent) ==
          Names{"met periodic_update", "started periodic_update", "met pausable_update",
                "started pausable_update", "met ownership", "started ownership"});
    CHECK(desk.clock(SlaMetric::periodic_update).due == noon + minutes(90));
    CHECK(desk.clock(SlaMetric::agent_work).used == minutes(10));
    CHECK(desk.pass(noon + minutes(90)) == Names{"breached pausable_update", "breached periodic_update"});
    CHECK(desk.take("ticket.updated", {{"status", "solved"}}, noon + minutes(100)) ==
          Names{"cancelled periodic_update", "cancelled pausable_update", "met requester_wait",
                "met agent_work", "met ownership"});
}

TEST_CASE("sla: it warns by share and by span, once each", "[sla]") {
    Desk desk("  - { id: p, warn: [50%, 30m], targets: { resolution: 4h } }\n");
    desk.take("ticket.created", open, noon);
    CHECK(desk.pass(noon + hours(2)) == Names{"warning resolution"});
    CHECK(desk.pass(noon + hours(3)).empty());
    CHECK(desk.pass(noon + minutes(210)) == Names{"warning resolution"});
    CHECK(desk.pass(noon + hours(4)) == Names{"breached resolution"});
    CHECK(desk.entity("ticket/1").fields["tags"] == Json({"sla.started", "sla.warning", "sla.breached"}));
}

TEST_CASE("sla: no policy any more, or no entity, ends the clocks", "[sla]") {
    Desk desk(
        "  - { id: p, when: { ticket.tags: { has_none: [internal] } }, targets: { resolution: 4h } }\n");
    desk.take("ticket.created", open, noon);
    CHECK(desk.take("ticket.updated", {{"tags", {"internal"}}}, noon + hours(1)) ==
          Names{"cancelled resolution"});
    CHECK(desk.timers().empty());
    Desk other("  - { id: p, targets: { resolution: 4h } }\n");
    other.take("ticket.created", open, noon);
    CHECK(other.take("ticket.deleted", Json::object(), noon + hours(1)) == Names{"cancelled resolution"});
    CHECK(other.timers().empty());
}

TEST_CASE("sla: rules read the clocks, and a payload cannot pass for them", "[sla]") {
    Desk desk("  - { id: p, targets: { resolution: 4h } }\n",
              "  - id: look\n    on: ticket.asked\n    when: { sla.resolution.state: running, "
              "sla.resolution.remaining_seconds: { lt: 7201 } }\n"
              "    then: [ { set: { ticket.custom.due: \"{{ sla.resolution.due_at }}\" } } ]\n");
    desk.take("ticket.created", open, noon);
    desk.take("ticket.asked", Json::object(), noon + hours(1));
    CHECK_FALSE(desk.entity("ticket/1").fields.contains("custom"));
    desk.submit(event("x", "ticket.asked", "ticket/1",
                      Json{{"ticket", Json::object()},
                           {"sla", {{"resolution", {{"remaining_seconds", 1}, {"state", "running"}}}}}}),
                noon + hours(1));
    CHECK_FALSE(desk.entity("ticket/1").fields.contains("custom"));
    desk.take("ticket.asked", Json::object(), noon + hours(2));
    CHECK(desk.entity("ticket/1").fields["custom"]["due"] == "2026-03-02T16:00:00Z");
}

TEST_CASE("sla: who was never answered waits for a first answer again as the work goes on", "[sla]") {
    Desk desk("  - { id: p, targets: { first_response: 1h, next_response: 1h } }\n");
    desk.take("ticket.created", open, noon, from_customer);
    CHECK(desk.take("ticket.updated", {{"status", "solved"}}, noon + minutes(10)) ==
          Names{"cancelled first_response"});
    CHECK(desk.take("ticket.updated", open, noon + minutes(20), from_customer) ==
          Names{"started first_response"});
    CHECK(desk.clock(SlaMetric::first_response).due == noon + minutes(80));
    CHECK(desk.take("ticket.updated", {}, noon + minutes(30), from_agent) == Names{"met first_response"});
    // There is but one first answer.
    desk.take("ticket.updated", {{"status", "solved"}}, noon + minutes(40));
    CHECK(desk.take("ticket.updated", open, noon + minutes(50)).empty());
}

TEST_CASE("sla: a group has what it had as it is opened again, and another one begins anew", "[sla]") {
    const Json of_one{{"status", "open"}, {"group", "one"}}, of_two{{"status", "open"}, {"group", "two"}};
    const Json solved{{"status", "solved"}};
    Desk desk("  - { id: p, targets: { ownership: 2h } }\n");
    desk.take("ticket.created", of_one, noon);
    CHECK(desk.take("ticket.updated", solved, noon + hours(1)) == Names{"met ownership"});
    CHECK(desk.take("ticket.updated", of_one, noon + hours(5)) == Names{"resumed ownership"});
    CHECK(desk.clock(SlaMetric::ownership).due == noon + hours(6));
    desk.take("ticket.updated", solved, noon + hours(5));
    CHECK(desk.take("ticket.updated", of_two, noon + hours(7)) == Names{"started ownership"});
    CHECK(desk.clock(SlaMetric::ownership).due == noon + hours(9));
    Desk other("  - { id: p, reopen: ignore, targets: { ownership: 2h } }\n");
    other.take("ticket.created", of_one, noon);
    other.take("ticket.updated", solved, noon + hours(1));
    CHECK(other.take("ticket.updated", of_one, noon + hours(5)).empty());
    CHECK(other.take("ticket.updated", of_two, noon + hours(6)) == Names{"started ownership"});
}

TEST_CASE("sla: what is opened again has the target that holds then", "[sla]") {
    Desk desk(
        "  - { id: p, pause: { ticket.status: pending }, targets: { resolution: { urgent: 2h, else: 4h } } "
        "}\n");
    desk.take("ticket.created", open, noon);
    desk.take("ticket.updated", {{"status", "solved"}}, noon + hours(1));
    CHECK(desk.take("ticket.updated", {{"status", "open"}, {"priority", "urgent"}}, noon + hours(2)) ==
          Names{"retargeted resolution", "resumed resolution"});
    CHECK(desk.last("resumed").due == noon + hours(3));
    CHECK(desk.last("resumed").target == hours(2));
    // What stands does not go on yet.
    desk.take("ticket.updated", {{"status", "solved"}}, noon + minutes(150));
    CHECK(desk.take("ticket.updated", {{"status", "pending"}}, noon + hours(4)).empty());
    CHECK(desk.take("ticket.updated", open, noon + hours(5)) == Names{"resumed resolution"});
    CHECK(desk.clock(SlaMetric::resolution).due == noon + minutes(330));
}

TEST_CASE("sla: what is late at once was due then, when hours are closed too", "[sla]") {
    for (const std::string due_at : {"first_instant", "next_opening"}) {
        INFO(due_at);
        Desk desk("  - { id: p, calendar: office, due_at: " + due_at +
                  ", targets: { resolution: { urgent: 2h, else: 8h } } }\n");
        desk.take("ticket.created", open, noon);  // five hours before they close
        CHECK(desk.take("ticket.updated", {{"priority", "urgent"}}, noon + hours(6)) ==
              Names{"retargeted resolution", "breached resolution"});
        const auto breached = desk.last("breached");
        CHECK(breached.at == noon + hours(6));
        CHECK(breached.due == noon + hours(6));
        CHECK(breached.used == hours(5));
    }
    // What is used up exactly as they close has until they open again.
    Desk desk(
        "  - { id: p, calendar: office, due_at: next_opening, targets: { resolution: { urgent: 5h, else: 8h "
        "} } }\n");
    desk.take("ticket.created", open, noon);
    CHECK(desk.take("ticket.updated", {{"priority", "urgent"}}, noon + hours(6)) ==
          Names{"retargeted resolution"});
    CHECK(desk.clock(SlaMetric::resolution).due == noon + hours(21));
}

TEST_CASE("sla: the timer of a clock says which policy holds now", "[sla]") {
    Desk desk(
        "  - { id: gold, when: { ticket.organization: acme }, targets: { resolution: 4h } }\n"
        "  - { id: p, targets: { resolution: 4h } }\n");
    desk.take("ticket.created", open, noon);
    CHECK(desk.take("ticket.updated", {{"organization", "acme"}}, noon + hours(1)) ==
          Names{"retargeted resolution"});
    REQUIRE(desk.timers().size() == 1);
    CHECK(desk.timers()[0].due == noon + hours(4));
    CHECK(desk.timers()[0].body["data"]["sla"]["policy"] == "gold");
}

TEST_CASE("sla: an event at the very instant of a warning does not take its place", "[sla]") {
    Desk desk("  - { id: p, warn: [50%, 2h], targets: { resolution: 4h } }\n");
    desk.take("ticket.created", open, noon);
    auto other = event("other", "ticket.updated", "ticket/1", Json{{"ticket", {{"subject", "x"}}}});
    other.time = noon + hours(2);
    // By the clock of the machine it is not time yet.
    desk.submit(std::move(other), noon + hours(1));
    CHECK(desk.changes(1).empty());
    // Two at once are one.
    CHECK(desk.pass(noon + hours(2)) == Names{"warning resolution"});
    CHECK(desk.pass(noon + hours(3)).empty());
}

TEST_CASE("sla: a share of a target is not a microsecond short", "[sla]") {
    Desk desk("  - { id: p, warn: 57%, targets: { resolution: 8h } }\n");
    desk.take("ticket.created", open, noon);
    REQUIRE(desk.timers().size() == 1);
    CHECK(desk.timers()[0].due == noon + std::chrono::seconds(16'416));
}

TEST_CASE("sla: another target that comes late does not use time twice", "[sla]") {
    Desk desk(
        "  - { id: gold, when: { ticket.organization: acme }, targets: { resolution: 8h } }\n"
        "  - { id: p, targets: { resolution: { urgent: 2h, else: 6h } } }\n");
    desk.take("ticket.created", {{"status", "open"}, {"priority", "urgent"}}, noon);
    desk.take("ticket.updated", {{"priority", "low"}}, noon + minutes(90));
    auto late = event("late", "ticket.updated", "ticket/1", Json{{"ticket", {{"organization", "acme"}}}});
    late.time = noon + minutes(30);
    desk.submit(std::move(late), noon + minutes(100));
    CHECK(desk.clock(SlaMetric::resolution).policy == "gold");
    CHECK(desk.clock(SlaMetric::resolution).due == noon + hours(8));
}

TEST_CASE("sla: a policy that holds again finds the time used", "[sla]") {
    Desk desk(
        "  - { id: p, when: { ticket.tags: { has_none: [internal] } }, "
        "targets: { resolution: 4h, first_response: 2h } }\n");
    desk.take("ticket.created", open, noon);
    CHECK(desk.take("ticket.updated", {{"tags", {"internal"}}}, noon + hours(1)) ==
          Names{"cancelled first_response", "cancelled resolution"});
    CHECK(desk.take("ticket.updated", {{"tags", Json::array()}}, noon + hours(5)) ==
          Names{"resumed first_response", "resumed resolution"});
    CHECK(desk.clock(SlaMetric::first_response).due == noon + hours(6));
    CHECK(desk.clock(SlaMetric::resolution).due == noon + hours(8));
    // Who has answered meanwhile has answered.
    desk.take("ticket.updated", {{"tags", {"internal"}}}, noon + minutes(310));
    desk.take("ticket.updated", {{"subject", "x"}}, noon + minutes(320), from_agent);
    CHECK(desk.take("ticket.updated", {{"tags", Json::array()}}, noon + minutes(330)) ==
          Names{"resumed resolution"});
    CHECK(desk.pass(noon + minutes(500)) == Names{"breached resolution"});
    CHECK(found_in(desk) == "");
}

TEST_CASE("sla: a warning is given when an event that came later is decided first, too", "[sla]") {
    Desk desk("  - { id: p, warn: [50%], targets: { resolution: 4h } }\n");
    desk.take("ticket.created", open, noon);
    auto later = event("later", "ticket.updated", "ticket/1", Json{{"ticket", {{"subject", "x"}}}});
    later.time = noon + hours(3);
    desk.submit(std::move(later), noon + hours(1));
    CHECK(desk.changes(1) == Names{"warning resolution"});
    CHECK(desk.last("warning").at == noon + hours(2));
    CHECK(desk.entity("ticket/1").fields["tags"] == Json({"sla.started", "sla.warning"}));
    CHECK(desk.pass(noon + hours(4)) == Names{"breached resolution"});
    CHECK(found_in(desk) == "");
}

TEST_CASE("sla: a resume that is older than its pause uses no time twice", "[sla]") {
    Desk desk(
        "  - { id: p, pause: { ticket.status: pending, not: { ticket.tags: { has: vip } } }, "
        "targets: { resolution: 4h } }\n");
    desk.take("ticket.created", open, noon);
    desk.take("ticket.updated", {{"status", "pending"}}, noon + hours(2));
    auto older = event("older", "ticket.updated", "ticket/1", Json{{"ticket", {{"tags", {"vip"}}}}});
    older.time = noon + hours(1);
    desk.submit(std::move(older), noon + hours(3));
    CHECK(desk.clock(SlaMetric::resolution).due == noon + hours(4));
    CHECK(found_in(desk) == "");
}

TEST_CASE("sla: the journal says it all again", "[sla]") {
    Desk desk(
        "  - { id: p, calendar: office, warn: [50%], pause: { ticket.status: pending }, "
        "targets: { resolution: 4h, first_response: 1h, periodic_update: 90m } }\n");
    desk.take("ticket.created", open, noon, from_customer);
    desk.take("ticket.updated", {{"status", "pending"}}, noon + minutes(50), from_agent);
    desk.take("ticket.updated", open, noon + minutes(70), from_customer);
    desk.pass(noon + hours(24));
    desk.take("ticket.updated", {{"status", "solved"}}, noon + hours(25));
    desk.take("ticket.updated", open, noon + hours(26));
    desk.worker.reset();
    const auto proof = prove(desk);
    CHECK(proof.decisions > 6);
    CHECK(proof.found == "");
}

}  // namespace sla_test
