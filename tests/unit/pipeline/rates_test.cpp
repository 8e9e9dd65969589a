// Rates through the pipeline: what many entities have brought, whatever happens to commits and workers.

#include "rules/policies/rates.h"

#include <set>
#include <thread>

#include "engine/pipeline/dry_run.h"
#include "engine/pipeline/explain.h"
#include "engine/pipeline/rehearsal.h"
#include "engine/pipeline/replayer.h"
#include "engine/pipeline/watched.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/random.h"
#include "tests/unit/pipeline/gated_store.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace rates_test {

using namespace engine;
using namespace engine::test;
using std::chrono::hours;
using std::chrono::minutes;
using testing_random::Random;

namespace {

constexpr auto three_an_hour =
    "  - id: many\n"
    "    on: [ticket.created, ticket.asked]\n"
    "    when: { ticket.requester.id: { count_over: { at_least: 3, within: 1h, on: ticket.created } } }\n"
    "    then: [ { add_tags: [many] } ]\n";
constexpr auto rate = "ticket.requester.id on ticket.created";

Event ticket(int number, const std::string& id, const std::string& who, Instant time,
             const std::string& type = "ticket.created") {
    auto made = event("e" + std::to_string(number), type, "ticket/" + id,
                      Json{{"ticket", {{"requester", {{"id", who}}}}}});
    made.time = made.received = time;
    return made;
}

bool fired_many(const Decision& decision) {
    return decision.fired == std::vector<std::string>{"many"};
}

/// A world whose commits can be held back and spoilt.
struct Gated : World {
    explicit Gated(std::shared_ptr<const Tenant> given) : World(std::move(given)) {
        worker.reset();
        auto wrapped = std::make_unique<GatedStore>(std::move(store));
        gate = wrapped.get();
        store = std::move(wrapped);
        start();
    }
    GatedStore* gate = nullptr;
};

/// What the guide says, looked up in all that was decided.
class History {
public:
    std::size_t count(const Event& event) const {
        const auto at = *event.time;
        return static_cast<std::size_t>(std::count_if(events_.begin(), events_.end(), [&](const Event& one) {
            return one.type == "ticket.created" && who(one) == who(event) && *one.time <= at &&
                   *one.time > at - hours(1);
        }));
    }
    void take(const Event& event) { events_.push_back(event); }

private:
    static Json who(const Event& event) { return value_or_null(find(event.data, "ticket.requester.id")); }
    std::vector<Event> events_;
};

Event random_ticket(Random& random, int number, Instant time) {
    static const std::vector<std::string> people{"ana", "bo", "cy"};
    return ticket(number, std::to_string(random.below(9)), random.of(people), time,
                  random.chance(75) ? "ticket.created" : "ticket.asked");
}

}  // namespace

TEST_CASE("rates: several entities of one requester count together", "[rates]") {
    World world(tenant_with(three_an_hour));
    world.submit(ticket(1, "1", "ana", noon), noon);
    world.submit(ticket(2, "2", "bo", noon), noon);
    world.submit(ticket(3, "3", "ana", noon + minutes(10)), noon + minutes(10));
    world.submit(ticket(4, "4", "ana", noon + minutes(20)), noon + minutes(20));
    world.submit(ticket(5, "5", "bo", noon + minutes(20)), noon + minutes(20));
    world.submit(ticket(6, "6", "ana", noon + minutes(61)), noon + minutes(61));
    std::vector<bool> fired;
    for (const auto& decision : world.decisions) fired.push_back(fired_many(decision));
    CHECK(fired == std::vector<bool>{false, false, false, true, false, true});
    CHECK(world.decisions[3].consulted ==
          Json{{"rates", {{rate, {"2026-03-02T12:10:00Z", "2026-03-02T12:00:00Z"}}}}});
    CHECK(world.entity("ticket/4").rates ==
          Json::parse(R"({"until":"2026-03-02T13:20:00Z","counted":{"ticket.requester.id on ticket.created":
              [{"key":"ana","at":"2026-03-02T12:20:00Z"}]}})"));
    CHECK(found_in(world).empty());
}

TEST_CASE("rates: what the same batch decided before counts", "[rates]") {
    World world(tenant_with(three_an_hour));
    const auto commits = world.worker->counts().commits;
    world.submit({ticket(1, "1", "ana", noon), ticket(2, "2", "ana", noon), ticket(3, "3", "ana", noon)});
    CHECK(world.worker->counts().commits == commits + 1);
    CHECK(fired_many(world.decisions.at(2)));
    CHECK_FALSE(fired_many(world.decisions.at(1)));
    CHECK(found_in(world).empty());
}

TEST_CASE("rates: duplicates are never counted", "[rates]") {
    World world(tenant_with(three_an_hour));
    for (int i = 0; i < 4; ++i) world.submit(ticket(1, "1", "ana", noon));
    world.submit(ticket(2, "2", "ana", noon));
    CHECK(world.decisions.size() == 2);
    CHECK_FALSE(fired_many(world.decisions.back()));
}

TEST_CASE("rates: a start reads what was counted", "[rates]") {
    World world(tenant_with(three_an_hour));
    world.submit({ticket(1, "1", "ana", noon), ticket(2, "2", "ana", noon)});
    world.start();
    world.submit(ticket(3, "3", "ana", noon + minutes(59)), noon + minutes(59));
    CHECK(fired_many(world.decisions.back()));
    CHECK(found_in(world).empty());
}

TEST_CASE("rates: a rule set that counts begins when it goes live", "[rates]") {
    World world(tenant_with("  - { id: none, on: ticket.lost, then: [ stop ] }\n"));
    world.submit(ticket(1, "1", "ana", noon));
    world.tenant = tenant_with(three_an_hour);
    REQUIRE(world.worker->activate(world.tenant, {}, noon));
    world.submit({ticket(2, "2", "ana", noon), ticket(3, "3", "ana", noon)});
    CHECK_FALSE(fired_many(world.decisions.back()));
    world.submit(ticket(4, "4", "ana", noon));
    CHECK(fired_many(world.decisions.back()));
    CHECK(found_in(world).empty());
}

TEST_CASE("rates: what was decided on a commit that failed is not counted", "[rates]") {
    Gated world(tenant_with(three_an_hour));
    world.submit(ticket(1, "1", "ana", noon));
    int refused = 2;
    world.gate->before_commit = [&](std::span<const Step>) -> Result<void> {
        if (refused-- > 0) return unavailable("the disk is full");
        return {};
    };
    CHECK(world.submit(ticket(2, "2", "ana", noon)).kind == Ack::Kind::unavailable);
    CHECK(world.submit(ticket(2, "2", "ana", noon)).kind == Ack::Kind::unavailable);
    CHECK(world.submit(ticket(2, "2", "ana", noon)).kind == Ack::Kind::accepted);
    CHECK_FALSE(fired_many(world.decisions.back()));
    CHECK(world.submit(ticket(3, "3", "ana", noon)).kind == Ack::Kind::accepted);
    CHECK(fired_many(world.decisions.back()));
    CHECK(found_in(world).empty());
}

TEST_CASE("rates: the others of a batch that one event spoils are counted once", "[rates]") {
    Gated world(tenant_with(three_an_hour));
    world.gate->before_commit = [&](std::span<const Step> steps) -> Result<void> {
        const auto spoils = [](const Step& step) { return step.seen && step.seen->id.text() == "e2"; };
        if (std::any_of(steps.begin(), steps.end(), spoils)) return Error{Code::conflict, "e2 is odd"};
        return {};
    };
    world.submit({ticket(1, "1", "ana", noon), ticket(2, "2", "ana", noon), ticket(3, "3", "ana", noon),
                  ticket(4, "4", "ana", noon)});
    REQUIRE(world.decided == std::vector<std::string>{"e1", "e3", "e4"});
    CHECK_FALSE(fired_many(world.decisions.at(1)));
    CHECK(fired_many(world.decisions.at(2)));
    CHECK(found_in(world).empty());
}

TEST_CASE("rates: explain shows what was found, and finds it again", "[rates]") {
    World world(tenant_with(three_an_hour));
    world.submit({ticket(1, "1", "ana", noon), ticket(2, "2", "ana", noon)});
    world.submit(ticket(3, "3", "ana", noon));
    const auto told = explain(*world.store, world.tenant->name, EventId("e2"), "test");
    REQUIRE(told);
    CHECK((*told)["reproduced"] == true);
    const auto& when = (*told)["trace"]["passes"][0]["rules"][0]["when"];
    CHECK(when["value"] == 2);
    CHECK(when["result"] == false);
}

TEST_CASE("rates: a rule that has waited asks for what is then", "[rates]") {
    World world(
        tenant_with("  - id: later\n    on: ticket.created\n    then:\n      - wait: 30m\n"
                    "      - if: { ticket.requester.id: { count_over: { at_least: 2, within: 1h } } }\n"
                    "        then: [ { add_tags: [again] } ]\n"));
    world.submit(ticket(1, "1", "ana", noon), noon);
    world.submit(ticket(2, "2", "ana", noon + minutes(10)), noon + minutes(10));
    world.submit(ticket(3, "3", "bo", noon + minutes(10)), noon + minutes(10));
    world.run(noon + minutes(45));
    CHECK(world.entity("ticket/1").fields["tags"] == Json{"again"});
    CHECK(world.entity("ticket/2").fields["tags"] == Json{"again"});
    CHECK_FALSE(world.entity("ticket/3").fields.contains("tags"));
    CHECK(found_in(world).empty());
}

TEST_CASE("rates: service levels that are missed count though no rule is on them", "[rates]") {
    World world(tenant_of(
        {{"tenant.yaml", "name: acme\n"},
         {"sla.yaml", "policies:\n  - id: p\n    targets: { first_response: 10m }\n"},
         {"rules.yaml",
          "rules:\n  - id: bad-day\n    on: ticket.created\n"
          "    when: { ticket.group: { count_over: { at_least: 2, within: 1h, on: sla.breached } } }\n"
          "    then: [ { add_tags: [bad-day] } ]\n"}}));
    const auto create = [&](int number, Instant time) {
        auto made = event("e" + std::to_string(number), "ticket.created", "ticket/" + std::to_string(number),
                          Json{{"ticket", {{"group", "desk"}, {"status", "new"}}}});
        made.time = made.received = time;
        world.submit(made, time);
    };
    create(1, noon);
    create(2, noon);
    world.run(noon + minutes(11));
    create(3, noon + minutes(12));
    CHECK(world.entity("ticket/3").fields["tags"] == Json{"bad-day"});
    CHECK(found_in(world).empty());
}

TEST_CASE("rates: what is erased counts no more, and what counted it is proved all the same", "[rates]") {
    World world(tenant_with(three_an_hour));
    world.submit({ticket(1, "1", "ana", noon), ticket(2, "2", "ana", noon)});
    REQUIRE(world.command("erase", Json{{"subject", "ticket/1"}}));
    world.submit(ticket(3, "3", "ana", noon));
    CHECK_FALSE(fired_many(world.decisions.back()));
    CHECK(found_in(world).empty());
}

TEST_CASE("rates: a dry run counts what the store has, and changes nothing", "[rates]") {
    World world(tenant_with(three_an_hour));
    world.submit({ticket(1, "1", "ana", noon), ticket(2, "2", "ana", noon)});
    const Json request{{"event",
                        {{"specversion", "1.0"},
                         {"id", "d1"},
                         {"source", "test"},
                         {"type", "ticket.created"},
                         {"subject", "ticket/2"},
                         {"time", "2026-03-02T12:05:00Z"},
                         {"data", {{"ticket", {{"requester", {{"id", "ana"}}}}}}}}},
                       {"at", "2026-03-02T12:05:00Z"}};
    const auto fired = [&](Store* store) {
        const auto decision = dry_run(*world.tenant, request, noon, store);
        REQUIRE(decision);
        return (*decision)["fired"];
    };
    CHECK(fired(nullptr) == Json::array());
    for (int i = 0; i < 3; ++i) CHECK(fired(world.store.get()) == Json{"many"});
}

TEST_CASE("rates: cases of rule tests count their own events", "[rates]") {
    const auto scratch = [] { return open_sqlite(":memory:"); };
    Rehearsal rehearsal;
    for (int i = 1; i <= 3; ++i)
        rehearsal.events.push_back(ticket(i, std::to_string(i), "ana", noon + minutes(i)));
    const auto decisions = rehearse(tenant_with(three_an_hour), std::move(rehearsal), scratch);
    REQUIRE(decisions);
    REQUIRE(decisions->size() == 3);
    CHECK(fired_many(decisions->back()));
    CHECK_FALSE(fired_many(decisions->at(1)));
}

TEST_CASE("rates: random histories, batches, failures and starts against counting by hand", "[rates]") {
    const auto seed = testing_random::seed_or(41);
    for (std::uint32_t round = 0; round < 15; ++round) {
        INFO("SIGNALBOX_TEST_SEED=" << seed << " round " << round);
        Random random(seed + round);
        Gated world(tenant_with(three_an_hour));
        world.gate->before_commit = [&](std::span<const Step>) -> Result<void> {
            if (random.chance(10)) return unavailable("no");
            if (random.chance(5)) return Error{Code::conflict, "no"};
            return {};
        };
        std::map<std::string, Event> sent;
        auto now = noon;
        for (int number = 0; number < 150;) {
            now += minutes(random.below(25));
            std::vector<Event> events;
            for (auto count = 1 + random.below(5); count > 0; --count) {
                events.push_back(random_ticket(random, number++, now));
                sent[events.back().id.text()] = events.back();
            }
            if (random.chance(10)) events.push_back(events.front());
            world.submit(events, now);
            if (random.chance(5)) world.start();
        }
        world.gate->before_commit = nullptr;
        History history;
        std::set<std::string> found, expected;
        for (const auto& decision : world.decisions) {
            const auto& event = sent.at(decision.event_id.text());
            history.take(event);
            if (history.count(event) >= 3) expected.insert(event.id.text());
            if (fired_many(decision)) found.insert(event.id.text());
        }
        CHECK(expected.size() > 10);
        CHECK(found == expected);
        CHECK(found_in(world).empty());
    }
}

TEST_CASE("rates: what is decided on top of a commit under way sees it, and not when it fails", "[rates]") {
    const auto seed = testing_random::seed_or(43);
    const auto tenant = tenant_with(three_an_hour);
    std::size_t failures = 0;
    for (std::uint32_t round = 0; round < 10; ++round) {
        INFO("SIGNALBOX_TEST_SEED=" << seed << " round " << round);
        Random random(seed + round);
        const testing_folder::Folder folder;
        World world(tenant);
        world.worker.reset();
        auto wrapped = std::make_unique<GatedStore>(*open_sqlite(folder.file("store.db")));
        auto* gate = wrapped.get();
        world.store = std::move(wrapped);
        REQUIRE(world.store->own());
        REQUIRE(activate(*world.store, *tenant, {}, noon));
        const auto view = *open_sqlite(folder.file("store.db"), {.read_only = true});
        int commits = 0;
        const auto every = 2 + static_cast<int>(random.below(4));
        gate->before_commit = [&](std::span<const Step>) -> Result<void> {
            return ++commits % every == 0 ? Result<void>(unavailable("no")) : Result<void>();
        };
        std::vector<std::pair<Event, bool>> decided;
        world.worker = std::make_unique<Worker>(
            *world.store, Tenants{{tenant->name, tenant}}, WorkerOptions{},
            [&](const Event& event, const Decision& decision) {
                decided.emplace_back(event, fired_many(decision));
            },
            Worker::Overlap{view.get(), [] {}});
        REQUIRE(world.worker->start(noon));
        auto now = noon;
        auto settled = now;
        for (int number = 0; number < 120;) {
            now += minutes(random.below(20));
            // However slow a commit is: what comes later than watched_late_max is not promised to be counted.
            if (now - settled > watched_late_max / 2) {
                world.worker->settle_commits();
                settled = now;
            }
            std::vector<Event> events;
            for (auto count = 2 + random.below(3); count > 0; --count)
                events.push_back(random_ticket(random, number++, now));
            world.worker->submit(events, [&](const std::vector<Ack>& acks) {
                for (const auto& ack : acks) failures += ack.kind == Ack::Kind::unavailable ? 1 : 0;
            });
            world.worker->turn(now);
        }
        gate->before_commit = nullptr;
        while (!world.worker->idle())
            if (world.worker->has_work())
                world.worker->turn(now);
            else
                std::this_thread::yield();
        History history;
        std::size_t differing = 0, fired = 0;
        for (const auto& [event, found] : decided) {
            history.take(event);
            fired += found ? 1 : 0;
            differing += found != (history.count(event) >= 3) ? 1 : 0;
        }
        CHECK(fired > 0);
        CHECK(differing == 0);
        CHECK(found_in(world).empty());
        world.worker.reset();
    }
    CHECK(failures > 0);
}

TEST_CASE("rates: replay decides what was decided live", "[rates]") {
    Random random(testing_random::seed_or(47));
    World live(tenant_with(three_an_hour));
    auto replayed = open_sqlite(":memory:");
    REQUIRE(replayed);
    std::map<std::string, bool> found;
    Replayer replayer(**replayed, live.tenant, [&](const Event& event, const Decision& decision) {
        found[event.id.text()] = fired_many(decision);
    });
    REQUIRE(replayer.start(noon));
    auto now = noon;
    for (int number = 0; number < 200; ++number) {
        now += minutes(random.below(15));
        auto one = random_ticket(random, number, now);
        live.submit(one, now + std::chrono::seconds(random.below(3)));
        REQUIRE(replayer.take(std::move(one)));
    }
    REQUIRE(replayer.finish());
    std::size_t fired = 0;
    for (const auto& decision : live.decisions) {
        CHECK(found.at(decision.event_id.text()) == fired_many(decision));
        fired += fired_many(decision) ? 1 : 0;
    }
    CHECK(fired > 10);
}

namespace {

Entity entity_with(const std::string& id, const std::vector<std::pair<std::string, Instant>>& events) {
    Entity entity;
    entity.tenant = TenantName("acme");
    entity.subject = *Subject::parse("ticket/" + id);
    auto last = noon;
    for (const auto& [who, time] : events) {
        entity.rates["counted"][rate].push_back({{"key", who}, {"at", to_text(time)}});
        last = std::max(last, time);
    }
    if (!events.empty()) entity.rates["until"] = to_text(last + hours(1));
    return entity;
}

std::vector<Instant> asked(const Watched& board, const std::string& who, const std::string& except = "none",
                           Instant until = noon, std::size_t most = 9) {
    return board.counted({rate, who, noon - hours(1), until, most}, *Subject::parse("ticket/" + except));
}

}  // namespace

TEST_CASE("watched: the newest of others come first, as many as are asked for", "[rates]") {
    Watched board(100);
    board.changed(entity_with("1", {{"ana", noon}, {"bo", noon - minutes(5)}, {"ana", noon - hours(1)}}));
    board.changed(entity_with("2", {{"ana", noon - minutes(7)}, {"ana", noon + minutes(1)}}));
    using Instants = std::vector<Instant>;
    CHECK(asked(board, "ana") == Instants{noon, noon - minutes(7)});
    CHECK(asked(board, "ana", "1") == Instants{noon - minutes(7)});
    CHECK(asked(board, "ana", "2") == Instants{noon});
    CHECK(asked(board, "ana", "none", noon + minutes(1), 2) == Instants{noon + minutes(1), noon});
    CHECK(asked(board, "bo") == Instants{noon - minutes(5)});
    CHECK(asked(board, "cy").empty());
}

TEST_CASE("watched: an entity stands for what it is now, however often that is told", "[rates]") {
    Watched board(100);
    for (int i = 0; i < 2; ++i) board.changed(entity_with("1", {{"ana", noon}}));
    CHECK(board.events() == 1);
    board.changed(entity_with("1", {{"bo", noon}, {"bo", noon}}));
    CHECK(asked(board, "ana").empty());
    CHECK(asked(board, "bo").size() == 2);
    board.changed(entity_with("1", {}));
    CHECK(board.events() == 0);
    CHECK(asked(board, "bo").empty());
}

TEST_CASE("watched: what nobody looks at goes, and beyond the limit the oldest", "[rates]") {
    Watched board(3);
    for (int i = 0; i < 3; ++i) board.changed(entity_with(std::to_string(i), {{"ana", noon + minutes(i)}}));
    board.forget_before(noon + hours(1) + minutes(1));
    CHECK(board.events() == 2);
    for (int i = 3; i < 5; ++i) board.changed(entity_with(std::to_string(i), {{"ana", noon + minutes(i)}}));
    CHECK(board.events() == 3);
    CHECK(asked(board, "ana", "none", noon + hours(1)).back() == noon + minutes(2));
}

}  // namespace rates_test
