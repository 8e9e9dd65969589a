#include "engine/pipeline/outbox.h"

#include <map>
#include <random>

#include "tests/support/catch.h"
#include "tests/unit/pipeline/world.h"

using namespace engine;
using engine::test::noon;
using namespace std::chrono_literals;

namespace {

ChannelOptions channel(int concurrency = 8) {
    ChannelOptions options;
    options.concurrency = concurrency;
    options.retry = {1s, 2s, 4s};
    return options;
}

Delivery delivery(std::uint64_t number, const std::string& lane, bool relaxed = false,
                  const std::string& connection = "slack") {
    Delivery made;
    made.number = number;
    made.key = DeliveryKey("key" + std::to_string(number));
    made.tenant = TenantName("acme");
    made.lane = *Subject::parse(lane);
    made.action.connection = connection;
    made.action.relaxed = relaxed;
    made.next_attempt = noon;
    return made;
}

Attempt done() {
    return {};
}
Attempt retry(Duration after = 0s) {
    Attempt attempt;
    attempt.kind = Attempt::Kind::retry;
    attempt.retry_after = after;
    return attempt;
}
Attempt failed() {
    Attempt attempt;
    attempt.kind = Attempt::Kind::failed;
    return attempt;
}

std::vector<std::uint64_t> numbers(const std::vector<Delivery>& deliveries) {
    std::vector<std::uint64_t> list;
    for (const auto& one : deliveries) list.push_back(one.number);
    return list;
}

using Numbers = std::vector<std::uint64_t>;

/// The attempt is over and, when it was the last, that is committed.
Settlement::Kind settle(Outbox& outbox, std::uint64_t number, const Attempt& attempt, Instant now = noon) {
    const auto settlement = outbox.settle(0, number, attempt, now);
    REQUIRE(settlement);
    if (settlement->kind != Settlement::Kind::retry) outbox.forget(settlement->delivery);
    return settlement->kind;
}

}  // namespace

TEST_CASE("outbox: a lane's second delivery waits until the end of the first is committed", "[outbox]") {
    Outbox outbox;
    outbox.add(delivery(1, "ticket/A"), channel());
    outbox.add(delivery(2, "ticket/A"), channel());
    CHECK(numbers(outbox.take_due(noon, 10)) == Numbers{1});
    CHECK(outbox.take_due(noon, 10).empty());
    const auto settlement = outbox.settle(0, 1, done(), noon);
    REQUIRE(settlement);
    CHECK(settlement->delivery.key == DeliveryKey("key1"));
    CHECK(outbox.take_due(noon, 10).empty());
    CHECK_FALSE(outbox.settle(0, 1, done(), noon));
    outbox.forget(settlement->delivery);
    CHECK(numbers(outbox.take_due(noon, 10)) == Numbers{2});
    outbox.forget(settlement->delivery);
    CHECK(outbox.size() == 1);
}

TEST_CASE("outbox: other lanes and other connections do not wait", "[outbox]") {
    Outbox outbox;
    outbox.add(delivery(1, "ticket/A"), channel());
    outbox.add(delivery(2, "ticket/B"), channel());
    outbox.add(delivery(3, "ticket/A", false, "zendesk"), channel());
    CHECK(outbox.take_due(noon, 10).size() == 3);
}

TEST_CASE("outbox: a delivery that has to be tried again holds its lane until its time", "[outbox]") {
    Outbox outbox;
    outbox.add(delivery(1, "ticket/A"), channel());
    outbox.add(delivery(2, "ticket/A"), channel());
    outbox.take_due(noon, 10);
    const auto settlement = outbox.settle(0, 1, retry(), noon);
    REQUIRE(settlement);
    CHECK(settlement->kind == Settlement::Kind::retry);
    CHECK(settlement->delivery.attempts == 1);
    CHECK(outbox.take_due(noon, 10).empty());
    REQUIRE(outbox.next_due());
    CHECK(*outbox.next_due() == settlement->delivery.next_attempt);
    CHECK(numbers(outbox.take_due(settlement->delivery.next_attempt, 10)) == Numbers{1});
}

TEST_CASE("outbox: after the schedule an action is dead and its lane goes on", "[outbox]") {
    Outbox outbox;
    outbox.add(delivery(1, "ticket/A"), channel());
    outbox.add(delivery(2, "ticket/A"), channel());
    auto now = noon;
    for (int attempt = 1; attempt <= 3; ++attempt) {
        REQUIRE(numbers(outbox.take_due(now, 10)) == Numbers{1});
        const auto settlement = outbox.settle(0, 1, retry(), now);
        REQUIRE(settlement->kind == Settlement::Kind::retry);
        now = settlement->delivery.next_attempt;
    }
    outbox.take_due(now, 10);
    CHECK(settle(outbox, 1, retry(), now) == Settlement::Kind::dead);
    CHECK(numbers(outbox.take_due(now, 10)) == Numbers{2});
}

TEST_CASE("outbox: what never works is dead at once", "[outbox]") {
    Outbox outbox;
    outbox.add(delivery(1, "ticket/A"), channel());
    outbox.take_due(noon, 10);
    CHECK(settle(outbox, 1, failed()) == Settlement::Kind::dead);
    CHECK(outbox.size() == 0);
}

TEST_CASE("outbox: a relaxed action may be passed by later ones and passes no strict one", "[outbox]") {
    Outbox outbox;
    outbox.add(delivery(1, "ticket/A"), channel());
    outbox.add(delivery(2, "ticket/A", true), channel());
    outbox.add(delivery(3, "ticket/A"), channel());
    CHECK(numbers(outbox.take_due(noon, 10)) == Numbers{1});
    settle(outbox, 1, done());
    CHECK(numbers(outbox.take_due(noon, 10)) == Numbers{2, 3});
}

TEST_CASE("outbox: a connection has no more in flight than its concurrency", "[outbox]") {
    Outbox outbox;
    for (std::uint64_t i = 1; i <= 5; ++i) outbox.add(delivery(i, "ticket/" + std::to_string(i)), channel(2));
    CHECK(outbox.take_due(noon, 10).size() == 2);
    CHECK(outbox.take_due(noon, 10).empty());
    settle(outbox, 1, done());
    CHECK(outbox.take_due(noon, 10).size() == 1);
}

TEST_CASE("outbox: a receiver that names a time gets rest from all lanes", "[outbox]") {
    Outbox outbox;
    outbox.add(delivery(1, "ticket/A"), channel());
    outbox.take_due(noon, 10);
    settle(outbox, 1, retry(10s));
    outbox.add(delivery(2, "ticket/B"), channel());
    CHECK(outbox.take_due(noon + 9s, 10).empty());
    CHECK(outbox.take_due(noon + 10s, 10).size() == 2);
}

TEST_CASE("outbox: the breaker opens at half of twenty failures and lets one probe through", "[outbox]") {
    Outbox outbox;
    std::uint64_t number = 0;
    for (int i = 0; i < 20; ++i) {
        ++number;
        outbox.add(delivery(number, "ticket/" + std::to_string(number)), channel());
        REQUIRE(outbox.take_due(noon, 10).size() == 1);
        settle(outbox, number, i % 2 == 0 ? retry() : done());
    }
    CHECK(outbox.open_breakers() == std::vector<std::string>{"acme/slack"});
    CHECK(outbox.take_due(noon + 20s, 10).empty());
    const auto probe = outbox.take_due(noon + 31s, 10);
    REQUIRE(probe.size() == 1);
    CHECK(outbox.take_due(noon + 31s, 10).empty());
    settle(outbox, probe.front().number, done(), noon + 31s);
    CHECK(outbox.open_breakers().empty());
    CHECK(outbox.take_due(noon + 31s, 100).size() == 8);
}

TEST_CASE("outbox: what finds no room in memory waits in the store and keeps its order", "[outbox]") {
    Outbox outbox(4);
    for (std::uint64_t i = 1; i <= 4; ++i) CHECK(outbox.add(delivery(i, "ticket/A"), channel()));
    CHECK_FALSE(outbox.add(delivery(5, "ticket/A"), channel()));
    CHECK_FALSE(outbox.wants_more());
    for (std::uint64_t i = 1; i <= 2; ++i) {
        REQUIRE(numbers(outbox.take_due(noon, 10)) == Numbers{i});
        settle(outbox, i, done());
    }
    CHECK_FALSE(outbox.add(delivery(6, "ticket/A"), channel()));
    REQUIRE(outbox.wants_more());
    CHECK(outbox.wants_more()->second == 4);
    outbox.start_loading(0);
    CHECK(outbox.add(delivery(5, "ticket/A"), channel()));
    CHECK(outbox.add(delivery(6, "ticket/A"), channel()));
    outbox.loaded(0, true);
    for (std::uint64_t i = 3; i <= 6; ++i) {
        REQUIRE(numbers(outbox.take_due(noon, 10)) == Numbers{i});
        settle(outbox, i, done());
    }
}

TEST_CASE("outbox: waits are the schedule's within a fifth, the receiver's when longer, and repeatable",
          "[outbox]") {
    const std::vector<Duration> schedule{10s, 60s};
    const auto first = retry_wait(schedule, 1, DeliveryKey("k"), 0s);
    REQUIRE(first);
    CHECK(*first >= 8s);
    CHECK(*first <= 12s);
    CHECK(first == retry_wait(schedule, 1, DeliveryKey("k"), 0s));
    CHECK(retry_wait(schedule, 1, DeliveryKey("k"), 30s) == Duration(30s));
    CHECK(retry_wait(schedule, 1, DeliveryKey("k"), std::chrono::hours(999)) ==
          Duration(std::chrono::hours(24)));
    CHECK_FALSE(retry_wait(schedule, 3, DeliveryKey("k"), 0s));
}

TEST_CASE("outbox: under random answers each lane leaves in order and everything ends", "[outbox][random]") {
    const unsigned seed = 7;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    Outbox outbox;
    const int lanes = 7;
    for (std::uint64_t i = 1; i <= 400; ++i)
        outbox.add(delivery(i, "ticket/" + std::to_string(random() % lanes), false), channel(3));
    std::map<std::string, std::uint64_t> last;
    std::map<std::string, Delivery> uncommitted;
    std::vector<Delivery> flying;
    auto now = noon;
    int turns = 0;
    while (outbox.size() > 0) {
        REQUIRE(++turns < 20'000);
        for (auto& one : outbox.take_due(now, 5)) {
            REQUIRE(one.number >= last[one.lane.text()]);
            REQUIRE_FALSE(uncommitted.contains(one.lane.text()));
            last[one.lane.text()] = one.number;
            flying.push_back(std::move(one));
        }
        REQUIRE(flying.size() <= 3);
        if (!uncommitted.empty() && (flying.empty() || random() % 3 == 0)) {
            const auto first = uncommitted.begin();
            outbox.forget(first->second);
            uncommitted.erase(first);
            continue;
        }
        if (flying.empty()) {
            REQUIRE(outbox.next_due());
            now = std::max(now + 1ms, *outbox.next_due());
            continue;
        }
        const auto index = random() % flying.size();
        const auto one = flying[index];
        flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(index));
        const auto settlement = outbox.settle(0, one.number, random() % 4 == 0 ? retry() : done(), now);
        REQUIRE(settlement);
        if (settlement->kind != Settlement::Kind::retry) uncommitted[one.lane.text()] = settlement->delivery;
    }
}
