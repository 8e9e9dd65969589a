#include "engine/pipeline/timers.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/pipeline/dry_run.h"
#include "engine/pipeline/rehearsal.h"
#include "engine/pipeline/replayer.h"
#include "engine/pipeline/timer_queue.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/gated_store.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace timers_test {

using namespace engine;
using namespace engine::test;

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto reminding =
    "  - id: remind\n"
    "    on: ticket.created\n"
    "    then: [ { emit: { type: ticket.reminder, after: 10m, data: { note: { n: 1 } } } } ]\n"
    "  - id: postpone\n"
    "    on: ticket.touched\n"
    "    then: [ { emit: { type: ticket.reminder, after: 30m } } ]\n"
    "  - id: forget\n"
    "    on: ticket.solved\n"
    "    then: [ { cancel: ticket.reminder } ]\n"
    "  - id: reminded\n"
    "    on: ticket.reminder\n"
    "    then: [ { add_tags: [reminded] } ]\n";

constexpr auto waiting =
    "  - id: patient\n"
    "    on: ticket.created\n"
    "    then:\n"
    "      - add_tags: [begun]\n"
    "      - wait: 10m\n"
    "      - add_tags: [over]\n";

Json ticket(const std::string& status = "open") {
    return {{"ticket", {{"status", status}}}};
}

Json fired_row(World& world, const std::string& subject) {
    const auto rows = world.store->history(world.tenant->name, *Subject::parse(subject), 100);
    ENSURE(rows);
    for (const auto& row : *rows)
        if (row.kind == record_kind::event && row.actor.starts_with("timer:")) return *parse_json(*row.body);
    return Json();
}

std::vector<std::string> types_of(const World& world) {
    std::vector<std::string> types;
    for (const auto& decision : world.decisions) types.push_back(decision.event_type);
    return types;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("timers: one is an ordinary event of its lane when it is due", "[timers]") {
    World world(tenant_with(reminding));
    world.submit(event("e1", "ticket.created", "ticket/zendesk:1", ticket()));
    REQUIRE(timers_in(world).size() == 1);
    CHECK(world.worker->next_timer() == noon + minutes(10));
    CHECK_FALSE(world.worker->has_timers(noon + minutes(10) - Duration(1)));
    world.run(noon + minutes(10));
    CHECK(types_of(world) == Names{"ticket.created", "ticket.reminder"});
    CHECK(world.decisions.back().fired == Names{"reminded"});
    CHECK(world.entity("ticket/zendesk:1").fields["tags"] == Json({"reminded"}));
    CHECK(timers_in(world).empty());
    const auto row = fired_row(world, "ticket/zendesk:1");
    CHECK(row["source"] == "signalbox:timer");
    CHECK(row["data"]["note"] == Json{{"n", 1}});
    CHECK(row["data"]["timer"] == Json{{"name", "ticket.reminder"}, {"due", "2026-03-02T12:10:00Z"}});
    CHECK(row["cause"] == "e1");
    CHECK(row["connection"] == "zendesk");
    world.run(noon + minutes(60));
    CHECK(world.decisions.size() == 2);
}

TEST_CASE("timers: setting one again moves it, and cancelling ends it", "[timers]") {
    World world(tenant_with(reminding));
    world.submit(event("e1", "ticket.created", "ticket/1", ticket()));
    world.submit(event("e2", "ticket.touched", "ticket/1", ticket()), noon + minutes(5));
    REQUIRE(timers_in(world).size() == 1);
    world.run(noon + minutes(20));
    CHECK(world.decisions.size() == 2);
    world.run(noon + minutes(35));
    CHECK(types_of(world).back() == "ticket.reminder");
    world.submit(event("e3", "ticket.created", "ticket/2", ticket()), noon);
    world.submit(event("e4", "ticket.solved", "ticket/2", ticket()), noon);
    CHECK(timers_in(world).empty());
    CHECK(world.decisions.back().timers ==
          std::vector<TimerChange>{{"ticket.reminder", {}, "forget", "", Json::object(), ""}});
    // Of nothing there is nothing to cancel.
    world.submit(event("e5", "ticket.solved", "ticket/2", ticket()), noon);
    world.run(noon + minutes(90));
    CHECK(types_of(world).back() == "ticket.solved");
}

TEST_CASE("timers: they outlive the worker, and say how late they are", "[timers]") {
    World world(tenant_with(reminding));
    world.submit(event("e1", "ticket.created", "ticket/2", ticket()));
    world.submit(event("e2", "ticket.created", "ticket/1", ticket()), noon + seconds(1));
    world.submit(event("e3", "ticket.created", "ticket/3", ticket()));
    world.start();
    world.decisions.clear();
    world.run(noon + minutes(25));
    CHECK(world.decisions.size() == 3);
    // In due order, then by subject.
    CHECK(world.decisions[0].subject.text() == "ticket/2");
    CHECK(world.decisions[1].subject.text() == "ticket/3");
    CHECK(world.decisions[2].subject.text() == "ticket/1");
    CHECK(fired_row(world, "ticket/2")["data"]["timer"]["late_seconds"] == 15 * 60);
    world.start();
    world.run(noon + minutes(60));
    CHECK(world.decisions.size() == 3);
}

TEST_CASE("timers: what is deleted has none, and what is restored begins anew", "[timers]") {
    World world(tenant_with(std::string(reminding) + waiting));
    world.submit(event("e1", "ticket.created", "ticket/1", ticket()));
    CHECK(timers_in(world).size() == 2);
    world.submit(event("e2", "ticket.deleted", "ticket/1", Json::object()));
    CHECK(timers_in(world).empty());
    CHECK(world.store->all_continuations(world.tenant->name, "", 10)->empty());
    const auto& decision = world.decisions.back();
    REQUIRE(decision.timers.size() == 2);
    CHECK(std::none_of(decision.timers.begin(), decision.timers.end(),
                       [](const TimerChange& change) { return change.due.has_value(); }));
    CHECK(decision.skipped == std::vector<Skipped>{{"patient", "cancelled"}});
    world.run(noon + minutes(60));
    CHECK(world.decisions.size() == 2);
}

TEST_CASE("waits: the rest of the rule runs under the rules it began with", "[timers]") {
    World world(tenant_with(waiting));
    world.submit(event("e1", "ticket.created", "ticket/1",
                       Json{{"ticket", {{"status", "open"}}}, {"contact", {{"id", "9"}, {"name", "Ann"}}}}));
    const auto continuation = world.store->all_continuations(world.tenant->name, "", 10)->at(0);
    REQUIRE(timers_in(world).size() == 1);
    CHECK(timers_in(world)[0].name == wait_name(continuation.id));
    const auto other = tenant_with(
        "  - id: patient\n    on: ticket.created\n    then: [ { wait: 10m }, { add_tags: [other] } ]\n"
        "  - id: react\n    on: ticket.updated\n    when: { ticket.tags: { has: over } }\n    then: [ { "
        "add_tags: [seen] } ]\n");
    ENSURE(world.worker->activate(other, {}, noon));
    world.decisions.clear();
    world.run(noon + minutes(10));
    REQUIRE(world.decisions.size() == 1);
    CHECK(world.decisions[0].event_type == "wait.over");
    CHECK(world.decisions[0].fired == Names{"patient", "react"});
    CHECK(world.entity("ticket/1").fields["tags"] == Json({"begun", "over", "seen"}));
    CHECK(world.store->all_continuations(world.tenant->name, "", 10)->empty());
}

TEST_CASE("waits: a rule that is gone meanwhile does not go on", "[timers]") {
    World world(tenant_with(waiting));
    world.submit(event("e1", "ticket.created", "ticket/1", ticket()));
    ENSURE(world.worker->activate(tenant_with("  - id: other\n    on: ticket.created\n    then: []\n"), {},
                                  noon));
    world.run(noon + minutes(10));
    CHECK(world.decisions.back().skipped == std::vector<Skipped>{{"patient", "rule_inactive"}});
    CHECK(world.entity("ticket/1").fields["tags"] == Json({"begun"}));
}

TEST_CASE("waits: the time and the results that were asked for must both have come", "[timers]") {
    const auto rules =
        "  - id: both\n    on: ticket.created\n    then:\n"
        "      - slack.post_message: { channel: C1, text: hello }\n        as: post\n"
        "      - wait: 10m\n"
        "      - set: { ticket.custom.ts: \"{{ steps.post.result.ts }}\" }\n";
    for (const bool result_first : {true, false}) {
        World world(tenant_with(rules));
        world.submit(event("e1", "ticket.created", "ticket/1", ticket()));
        const auto due = world.worker->take_due(noon, 10);
        REQUIRE(due.size() == 1);
        const auto settle = [&](Instant now) {
            world.worker->settled(due[0].partition, due[0].number, done_with({{"ts", "7"}}));
            world.run(now);
        };
        if (result_first) settle(noon + minutes(1));
        CHECK_FALSE(world.entity("ticket/1").fields.contains("custom"));
        world.run(noon + minutes(10));
        CHECK(world.entity("ticket/1").fields.contains("custom") == result_first);
        if (!result_first) settle(noon + minutes(11));
        CHECK(world.entity("ticket/1").fields["custom"]["ts"] == "7");
        CHECK(world.store->all_continuations(world.tenant->name, "", 10)->empty());
    }
}

TEST_CASE("timers: those behind a blocked lane wait until it is released", "[timers]") {
    World world(tenant_with(std::string(reminding) +
                            "  - id: strict\n    on: ticket.spoilt\n    on_error: lane\n"
                            "    then: [ { set: { ticket.priority: \"{{ event.type }}\" } } ]\n"));
    world.submit(event("e1", "ticket.created", "ticket/1", ticket()));
    world.submit(event("e2", "ticket.created", "ticket/2", ticket()));
    world.submit(event("e3", "ticket.spoilt", "ticket/1", ticket()));
    REQUIRE(world.worker->blocked_lanes() == 1);
    world.decisions.clear();
    world.run(noon + minutes(10));
    CHECK(world.decisions.size() == 1);
    CHECK(world.decisions[0].subject.text() == "ticket/2");
    world.start();
    world.run(noon + minutes(11));
    CHECK(world.decisions.size() == 1);
    ENSURE(world.command("lanes.release", {{"subject", "ticket/1"}, {"mode", "discard"}}));
    world.run(noon + minutes(12));
    REQUIRE(world.decisions.size() == 2);
    CHECK(world.decisions[1].subject.text() == "ticket/1");
    CHECK(timers_in(world).empty());
}

TEST_CASE("timers: a refused commit fires them again, once", "[timers]") {
    auto opened = open_sqlite(":memory:");
    ENSURE(opened);
    auto gate = std::make_unique<GatedStore>(std::move(*opened));
    auto& store = *gate;
    ENSURE(store.own());
    const auto tenant = tenant_with(reminding);
    ENSURE(activate(store, *tenant, {}, noon));
    int reminders = 0;
    Worker worker(store, Tenants{{tenant->name, tenant}}, {}, [&](const Event& one, const Decision&) {
        reminders += one.type == "ticket.reminder" ? 1 : 0;
    });
    ENSURE(worker.start(noon));
    worker.submit({event("e1", "ticket.created", "ticket/1", ticket()),
                   event("e2", "ticket.created", "ticket/2", ticket())},
                  [](std::vector<Ack>) {});
    REQUIRE(worker.turn(noon));
    store.before_commit = [](std::span<const Step>) -> Result<void> { return unavailable("away"); };
    CHECK_FALSE(worker.turn(noon + minutes(10)));
    store.before_commit = nullptr;
    CHECK(reminders == 0);
    CHECK(worker.has_timers(noon + minutes(10)));
    CHECK(worker.turn(noon + minutes(10)));
    CHECK(reminders == 2);
    CHECK_FALSE(worker.has_timers(noon + minutes(60)));
}

TEST_CASE("timers: a read that fails is done again", "[timers]") {
    auto opened = open_sqlite(":memory:");
    ENSURE(opened);
    auto gate = std::make_unique<GatedStore>(std::move(*opened));
    auto& store = *gate;
    ENSURE(store.own());
    const auto tenant = tenant_with(reminding);
    ENSURE(activate(store, *tenant, {}, noon));
    WorkerOptions options;
    options.timers_memory_max = 1;
    std::vector<std::string> fired;
    Worker worker(store, Tenants{{tenant->name, tenant}}, options, [&](const Event& one, const Decision&) {
        if (one.type == "ticket.reminder") fired.push_back(one.subject.text());
    });
    ENSURE(worker.start(noon));
    for (int i = 1; i <= 4; ++i) {
        const auto number = std::to_string(i);
        worker.submit({event("e" + number, "ticket.created", "ticket/" + number, ticket())},
                      [](std::vector<Ack>) {});
        REQUIRE(worker.turn(noon + seconds(i)));
    }
    bool is_away = true;
    store.before_timers = [&]() -> Result<void> {
        if (is_away) return unavailable("away");
        return {};
    };
    const auto due = noon + minutes(11);
    bool refused = false;
    for (int i = 0; i < 10 && !refused; ++i) refused = !worker.turn(due);
    CHECK(refused);
    CHECK(worker.has_timers(due));
    is_away = false;
    while (worker.has_timers(due)) REQUIRE(worker.turn(due));
    CHECK(fired == Names{"ticket/1", "ticket/2", "ticket/3", "ticket/4"});
}

TEST_CASE("timers: one that was ended in a commit that had to be taken apart does not fire", "[timers]") {
    auto opened = open_sqlite(":memory:");
    ENSURE(opened);
    auto gate = std::make_unique<GatedStore>(std::move(*opened));
    auto& store = *gate;
    ENSURE(store.own());
    const auto tenant =
        tenant_with(std::string(reminding) +
                    "  - id: close\n    on: ticket.closing\n    then: [ { emit: ticket.solved } ]\n");
    ENSURE(activate(store, *tenant, {}, noon));
    Names types;
    Worker worker(store, Tenants{{tenant->name, tenant}}, {},
                  [&](const Event& one, const Decision&) { types.push_back(one.type); });
    ENSURE(worker.start(noon));
    const auto take = [&](const std::string& id, const std::string& type, Instant now) {
        worker.submit({event(id, type, "ticket/1", ticket())}, [](std::vector<Ack>) {});
        REQUIRE(worker.turn(now));
    };
    take("e1", "ticket.created", noon);
    take("e2", "ticket.closing", noon + minutes(10) - seconds(1));
    bool contradicts = true;
    store.before_commit = [&](std::span<const Step>) -> Result<void> {
        if (std::exchange(contradicts, false)) return Error{Code::conflict, "contradicts"};
        return {};
    };
    while (worker.has_work() || worker.has_timers(noon + minutes(10)))
        REQUIRE(worker.turn(noon + minutes(10)));
    CHECK(types == Names{"ticket.created", "ticket.closing", "ticket.solved"});
    CHECK(store.timers(tenant->name, 10)->empty());
}

TEST_CASE("timers: what is due as its subject is erased is erased with it", "[timers]") {
    World world(tenant_with(std::string(reminding) + waiting));
    world.submit(event("e1", "ticket.created", "ticket/1", ticket()));
    world.decisions.clear();
    Request request;
    request.tenant = world.tenant->name;
    request.command = "erase";
    request.arguments = Json{{"subject", "ticket/1"}};
    request.actor = "operator:test";
    Result<Json> answer = not_found("no answer");
    world.worker->command(request, [&answer](Result<Json> result) { answer = std::move(result); });
    world.run(noon + minutes(10));
    REQUIRE(answer);
    CHECK(world.decisions.empty());
    CHECK(timers_in(world).empty());
}

TEST_CASE("timers: an entity has no more than it may, and the decision says so", "[timers]") {
    World world(
        tenant_with("  - id: remind\n"
                    "    on: ticket.created\n"
                    "    then:\n"
                    "      - emit: { type: ticket.reminder, after: 10m, name: \"{{ ticket.subject }}\" }\n"
                    "      - add_tags: [\"{{ ticket.subject }}\"]\n"
                    "  - id: patient\n"
                    "    on: ticket.touched\n"
                    "    then: [ { cancel: a }, { wait: 10m }, { add_tags: [over] } ]\n",
                    "name: acme\nlimits: { lane_timers_max: 2 }\n"));
    const auto remind = [&](const std::string& id, const std::string& name) {
        world.submit(event(id, "ticket.created", "ticket/1", Json{{"ticket", {{"subject", name}}}}));
        return world.decisions.back().failures.empty();
    };
    CHECK(remind("e1", "a"));
    CHECK(remind("e2", "b"));
    // One that moves another takes no more room.
    CHECK(remind("e3", "a"));
    CHECK_FALSE(remind("e4", "c"));
    CHECK(world.decisions.back().failures[0].message ==
          "the timers of the entity have reached lane_timers_max (2), which `limits` in tenant.yaml raises");
    CHECK(world.decisions.back().changes.empty());
    CHECK(timers_in(world).size() == 2);
    world.submit(event("e5", "ticket.touched", "ticket/1", ticket()));
    CHECK(world.decisions.back().failures.empty());
    world.submit(event("e6", "ticket.touched", "ticket/1", ticket()));
    CHECK(world.decisions.back().failures.size() == 1);
    CHECK(timers_in(world).size() == 2);
    CHECK(found_in(world) == "");
}

TEST_CASE("waits: an operator's retry runs the rest again", "[timers]") {
    World world(tenant_with(
        "  - id: strict\n    on: ticket.created\n    on_error: lane\n    then:\n      - wait: 10m\n"
        "      - set: { ticket.priority: \"{{ ticket.custom.wish }}\" }\n"
        "  - id: other\n    on: \"*\"\n    then: [ { add_tags: [seen] } ]\n"));
    world.submit(
        event("e1", "ticket.created", "ticket/1", Json{{"ticket", {{"custom", {{"wish", "bad"}}}}}}));
    world.run(noon + minutes(10));
    REQUIRE(world.worker->blocked_lanes() == 1);
    REQUIRE(world.decisions.back().failures.size() == 1);
    ENSURE(world.command("lanes.release", {{"subject", "ticket/1"}, {"mode", "retry"}}));
    CHECK(world.worker->blocked_lanes() == 1);
    CHECK(world.decisions.back().event_id.text().ends_with("~retry"));
    CHECK(world.decisions.back().failures.size() == 1);
}

TEST_CASE("waits: the rest reads others as they are then", "[timers]") {
    World world(
        tenant_of({{"tenant.yaml", "name: acme\n"},
                   {"fields.yaml", "links: { ticket.requester.email: { kind: contact, by: email } }\n"},
                   {"rules.yaml",
                    "rules:\n  - id: patient\n    on: ticket.created\n    then:\n      - wait: 10m\n"
                    "      - set: { ticket.queue: \"{{ contact.name }}\" }\n"}}));
    const auto contact = [](const std::string& name) {
        return Json{{"id", "9"}, {"email", "a@x.org"}, {"name", name}};
    };
    world.submit(
        event("e1", "ticket.created", "ticket/1",
              Json{{"ticket", {{"requester", {{"email", "a@x.org"}}}}}, {"contact", contact("before")}}));
    world.submit(event("e2", "contact.updated", "contact/9", Json{{"contact", contact("after")}}));
    world.run(noon + minutes(10));
    CHECK(world.entity("ticket/1").fields["queue"] == "after");
}

TEST_CASE("waits: nobody hears of a time that is over before the results have come", "[timers]") {
    World world(
        tenant_with("  - id: both\n    on: ticket.created\n    then:\n"
                    "      - slack.post_message: { channel: C1, text: hello }\n        as: post\n"
                    "      - wait: 10m\n"
                    "      - set: { ticket.custom.ts: \"{{ steps.post.result.ts }}\" }\n"
                    "  - id: all\n    on: wait.over\n    then: [ { add_tags: [heard] } ]\n"));
    world.submit(event("e1", "ticket.created", "ticket/1", ticket()));
    world.run(noon + minutes(10));
    CHECK(world.decisions.back().event_type == "wait.over");
    CHECK(world.decisions.back().fired.empty());
}

TEST_CASE("timers: a loop of them ends, a slow round does not", "[timers]") {
    World world(
        tenant_with("  - id: quick\n    on: [ticket.created, ticket.quick]\n    then: [ { emit: { type: "
                    "ticket.quick, after: 1s } } ]\n"
                    "  - id: slow\n    on: [ticket.created, ticket.slow]\n    then: [ { emit: { type: "
                    "ticket.slow, after: 1h } } ]\n"));
    world.submit(event("e1", "ticket.created", "ticket/1", ticket()));
    for (int hour = 0; hour < 30; ++hour) world.run(noon + std::chrono::hours(hour));
    const auto types = types_of(world);
    CHECK(std::count(types.begin(), types.end(), "ticket.quick") == 17);
    CHECK(std::count(types.begin(), types.end(), "ticket.slow") == 29);
    CHECK(timers_in(world).size() == 1);
}

TEST_CASE("timer queue: holds the next ones, and finds the others in the store", "[timers]") {
    auto store = open_sqlite(":memory:");
    ENSURE(store);
    ENSURE((*store)->own());
    Step step;
    step.tenant = TenantName("acme");
    const auto timer = [](int number) {
        Timer one;
        one.tenant = TenantName("acme");
        one.subject = *Subject::parse("ticket/" + std::to_string(number));
        one.name = "t";
        one.due = noon + seconds(number);
        return one;
    };
    for (int i = 0; i < 2'500; ++i) step.timers_set.push_back(timer(i));
    ENSURE((*store)->commit(std::span(&step, 1)));
    TimerQueue queue(100);
    const auto all = [](const Timer&) { return true; };
    ENSURE(queue.read(**store, all));
    CHECK(queue.size() == 1'000);  // a page, more than may be kept for long
    // What is due later than all that memory holds is not kept, what is due sooner is.
    Step more;
    more.tenant = TenantName("acme");
    more.timers_set = {timer(5'000), timer(-1)};
    queue.apply(more);
    CHECK(queue.next_due() == noon - seconds(1));
    CHECK(queue.size() == 100);
    // Of one name there is one, wherever it was.
    for (const int due : {70, 40, 41}) {
        auto moved = timer(50);
        moved.due = noon + seconds(due);
        queue.set(moved);
    }
    CHECK(queue.size() == 100);
    queue.set(timer(50));
    int seen = 0;
    Instant last = Instant::min();
    while (true) {
        if (queue.needs_read()) {
            Step gone;
            gone.tenant = TenantName("acme");
            for (int i = 0; i < seen; ++i) gone.timers_removed.push_back(timer(i - 1));
            ENSURE((*store)->commit(std::span(&gone, 1)));
            ENSURE(queue.read(**store, all));
        }
        const auto due = queue.take_due(noon + seconds(10'000), 64);
        if (due.empty()) break;
        for (const auto& one : due) {
            CHECK(one.due > last);
            last = one.due;
        }
        seen += static_cast<int>(due.size());
    }
    CHECK(seen == 2'501);

    TimerQueue small(2);
    ENSURE(small.read(**store, all));
    Step set;
    set.tenant = TenantName("acme");
    for (const int number : {9, 7, 5, 3, 1}) {
        set.timers_set = {timer(number)};
        small.apply(set);
    }
    CHECK(small.size() <= 4);
    CHECK(small.next_due() == noon + seconds(1));
    set.timers_set.clear();
    set.erasures = {{*Subject::parse("ticket/1"), {}}};
    small.apply(set);
    CHECK(small.next_due() == noon + seconds(3));
}

TEST_CASE("replay: timers fire at their time, behind the events of that instant", "[timers]") {
    const auto tenant = tenant_with(reminding);
    auto store = open_sqlite(":memory:");
    ENSURE(store);
    Names lines;
    Replayer replayer(**store, tenant, [&](const Event& one, const Decision& decision) {
        lines.push_back(to_text(decision.now).substr(11, 5) + " " + one.subject.text() + " " + one.type);
    });
    ENSURE(replayer.start());
    for (const auto& [id, type, subject, time] :
         std::vector<std::array<const char*, 4>>{{"e1", "ticket.created", "ticket/2", "2026-03-02T12:00:00Z"},
                                                 {"e2", "ticket.created", "ticket/1", "2026-03-02T12:00:00Z"},
                                                 {"e3", "ticket.created", "ticket/3", "2026-03-02T12:05:00Z"},
                                                 {"e4", "ticket.solved", "ticket/2", "2026-03-02T12:10:00Z"},
                                                 {"e5", "ticket.solved", "ticket/3", "2026-03-02T12:15:01Z"}})
        ENSURE(replayer.take(event(id, type, subject, ticket(), time)));
    ENSURE(replayer.finish());
    CHECK(lines == Names{"12:00 ticket/2 ticket.created", "12:00 ticket/1 ticket.created",
                         "12:05 ticket/3 ticket.created", "12:10 ticket/2 ticket.solved",
                         "12:10 ticket/1 ticket.reminder", "12:15 ticket/3 ticket.reminder",
                         "12:15 ticket/3 ticket.solved"});
    CHECK_FALSE(replayer.has_timers_left());
}

TEST_CASE("replay: it ends, whatever timers set, and stops where it is told", "[timers]") {
    const auto tenant = tenant_with(
        "  - id: slow\n    on: [ticket.created, ticket.slow]\n    then: [ { emit: { type: ticket.slow, "
        "after: 30d } } ]\n");
    for (const bool is_told : {false, true}) {
        auto store = open_sqlite(":memory:");
        ENSURE(store);
        int decisions = 0;
        Replayer replayer(**store, tenant, [&](const Event&, const Decision&) { ++decisions; });
        ENSURE(replayer.start());
        ENSURE(replayer.take(event("e1", "ticket.created", "ticket/1", ticket(), "2026-03-02T12:00:00Z")));
        const auto until = at("2026-03-02T12:00:00Z") + std::chrono::days(60);
        ENSURE(replayer.finish(is_told ? std::optional(until) : std::nullopt));
        CHECK(decisions == (is_told ? 3 : 1 + 3'660 / 30));
        CHECK(replayer.has_timers_left());
    }
}

TEST_CASE("rehearsal: shows what timers do as far as the clock goes on", "[timers]") {
    const auto tenant = tenant_with(std::string(reminding) + waiting);
    const auto scratch = [] { return open_sqlite(":memory:"); };
    const auto types_after = [&](Duration advance) {
        Names types;
        const auto decisions = rehearse(
            tenant, {Json::object(), {event("e1", "ticket.created", "ticket/1", ticket())}, noon, advance},
            scratch);
        ENSURE(decisions);
        for (const auto& decision : *decisions) types.push_back(decision.event_type);
        return types;
    };
    CHECK(types_after(Duration(0)) == Names{"ticket.created"});
    CHECK(types_after(minutes(10) - Duration(1)) == Names{"ticket.created"});
    CHECK(types_after(minutes(10)) == Names{"ticket.created", "ticket.reminder", "wait.over"});
}

}  // namespace timers_test
