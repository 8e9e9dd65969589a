/// Escalations, who is on call, and the desk.

#include "engine/pipeline/tenant.h"
#include "rules/policies/escalation.h"
#include "rules/policies/queues.h"
#include "tests/support/catch.h"
#include "tests/unit/http/running.h"

namespace http_routing_test {

using namespace http_test;
using namespace http_test::as_acme;
using engine::Json;
using engine::Subject;
using engine::TenantName;
using State = rules::EscalationRun::State;
using namespace std::chrono_literals;

namespace {

const TenantName acme("acme");

constexpr auto routing_yaml = R"(agents:
  - { id: ana, name: Ana Lopez, capacity: 12, hours: night, notify: [ { emit: told } ] }
  - { id: ben, capacity: { chat: 2, other: 8, all: 9 }, notify: [ { emit: told } ] }
  - { id: cora }
teams:
  - { id: first-line, members: [ana, ben, cora] }
queues:
  - { id: general, teams: [first-line], priority: 10 }
  - { id: chats, kind: conversation, teams: [first-line], hours: night }
on_call:
  - id: first-line
    zone: UTC
    rotations: [ { turns: [ana, ben], every: 1d, starts: 2026-05-01, hand_over: "09:00" } ]
  - id: nobody
    zone: UTC
    rotations: [ { turns: [ben], every: 1w, starts: 2027-01-01 } ]
)";

/// acme routes. Before the first request.
void take_up_routing(Running& running) {
    engine::Diagnostics diagnostics;
    const rules::Files files{
        {"tenant.yaml", "name: acme\n"},
        {"calendars.yaml",
         "calendars:\n  night:\n    zone: UTC\n    hours: { mon-sun: [\"22:00-23:00\"] }\n"},
        {"routing.yaml", routing_yaml}};
    const auto tenant = engine::load_tenant(acme, files, {}, diagnostics);
    for (const auto& one : diagnostics.sorted()) INFO(engine::to_text(one));
    REQUIRE(tenant);
    running.door.tenants[acme] = tenant;
}

engine::Entity& entity(Running& running, const std::string& subject) {
    auto& list = running.door.store.entity_list;
    for (auto& one : list)
        if (one.subject.text() == subject) return one;
    list.emplace_back();
    list.back().tenant = acme;
    list.back().subject = *Subject::parse(subject);
    list.back().version = 1;
    return list.back();
}

/// Under way; what goes on by itself has its timer.
void escalate(Running& running, const std::string& subject, const std::string& id, State state,
              std::optional<engine::Duration> due_in, bool with_timer = true) {
    running.door.on_engine([&] {
        auto& routing = entity(running, subject).routing;
        auto runs = rules::escalation_runs_from(routing.value("escalations", Json()));
        auto& run = runs[id];
        run.ruleset = "sha256:0";
        run.state = state;
        run.level = 1;
        run.started = running.clock.now() - 1h;
        if (due_in) run.due = running.clock.now() + *due_in;
        routing["escalations"] = rules::to_json(runs);
        if (!due_in || !with_timer) return;
        engine::Timer timer;
        timer.tenant = acme;
        timer.subject = *Subject::parse(subject);
        timer.name = rules::escalation_timer_name(id);
        timer.due = *run.due;
        running.door.store.timer_list.push_back(timer);
    });
}

void place(Running& running, const std::string& subject, const rules::Placement& placement) {
    running.door.on_engine([&] { entity(running, subject).routing["place"] = rules::to_json(placement); });
}

void assign(Running& running, const std::string& subject, const std::string& agent,
            const std::string& channel) {
    rules::Placement placement;
    placement.queue = "general";
    placement.agent = agent;
    placement.channel = channel;
    place(running, subject, placement);
}

void let_wait(Running& running, const std::string& subject, int rank, engine::Duration since,
              bool held = false) {
    rules::Placement placement;
    placement.queue = "general";
    placement.waits = running.clock.now() - since;
    placement.rank = rank;
    placement.held = held;
    place(running, subject, placement);
}

/// Three of two tickets and one of a conversation.
void begin_escalations(Running& running) {
    escalate(running, "ticket/1", "outage", State::running, 10min);
    escalate(running, "ticket/1", "vip", State::exhausted, {});
    escalate(running, "ticket/2", "outage", State::acknowledged, {});
    escalate(running, "conversation/c 9", "outage", State::running, 20min);
}

std::vector<std::string> named(const Json& items) {
    std::vector<std::string> names;
    for (const auto& item : items)
        names.push_back(item["subject"].get<std::string>() + " " + item["escalation"].get<std::string>());
    return names;
}

std::vector<std::string> escalations(Running& running, const std::string& query) {
    const auto reply = get(running, "/v1/acme/escalations?" + query);
    REQUIRE(reply.status == 200);
    return named(reply.json()["escalations"]);
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("routing: escalations are listed in pages of any size, none twice", "[http]") {
    Running running;
    begin_escalations(running);
    for (const char* limit : {"1", "2", "3", "4", "100"}) {
        INFO(limit);
        const auto all = all_pages(running, std::string("/v1/acme/escalations?limit=") + limit, "escalations",
                                   static_cast<std::size_t>(std::stoi(limit)));
        CHECK(named(Json(all)) ==
              Names{"conversation/c 9 outage", "ticket/1 outage", "ticket/1 vip", "ticket/2 outage"});
    }
}

TEST_CASE("routing: an escalation says where it stands", "[http]") {
    Running running;
    begin_escalations(running);
    const auto all = get(running, "/v1/acme/escalations").json()["escalations"];
    REQUIRE(all.size() == 4);
    CHECK(all[1] == Json{{"subject", "ticket/1"},
                         {"escalation", "outage"},
                         {"state", "running"},
                         {"level", 1},
                         {"round", 1},
                         {"started_at", "2026-05-04T07:00:00Z"},
                         {"due_at", "2026-05-04T08:10:00Z"}});
    CHECK_FALSE(all[2].contains("due_at"));
}

TEST_CASE("routing: escalations are found by state, name and kind of entity", "[http]") {
    Running running;
    begin_escalations(running);
    CHECK(escalations(running, "state=running") == Names{"conversation/c 9 outage", "ticket/1 outage"});
    CHECK(escalations(running, "state=exhausted") == Names{"ticket/1 vip"});
    CHECK(escalations(running, "escalation=vip") == Names{"ticket/1 vip"});
    CHECK(escalations(running, "kind=ticket&escalation=outage") ==
          Names{"ticket/1 outage", "ticket/2 outage"});
    CHECK(escalations(running, "kind=call").empty());
    // A page ends at the limit though others that do not fit are between.
    const auto page = get(running, "/v1/acme/escalations?escalation=outage&limit=2").json();
    CHECK(page["escalations"].size() == 2);
    CHECK(page["next"] == "ticket/1 outage");
}

TEST_CASE("routing: what is asked for wrongly names what there is", "[http]") {
    Running running;
    take_up_routing(running);
    for (const char* target : {"escalations?state=angry", "escalations?limit=0", "escalations?after=nothing",
                               "escalations?after=x%20y", "escalations/audit?state=", "escalations/Ticket/1",
                               "on-call?at=tomorrow", "on-call?for=week", "on-call?for=2000d",
                               "on-call?limit=x", "desk?limit=1001", "desk/queues/general?limit=-1"}) {
        INFO(target);
        const auto reply = get(running, std::string("/v1/acme/") + target);
        CHECK(reply.status == 400);
        CHECK(reply.is_problem());
    }
    CHECK(get(running, "/v1/acme/escalations?state=angry").json()["detail"] ==
          "the parameter \"state\": no state of an escalation is \"angry\"; there are running, acknowledged, "
          "exhausted");
    for (const char* target : {"escalations/ticket/none", "on-call?schedule=second-line", "desk/agents/dora",
                               "desk/queues/nights", "desk/teams/first-line"}) {
        INFO(target);
        CHECK(get(running, std::string("/v1/acme/") + target).status == 404);
    }
}

TEST_CASE("routing: the escalations of one entity stand alone and with the entity", "[http]") {
    Running running;
    begin_escalations(running);
    const auto own = get(running, "/v1/acme/escalations/ticket/1").json()["escalations"];
    CHECK(named(own) == Names{"ticket/1 outage", "ticket/1 vip"});
    const auto whole = get(running, "/v1/acme/entities/ticket/1").json();
    CHECK(whole["escalations"]["outage"]["state"] == "running");
    CHECK(whole["escalations"]["vip"]["level"] == 1);
    CHECK(get(running, "/v1/acme/escalations/conversation/c%209").json()["escalations"].size() == 1);
    // One without any is no unknown entity.
    running.door.on_engine([&] { entity(running, "ticket/calm"); });
    CHECK(get(running, "/v1/acme/escalations/ticket/calm").json()["escalations"] == Json::array());
    CHECK_FALSE(get(running, "/v1/acme/entities/ticket/calm").json().contains("escalations"));
}

TEST_CASE("routing: the audit lists what should have gone on and did not", "[http]") {
    Running running;
    begin_escalations(running);
    CHECK(get(running, "/v1/acme/escalations/audit").json() == Json{{"escalations", Json::array()}});
    escalate(running, "ticket/3", "outage", State::running, 30min, false);  // its timer is lost
    escalate(running, "ticket/4", "outage", State::running, {});            // nothing says when
    escalate(running, "ticket/5", "outage", State::running, -2min);         // it is late
    escalate(running, "ticket/6", "outage", State::running, -30s);          // it will be there in a moment
    const auto faults = all_pages(running, "/v1/acme/escalations/audit?limit=2", "escalations", 2);
    CHECK(named(Json(faults)) == Names{"ticket/3 outage", "ticket/4 outage", "ticket/5 outage"});
    CHECK(faults[0]["fault"] == "it goes on at 2026-05-04T08:30:00Z, and no timer is set for that");
    CHECK(faults[1]["fault"] == "it is under way, and nothing says when it goes on");
    CHECK(faults[2]["fault"] == "it should have gone on at 2026-05-04T07:58:00Z");
    CHECK(get(running, "/v1/acme/escalations").json()["escalations"].size() == 8);
}

TEST_CASE("routing: who is on call is said for every schedule, now and at any time", "[http]") {
    Running running;
    take_up_routing(running);
    const auto now = get(running, "/v1/acme/on-call").json()["on_call"];
    REQUIRE(now.size() == 2);
    CHECK(now[0] == Json{{"schedule", "first-line"},
                         {"from", "2026-05-03T09:00:00Z"},
                         {"until", "2026-05-04T09:00:00Z"},
                         {"who", {"ana"}},
                         {"overridden", false}});
    CHECK(now[1]["who"] == Json::array());
    const auto later = get(running, "/v1/acme/on-call?schedule=first-line&at=2026-05-04T09:00:00Z").json();
    REQUIRE(later["on_call"].size() == 1);
    CHECK(later["on_call"][0]["who"] == Json{"ben"});
    running.clock.advance(1h);
    CHECK(get(running, "/v1/acme/on-call").json()["on_call"][0]["who"] == Json{"ben"});
}

TEST_CASE("routing: shifts of a span are listed in pages, though the clock goes on", "[http]") {
    Running running;
    take_up_routing(running);
    const auto week = get(running, "/v1/acme/on-call?for=1w&schedule=first-line").json()["on_call"];
    REQUIRE(week.size() == 8);  // cut off at both ends
    CHECK(week[0]["from"] == "2026-05-04T08:00:00Z");
    CHECK(week[7]["until"] == "2026-05-11T08:00:00Z");
    auto reply = get(running, "/v1/acme/on-call?for=1w&schedule=first-line&limit=3");
    running.clock.advance(48h);
    auto shifts = reply.json()["on_call"];
    const auto link = reply.header("link");
    for (auto& one : all_pages(running, link.substr(1, link.find('>') - 1), "on_call", 3))
        shifts.push_back(one);
    CHECK(shifts == week);
}

TEST_CASE("routing: a tenant that does not route has nobody on call and an empty desk", "[http]") {
    Running running;
    CHECK(get(running, "/v1/acme/on-call").json() == Json{{"on_call", Json::array()}});
    CHECK(get(running, "/v1/acme/desk").json() == Json{{"agents", Json::array()}, {"queues", Json::array()}});
}

TEST_CASE("routing: the desk shows load beside capacity, by channel", "[http]") {
    Running running;
    take_up_routing(running);
    assign(running, "conversation/1", "ben", "chat");
    assign(running, "conversation/2", "ben", "chat");
    assign(running, "ticket/3", "ben", "email");
    const auto agents = get(running, "/v1/acme/desk").json()["agents"];
    REQUIRE(agents.size() == 3);
    CHECK(agents[0] == Json{{"id", "ana"},
                            {"name", "Ana Lopez"},
                            {"here", false},
                            {"capacity", {{"all", 12}, {"channels", Json::object()}}},
                            {"load", {{"all", 0}, {"channels", Json::object()}}},
                            {"open", Json::array()}});
    CHECK(agents[1]["here"] == true);
    CHECK(agents[1]["capacity"] == Json{{"all", 9}, {"other", 8}, {"channels", {{"chat", 2}}}});
    CHECK(agents[1]["load"] == Json{{"all", 3}, {"channels", {{"chat", 2}, {"email", 1}}}});
    CHECK(agents[1]["open"][2] == Json{{"subject", "ticket/3"}, {"channel", "email"}, {"queue", "general"}});
    CHECK(agents[2]["capacity"] == Json{{"channels", Json::object()}});
    CHECK(get(running, "/v1/acme/entities/ticket/3").json()["place"]["agent"] == "ben");
}

TEST_CASE("routing: who has gone from routing.yaml is on the desk with what is left", "[http]") {
    Running running;
    take_up_routing(running);
    assign(running, "ticket/1", "zoe", "email");
    assign(running, "ticket/2", "emil", "email");
    const auto agents = get(running, "/v1/acme/desk").json()["agents"];
    REQUIRE(agents.size() == 5);
    CHECK(agents[3]["id"] == "emil");
    CHECK(agents[4]["id"] == "zoe");
    CHECK(agents[4]["gone"] == true);
    CHECK(agents[4]["load"]["all"] == 1);
    CHECK_FALSE(agents[4].contains("capacity"));
}

TEST_CASE("routing: what waits is listed in the order in which it is handed out", "[http]") {
    Running running;
    take_up_routing(running);
    let_wait(running, "ticket/a", 2, 3h);
    let_wait(running, "ticket/b", 1, 1h);
    let_wait(running, "ticket/c", 1, 2h);
    let_wait(running, "ticket/d", 1, 2h);
    let_wait(running, "ticket/e", 0, 9h, true);  // offered to nobody
    const auto order = [](const Json& waiting) {
        Names names;
        for (const auto& one : waiting) names.push_back(one["subject"].get<std::string>());
        return names;
    };
    const Names expected{"ticket/c", "ticket/d", "ticket/b", "ticket/a", "ticket/e"};
    const auto queues = get(running, "/v1/acme/desk").json()["queues"];
    REQUIRE(queues.size() == 2);
    CHECK(queues[0]["id"] == "general");
    CHECK(queues[0]["kind"] == "ticket");
    CHECK(queues[0]["priority"] == 10);
    CHECK(queues[0]["open"] == true);
    CHECK(queues[0]["count"] == 5);
    CHECK(order(queues[0]["waiting"]) == expected);
    CHECK(queues[0]["waiting"][0]["since"] == "2026-05-04T06:00:00Z");
    CHECK(queues[0]["waiting"][4]["held"] == true);
    CHECK(queues[1]["open"] == false);
    CHECK(queues[1]["count"] == 0);
    // A limit cuts lists, not counts; the rest comes page by page.
    const auto cut = get(running, "/v1/acme/desk?limit=2").json()["queues"][0];
    CHECK(cut["count"] == 5);
    CHECK(order(cut["waiting"]) == Names{"ticket/c", "ticket/d"});
    CHECK(order(Json(all_pages(running, "/v1/acme/desk/queues/general?limit=2", "waiting", 2))) == expected);
}

TEST_CASE("routing: the work of one agent is listed in pages", "[http]") {
    Running running;
    take_up_routing(running);
    for (int i = 0; i < 5; ++i) assign(running, "ticket/" + std::to_string(i), "cora", "");
    assign(running, "ticket/x", "ben", "");
    const auto open = all_pages(running, "/v1/acme/desk/agents/cora?limit=2", "open", 2);
    REQUIRE(open.size() == 5);
    CHECK(open[4]["subject"] == "ticket/4");
    CHECK(get(running, "/v1/acme/desk/agents/ana").json()["open"].empty());
}

TEST_CASE("routing: what others see needs the scope, and is of one tenant", "[http]") {
    Running running;
    take_up_routing(running);
    begin_escalations(running);
    const auto poor = running.add_key("acme", {"events:write"});
    for (const char* target : {"escalations", "escalations/audit", "escalations/ticket/1", "on-call", "desk",
                               "desk/agents/ana", "desk/queues/general"}) {
        INFO(target);
        Client client(running);
        const auto path = std::string("/v1/acme/") + target;
        CHECK(client.ask(authorised("GET", path, poor)).status == 403);
        CHECK(Client(running).ask(authorised("GET", path, running.globex_key)).status == 404);
        CHECK(Client(running).ask(authorised("POST", path, running.key)).status == 405);
    }
    const auto other = Client(running).ask(authorised("GET", "/v1/globex/escalations", running.globex_key));
    CHECK(other.json()["escalations"].empty());
}

}  // namespace http_routing_test
