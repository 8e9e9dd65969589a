// No tenant keeps the others waiting: shares of a turn, turns of one's own, room in intake.

#include "engine/pipeline/turn_shares.h"

#include <algorithm>
#include <thread>

#include "rules/lua/in_process_host.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace turn_shares_test {

using namespace engine;
using namespace engine::test;
using namespace std::chrono_literals;
using rules::ScriptCall;
using rules::ScriptOutcome;
using rules::ScriptSet;

namespace {

const TenantName acme("acme"), other("other"), third("third");

/// One turn in which the tenant takes so long.
void turn_of(TurnShares& shares, const TenantName& tenant, std::chrono::milliseconds took) {
    shares.begin();
    CHECK(shares.serves(tenant));
    shares.took(tenant, took);
    (void)shares.has_time(tenant);
    shares.end();
}

}  // namespace

TEST_CASE("turn shares: who has used up his share waits, and has turns of his own", "[shares]") {
    TurnShares shares(50ms);
    shares.begin();
    CHECK(shares.has_time(acme));
    shares.took(acme, 49ms);
    CHECK(shares.has_time(acme));
    shares.took(acme, 1ms);
    CHECK_FALSE(shares.has_time(acme));
    CHECK(shares.has_time(other));
    shares.end();
    CHECK(shares.slow() == 1);

    shares.begin();
    CHECK(shares.only() == acme);
    CHECK(shares.has_time(acme));
    CHECK_FALSE(shares.serves(other));
    shares.took(acme, 30ms);
    shares.end();
    shares.begin();
    CHECK_FALSE(shares.only());
    CHECK(shares.serves(other));
    CHECK_FALSE(shares.serves(acme));
    shares.end();
    // Still more than half.
    CHECK(shares.slow() == 1);
    shares.begin();
    CHECK(shares.only() == acme);
    shares.took(acme, 20ms);
    shares.end();
    CHECK(shares.slow() == 0);
    shares.begin();
    CHECK(shares.serves(acme));
}

TEST_CASE("turn shares: several that are slow come by turns, between all others", "[shares]") {
    TurnShares shares(50ms);
    turn_of(shares, acme, 60ms);
    shares.begin();  // acme's
    shares.took(acme, 60ms);
    shares.end();
    turn_of(shares, other, 60ms);
    std::vector<std::string> turns;
    for (int i = 0; i < 8; ++i) {
        shares.begin();
        turns.push_back(shares.only() ? shares.only()->text() : "all");
        CHECK(shares.serves(third) == !shares.only());
        if (shares.only()) shares.took(*shares.only(), 40ms);
        shares.end();
    }
    CHECK(turns == std::vector<std::string>{"acme", "all", "other", "all", "acme", "all", "other", "all"});
    // Who has nothing any more is as the others are.
    shares.begin();
    shares.has_nothing();
    CHECK(shares.slow() == 1);
    CHECK_FALSE(TurnShares(0ms).limits());
}

namespace {

/// Each run takes a while.
class Slow final : public rules::ScriptHost {
public:
    std::vector<Diagnostic> load(const std::shared_ptr<const ScriptSet>&) override { return {}; }
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>&, const ScriptCall&) override {
        std::this_thread::sleep_for(4ms);
        return {};
    }
};

std::shared_ptr<const Tenant> named_tenant(const std::string& name, const std::string& step,
                                           std::shared_ptr<rules::ScriptHost> scripts) {
    Diagnostics diagnostics;
    LoadOptions options;
    options.scripts = std::move(scripts);
    const rules::Files files{
        {"tenant.yaml", "name: " + name + "\n"},
        {"scripts/a.lua", "return {}\n"},
        {"rules.yaml", "rules:\n  - { id: r, on: [ticket.created, ticket.seen, timer.later], then: [ " +
                           step +
                           " ] }\n  - { id: then, on: ticket.first, then: [ { emit: ticket.seen }, { emit: "
                           "{ type: timer.later, after: 1m } } ] }\n  - { id: fan, on: ticket.fan, then: [ { "
                           "emit: ticket.seen }, { emit: "
                           "ticket.seen }, { emit: ticket.seen } ] }\n"}};
    auto tenant = load_tenant(TenantName(name), files, options, diagnostics);
    for (const auto& one : diagnostics.sorted()) std::fprintf(stderr, "%s\n", to_text(one).c_str());
    ENSURE(tenant != nullptr);
    return tenant;
}

/// Two tenants: the scripts of `slow` take long.
struct House {
    explicit House(Duration share, std::size_t percent = 100) {
        store = *open_sqlite(":memory:");
        ENSURE(store->own());
        Tenants tenants;
        for (auto& tenant : {named_tenant("slow", "{ lua: 'scripts/a.lua#run' }", std::make_shared<Slow>()),
                             named_tenant("quick", "{ add_tags: [seen] }", nullptr)}) {
            ENSURE(activate(*store, *tenant, {}, noon));
            tenants[tenant->name] = tenant;
        }
        WorkerOptions options;
        options.turn_share = share;
        options.intake_events_max = 100;
        if (share == Duration::zero()) options.batch_events_max = 16;
        options.intake_tenant_percent = percent;
        worker =
            std::make_unique<Worker>(*store, tenants, options, [this](const Event& event, const Decision&) {
                decided.push_back(event.tenant.text() + " " + event.subject.text() + " " + event.type);
            });
        ENSURE(worker->start(noon));
    }

    std::vector<Ack::Kind> submit(const std::string& tenant, int count, const std::string& type,
                                  bool urgent = false) {
        std::vector<Event> events;
        for (int i = 0; i < count; ++i) {
            auto one = event("e" + std::to_string(++sent), type, "ticket/" + std::to_string(i % 7),
                             Json{{"ticket", {{"subject", "s" + std::to_string(i)}}}});
            one.tenant = TenantName(tenant);
            one.urgent = urgent;
            events.push_back(std::move(one));
        }
        auto kinds = std::make_shared<std::vector<Ack::Kind>>();
        worker->submit(std::move(events), [kinds](std::vector<Ack> acks) {
            for (const auto& ack : acks) kinds->push_back(ack.kind);
        });
        last = kinds;
        return *kinds;
    }
    /// Turns until the decision about that tenant is the last one made; how many decisions there were.
    std::size_t decisions_until(const std::string& tenant, Instant now = noon) {
        while (std::none_of(decided.begin(), decided.end(),
                            [&](const std::string& one) { return one.starts_with(tenant + " "); }))
            REQUIRE(worker->turn(now));
        return decided.size();
    }
    void run(Instant now = noon) {
        while ((worker->has_work() || worker->has_timers(now)) && worker->turn(now)) {
        }
    }
    std::vector<std::string> of(const std::string& start) const {
        std::vector<std::string> found;
        std::copy_if(decided.begin(), decided.end(), std::back_inserter(found),
                     [&](const std::string& one) { return one.starts_with(start); });
        return found;
    }

    std::unique_ptr<Store> store;
    std::unique_ptr<Worker> worker;
    std::vector<std::string> decided;
    std::shared_ptr<std::vector<Ack::Kind>> last;
    int sent = 0;
};

}  // namespace

TEST_CASE("turn shares: nobody waits for all that another tenant has to decide", "[shares]") {
    const bool urgent = GENERATE(false, true);
    House house(20ms);
    house.submit("slow", 60, "ticket.created", urgent);
    house.submit("quick", 1, "ticket.created");
    const auto all_of_slow = house.last;
    // Five runs use up the share; a busy machine may need fewer.
    CHECK(house.decisions_until("quick") <= 7);
    house.run();
    CHECK(house.of("slow").size() == 60);
    CHECK(house.worker->slow_tenants() <= 1);
    // In the order in which they came.
    for (int lane = 0; lane < 7; ++lane) {
        const auto count = house.of("slow ticket/" + std::to_string(lane) + " ").size();
        CHECK(count == static_cast<std::size_t>(60 / 7 + (lane < 60 % 7 ? 1 : 0)));
    }
}

TEST_CASE("turn shares: at the end whatever waits in intake is taken", "[shares]") {
    House house(5ms);
    house.submit("slow", 40, "ticket.created");
    for (int i = 0; i < 4; ++i) REQUIRE(house.worker->turn(noon));
    CHECK(house.worker->slow_tenants() == 1);
    for (int i = 0; i < 40 && house.worker->intake_size() > 0; ++i) REQUIRE(house.worker->turn_intake(noon));
    CHECK(house.worker->intake_size() == 0);
}

TEST_CASE("turn shares: what flows back and what is due have no more than their share", "[shares]") {
    House house(20ms);
    for (int i = 0; i < 6; ++i) house.submit("slow", 7, "ticket.first");
    while (house.of("slow").size() < 42) REQUIRE(house.worker->turn(noon));
    house.decided.clear();
    // Events that rules emitted.
    house.submit("quick", 1, "ticket.created");
    CHECK(house.decisions_until("quick") <= 8);
    house.run();
    // Timers.
    house.decided.clear();
    house.submit("quick", 1, "ticket.created");
    CHECK(house.decisions_until("quick", noon + 2min) <= 8);
    house.run(noon + 2min);
    CHECK_FALSE(house.of("slow").empty());
    CHECK_FALSE(house.worker->has_work());
}

TEST_CASE("turn shares: what flows back keeps only its own tenant's intake waiting", "[shares]") {
    House house(0ms);
    house.submit("quick", 16, "ticket.fan");
    REQUIRE(house.worker->turn(noon));
    REQUIRE(house.worker->pending_size() == 48);
    house.decided.clear();
    house.submit("quick", 1, "ticket.created");
    house.submit("slow", 1, "ticket.created");
    // A turn has room for fewer than what flows back.
    CHECK(house.decisions_until("slow") <= 17);
    CHECK(house.of("quick ticket/0 ticket.created").empty());
    house.run();
    CHECK(house.decided.back() == "quick ticket/0 ticket.created");
}

TEST_CASE("turn shares: each lane has its order, with shares and without", "[shares]") {
    House with(1ms), without(0ms);
    for (auto* house : {&with, &without}) {
        for (int i = 0; i < 5; ++i) {
            house->submit("slow", 6, "ticket.created");
            house->submit("slow", 2, "ticket.first");
            house->submit("quick", 4, "ticket.created");
        }
        house->run();
        house->run(noon + 2min);
    }
    for (const auto* tenant : {"slow", "quick"})
        for (int lane = 0; lane < 7; ++lane) {
            const auto start = std::string(tenant) + " ticket/" + std::to_string(lane) + " ";
            // When what flows back has its turn depends on how many events turns have.
            const auto came_in = [&](const House& house) {
                auto events = house.of(start);
                std::erase_if(events, [](const std::string& one) { return one.ends_with(".seen"); });
                return events;
            };
            CHECK(came_in(with) == came_in(without));
            CHECK(with.of(start).size() == without.of(start).size());
        }
}

TEST_CASE("turn shares: intake keeps some room for the other tenants", "[shares]") {
    House house(0ms, 75);
    house.submit("slow", 70, "ticket.created");
    house.submit("slow", 6, "ticket.created");
    CHECK(*house.last == std::vector<Ack::Kind>(6, Ack::Kind::overloaded));
    house.submit("slow", 5, "ticket.created");
    CHECK(house.last->empty());
    house.submit("quick", 25, "ticket.created");
    CHECK(house.last->empty());
    house.submit("quick", 1, "ticket.created");
    CHECK(*house.last == std::vector<Ack::Kind>{Ack::Kind::overloaded});
    house.run();
    house.submit("slow", 75, "ticket.created");
    CHECK(house.last->empty());
    house.run();
    CHECK(house.of("slow").size() == 150);
    CHECK(house.of("quick").size() == 25);
}

}  // namespace turn_shares_test
