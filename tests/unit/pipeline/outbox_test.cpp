#include "engine/pipeline/outbox.h"

#include <map>
#include <random>

#include "tests/support/catch.h"
#include "tests/unit/pipeline/world.h"

namespace outbox_test {

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
    outbox.add(delivery(1, "ticket/A"), channel(), noon);
    outbox.add(delivery(2, "ticket/A"), channel(), noon);
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
    outbox.add(delivery(1, "ticket/A"), channel(), noon);
    outbox.add(delivery(2, "ticket/B"), channel(), noon);
    outbox.add(delivery(3, "ticket/A", false, "zendesk"), channel(), noon);
    CHECK(outbox.take_due(noon, 10).size() == 3);
}

TEST_CASE("outbox: a delivery that has to be tried again holds its lane until its time", "[outbox]") {
    Outbox outbox;
    outbox.add(delivery(1, "ticket/A"), channel(), noon);
    outbox.add(delivery(2, "ticket/A"), channel(), noon);
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
    outbox.add(delivery(1, "ticket/A"), channel(), noon);
    outbox.add(delivery(2, "ticket/A"), channel(), noon);
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
    outbox.add(delivery(1, "ticket/A"), channel(), noon);
    outbox.take_due(noon, 10);
    CHECK(settle(outbox, 1, failed()) == Settlement::Kind::dead);
    CHECK(outbox.size() == 0);
}

TEST_CASE("outbox: a relaxed action may be passed by later ones and passes no strict one", "[outbox]") {
    Outbox outbox;
    outbox.add(delivery(1, "ticket/A"), channel(), noon);
    outbox.add(delivery(2, "ticket/A", true), channel(), noon);
    outbox.add(delivery(3, "ticket/A"), channel(), noon);
    CHECK(numbers(outbox.take_due(noon, 10)) == Numbers{1});
    settle(outbox, 1, done());
    CHECK(numbers(outbox.take_due(noon, 10)) == Numbers{2, 3});
}

TEST_CASE("outbox: a connection has no more in flight than its concurrency", "[outbox]") {
    Outbox outbox;
    for (std::uint64_t i = 1; i <= 5; ++i)
        outbox.add(delivery(i, "ticket/" + std::to_string(i)), channel(2), noon);
    CHECK(outbox.take_due(noon, 10).size() == 2);
    CHECK(outbox.take_due(noon, 10).empty());
    settle(outbox, 1, done());
    CHECK(outbox.take_due(noon, 10).size() == 1);
}

TEST_CASE("outbox: a receiver that names a time gets rest from all lanes", "[outbox]") {
    Outbox outbox;
    outbox.add(delivery(1, "ticket/A"), channel(), noon);
    outbox.take_due(noon, 10);
    settle(outbox, 1, retry(10s));
    outbox.add(delivery(2, "ticket/B"), channel(), noon);
    CHECK(outbox.take_due(noon + 9s, 10).empty());
    CHECK(outbox.take_due(noon + 10s, 10).size() == 2);
}

TEST_CASE("outbox: the breaker opens at half of twenty failures and lets one probe through", "[outbox]") {
    Outbox outbox;
    std::uint64_t number = 0;
    for (int i = 0; i < 20; ++i) {
        ++number;
        outbox.add(delivery(number, "ticket/" + std::to_string(number)), channel(), noon);
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

TEST_CASE("outbox: what finds no room is asked for when it is to leave, in order", "[outbox]") {
    Outbox outbox(2);
    for (std::uint64_t i = 1; i <= 4; ++i) outbox.add(delivery(i, "ticket/A"), channel(), noon);
    CHECK(outbox.whole() == 2);
    for (std::uint64_t i = 1; i <= 2; ++i) {
        REQUIRE(numbers(outbox.take_due(noon, 10)) == Numbers{i});
        CHECK(outbox.take_wanted().empty());
        settle(outbox, i, done());
    }
    for (std::uint64_t i = 3; i <= 4; ++i) {
        REQUIRE(outbox.take_due(noon, 10).empty());
        REQUIRE(outbox.take_wanted() == std::vector<DeliveryPlace>{{0, i}});
        CHECK(outbox.take_due(noon, 10).empty());
        CHECK_FALSE(outbox.settle(0, i, done(), noon));
        REQUIRE(outbox.provide(delivery(i, "ticket/A")));
        CHECK_FALSE(outbox.provide(delivery(i, "ticket/A")));
        settle(outbox, i, done());
    }
    CHECK(outbox.size() == 0);
    CHECK(outbox.whole() == 0);
}

TEST_CASE("outbox: any number that wait for one receiver take no room from others", "[outbox]") {
    Outbox outbox(3);
    std::uint64_t number = 0;
    for (int i = 0; i < 50; ++i) {
        auto later = delivery(++number, "ticket/" + std::to_string(i));
        later.next_attempt = noon + 1h;
        outbox.add(std::move(later), channel(), noon);
    }
    for (int i = 0; i < 50; ++i)
        outbox.add(delivery(++number, "ticket/" + std::to_string(i), false, "hangs"), channel(), noon);
    CHECK(outbox.take_due(noon, 100).size() == 3);
    CHECK(outbox.take_wanted().size() == 5);  // as many as may be in flight
    outbox.add(delivery(++number, "ticket/1", false, "zendesk"), channel(), noon);
    CHECK(outbox.take_due(noon, 100).size() + outbox.take_wanted().size() == 1);
}

TEST_CASE("outbox: a row that cannot be read is tried later, one that is gone holds nobody up", "[outbox]") {
    Outbox outbox(0);
    outbox.add(delivery(1, "ticket/A"), channel(), noon);
    outbox.add(delivery(2, "ticket/A"), channel(), noon);
    outbox.take_due(noon, 10);
    REQUIRE(outbox.take_wanted() == std::vector<DeliveryPlace>{{0, 1}});
    outbox.postpone({0, 1}, noon + 1s);
    CHECK(outbox.in_flight() == 0);
    outbox.take_due(noon, 10);
    CHECK(outbox.take_wanted().empty());
    CHECK(outbox.next_due() == noon + 1s);
    outbox.take_due(noon + 1s, 10);
    REQUIRE(outbox.take_wanted() == std::vector<DeliveryPlace>{{0, 1}});
    outbox.lost({0, 1});
    outbox.take_due(noon + 1s, 10);
    CHECK(outbox.take_wanted() == std::vector<DeliveryPlace>{{0, 2}});
    CHECK(outbox.size() == 1);
}

TEST_CASE("outbox: a row that is older than what we know does not turn attempts back", "[outbox]") {
    Outbox outbox(0);
    outbox.add(delivery(1, "ticket/A"), channel(), noon);
    outbox.take_due(noon, 10);
    REQUIRE(outbox.take_wanted().size() == 1);
    REQUIRE(outbox.provide(delivery(1, "ticket/A")));
    const auto due = outbox.settle(0, 1, retry(), noon)->delivery.next_attempt;
    CHECK(outbox.take_due(due, 10).empty());
    REQUIRE(outbox.take_wanted().size() == 1);
    const auto again = outbox.provide(delivery(1, "ticket/A"));
    REQUIRE(again);
    CHECK(again->attempts == 1);
    CHECK(again->next_attempt == due);
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
    const auto room = GENERATE(std::size_t(20'000), std::size_t(30), std::size_t(0));
    INFO("room for " << room);
    Outbox outbox(room);
    const int lanes = 7;
    std::map<std::uint64_t, Delivery> rows;
    for (std::uint64_t i = 1; i <= 400; ++i) {
        rows[i] = delivery(i, "ticket/" + std::to_string(random() % lanes), false);
        outbox.add(rows[i], channel(3), noon);
    }
    std::map<std::string, std::uint64_t> last;
    std::map<std::string, Delivery> uncommitted;
    std::vector<Delivery> flying;
    auto now = noon;
    int turns = 0;
    while (outbox.size() > 0) {
        REQUIRE(++turns < 20'000);
        auto due = outbox.take_due(now, 5);
        for (const auto& place : outbox.take_wanted()) {
            if (random() % 5 == 0)
                outbox.postpone(place, now + 1ms);
            else
                due.push_back(*outbox.provide(rows.at(place.second)));
        }
        REQUIRE(due.size() <= 5);
        REQUIRE(outbox.whole() <= room + 3);
        for (auto& one : due) {
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

}  // namespace outbox_test
