#include "engine/app/bench_tally.h"

#include "tests/support/catch.h"

namespace bench_tally {

using engine::app::BenchTally;
using engine::app::quantile;

namespace {

BenchTally::Time at(int milliseconds) {
    return BenchTally::Time(std::chrono::milliseconds(1'000 + milliseconds));
}

/// Sends at the first, acknowledges at the second, delivers at the third instant.
void pass(BenchTally& tally, std::size_t event, int sent, int acked, int delivered) {
    tally.sent(event, at(sent), at(sent));
    tally.acknowledged(event, at(acked));
    tally.delivered(event, at(delivered));
}

}  // namespace

TEST_CASE("bench tally: what was acknowledged and never arrived is lost", "[bench]") {
    BenchTally tally({0, 0, 0});
    pass(tally, 0, 0, 1, 2);
    tally.sent(1, at(3), at(3));
    tally.acknowledged(1, at(4));
    tally.sent(2, at(5), at(5));
    tally.refused();

    CHECK(tally.lost() == 1);
    CHECK(tally.acks() == 2);
    CHECK(tally.refusals() == 1);
    CHECK(tally.deliveries() == 1);
}

TEST_CASE("bench tally: the second arrival of an event is a duplicate, an unknown number a stranger",
          "[bench]") {
    BenchTally tally({0});
    pass(tally, 0, 0, 1, 2);
    tally.delivered(0, at(3));
    tally.delivered(7, at(4));

    CHECK(tally.deliveries() == 1);
    CHECK(tally.duplicates() == 1);
    CHECK(tally.strangers() == 1);
}

TEST_CASE("bench tally: an event that overtakes one acknowledged before it was sent is out of order",
          "[bench]") {
    BenchTally tally({5, 5});
    pass(tally, 0, 0, 10, 40);
    pass(tally, 1, 11, 20, 30);
    CHECK(tally.out_of_order() == 1);
}

TEST_CASE("bench tally: events that were under way together have no order", "[bench]") {
    BenchTally tally({5, 5});
    pass(tally, 0, 0, 10, 40);
    pass(tally, 1, 9, 20, 30);
    CHECK(tally.out_of_order() == 0);
}

TEST_CASE("bench tally: lanes are not ordered among each other", "[bench]") {
    BenchTally tally({1, 2});
    pass(tally, 0, 0, 10, 40);
    pass(tally, 1, 11, 20, 30);
    CHECK(tally.out_of_order() == 0);
}

TEST_CASE("bench tally: waiting for a free connection counts as waiting for the answer", "[bench]") {
    BenchTally tally({0, 0});
    tally.sent(0, at(0), at(5));
    tally.acknowledged(0, at(6));
    tally.sent(1, at(2), at(2));
    tally.acknowledged(1, at(3));

    const auto times = tally.ack_times({0, 2});
    REQUIRE(times.size() == 2);
    CHECK(times[0] == Approx(1));
    CHECK(times[1] == Approx(6));
}

TEST_CASE("bench tally: the rate counts from the first event sent to the last action received", "[bench]") {
    BenchTally tally({0, 1, 2});
    pass(tally, 0, 0, 10, 100);
    pass(tally, 1, 0, 10, 250);
    tally.sent(2, at(0), at(0));
    CHECK(tally.seconds_to_last_delivery({0, 3}) == Approx(0.25));
    CHECK(tally.seconds_to_last_delivery({2, 3}) == 0);
}

TEST_CASE("bench tally: a quantile is a value that was measured", "[bench]") {
    CHECK(quantile({}, 0.5) == 0);
    CHECK(quantile({7}, 0.99) == 7);
    CHECK(quantile({1, 2, 3, 4}, 0.5) == 2);
    CHECK(quantile({1, 2, 3, 4}, 0.99) == 4);
}

}  // namespace bench_tally
