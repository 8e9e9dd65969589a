// Rules on a schedule: on a lane of their own, or sweeping over all entities of a kind.

#include "engine/pipeline/replayer.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace schedules_test {

using namespace engine;
using namespace engine::test;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

using Names = std::vector<std::string>;

constexpr auto morning =
    "  - id: morning\n"
    "    on: schedule\n"
    "    schedule: { cron: \"0 9 * * mon-fri\", zone: Europe/Berlin }\n"
    "    then:\n"
    "      - set: { schedule.custom.last: \"{{ now }}\" }\n";
constexpr auto chasing =
    "  - id: chase\n"
    "    on: schedule\n"
    "    schedule: { every: 1h, for: ticket }\n"
    "    when: { ticket.status: pending, ticket.created_at: { older_than: 3d }, contact.tier: { ne: vip } }\n"
    "    then: [ { add_tags: [chased] } ]\n";

void begin(World& world, Instant now = noon) {
    ENSURE(world.worker->begin_schedules(world.tenant->name, now));
    world.run(now);
}

Names types_of(const World& world) {
    Names types;
    for (const auto& decision : world.decisions) types.push_back(decision.event_type);
    return types;
}

void submit_ticket(World& world, int number, const std::string& status, const std::string& created) {
    const auto id = std::to_string(number);
    world.submit(event("t" + id, "ticket.created", "ticket/" + id,
                       {{"ticket", {{"status", status}, {"created_at", created}}}}));
}

}  // namespace

TEST_CASE("schedules: a rule hears of its time, in its own lane, and of the next one", "[schedules]") {
    World world(tenant_with(morning));
    begin(world);
    REQUIRE(timers_in(world).size() == 1);
    CHECK(timers_in(world)[0].due == at("2026-03-03T08:00:00Z"));
    world.run(at("2026-03-03T08:00:00Z"));
    CHECK(types_of(world) == Names{"schedule.begun", "schedule.morning"});
    CHECK(world.decisions.back().fired == Names{"morning"});
    CHECK(world.entity("schedule/morning").fields["custom"]["last"] == "2026-03-03T08:00:00Z");
    CHECK(timers_in(world)[0].due == at("2026-03-04T08:00:00Z"));
    world.worker.reset();
    CHECK(found_in(world) == "");
}

TEST_CASE("schedules: times that are over while nobody was there come once", "[schedules]") {
    World world(tenant_with(morning));
    begin(world);
    world.worker.reset();
    world.start();
    const auto late = at("2026-03-09T10:30:00Z");
    begin(world, late);
    CHECK(types_of(world) == Names{"schedule.begun", "schedule.morning"});
    CHECK(timers_in(world)[0].due == at("2026-03-10T08:00:00Z"));
    // And nothing begins that has begun.
    begin(world, late);
    CHECK(world.decisions.size() == 2);
}

TEST_CASE("schedules: another schedule of the same rule moves its time; one that is gone ends",
          "[schedules]") {
    World world(tenant_with(morning));
    begin(world);
    auto later = std::string(morning);
    later.replace(later.find("0 9"), 3, "30 9");
    world.tenant = tenant_with(later);
    ENSURE(world.worker->activate(world.tenant, {}, noon));
    begin(world);
    REQUIRE(timers_in(world).size() == 1);
    CHECK(timers_in(world)[0].due == at("2026-03-03T08:30:00Z"));
    world.tenant = tenant_with("  - id: other\n    on: ticket.created\n    then: [ { add_tags: [x] } ]\n");
    ENSURE(world.worker->activate(world.tenant, {}, noon));
    begin(world);
    world.run(at("2026-03-03T08:30:00Z"));
    CHECK(timers_in(world).empty());
    CHECK(world.decisions.back().fired.empty());
}

TEST_CASE("schedules: short ones go on and on", "[schedules]") {
    World world(
        tenant_with("  - id: tick\n    on: schedule\n    schedule: { every: 1m }\n"
                    "    then: [ { emit: ticket.ticked } ]\n"));
    begin(world);
    for (int minute = 1; minute <= 40; ++minute) world.run(noon + minutes(minute));
    int ticks = 0;
    for (const auto& decision : world.decisions)
        if (decision.event_type == "schedule.tick") {
            ++ticks;
            CHECK(decision.outcome == Outcome::ok);
        }
    CHECK(ticks == 40);
}

TEST_CASE("schedules: a sweep reaches each entity for which the conditions hold, in steps", "[schedules]") {
    WorkerOptions options;
    options.swept_entities_max = 3;
    World world(tenant_with(chasing), options);
    const auto long_ago = "2026-02-01T00:00:00Z";
    for (int number = 1; number <= 8; ++number)
        submit_ticket(world, number, number % 2 == 0 ? "pending" : "open", long_ago);
    submit_ticket(world, 9, "pending", "2026-03-02T11:00:00Z");
    begin(world);
    world.decisions.clear();
    world.run(noon + hours(1));
    for (int number = 1; number <= 9; ++number) {
        INFO(number);
        const auto tags = world.entity("ticket/" + std::to_string(number)).fields.value("tags", Json());
        CHECK(tags == (number % 2 == 0 ? Json({"chased"}) : Json()));
    }
    int swept = 0, chased = 0;
    for (const auto& decision : world.decisions) {
        swept += decision.event_type == "sweep.chase" ? 1 : 0;
        chased += decision.event_type == "schedule.chase" ? 1 : 0;
    }
    CHECK(swept == 4);
    CHECK(chased == 4);
    REQUIRE(timers_in(world).size() == 1);
    CHECK(timers_in(world)[0].due == noon + hours(2));
    world.worker.reset();
    CHECK(found_in(world) == "");
}

TEST_CASE("schedules: a replay has them from its first event to its last", "[schedules]") {
    const auto tenant = tenant_with(morning);
    auto store = open_sqlite(":memory:");
    ENSURE(store);
    Names times;
    Replayer replayer(**store, tenant, [&](const Event& event, const Decision& decision) {
        if (event.type == "schedule.morning") times.push_back(to_text(decision.now));
    });
    ENSURE(replayer.start());
    ENSURE(replayer.take(event("e1", "ticket.created", "ticket/1", Json::object(), "2026-03-27T12:00:00Z")));
    ENSURE(replayer.take(event("e2", "ticket.updated", "ticket/1", Json::object(), "2026-03-31T12:00:00Z")));
    ENSURE(replayer.finish());
    // Clocks go forward in between.
    CHECK(times == Names{"2026-03-30T07:00:00Z", "2026-03-31T07:00:00Z"});
    ENSURE(replayer.finish(at("2026-03-31T12:00:00Z")));
    CHECK(times.size() == 2);
}

TEST_CASE("schedules: a replay until a time has them until then", "[schedules]") {
    const auto tenant = tenant_with(morning);
    auto store = open_sqlite(":memory:");
    ENSURE(store);
    int times = 0;
    Replayer replayer(**store, tenant, [&](const Event& event, const Decision&) {
        times += event.type == "schedule.morning";
    });
    ENSURE(replayer.start(at("2026-03-27T12:00:00Z")));
    ENSURE(replayer.finish(at("2026-04-03T12:00:00Z")));
    CHECK(times == 5);
}

}  // namespace schedules_test
