// Where a test puts its faults.

#include "engine/base/failpoint.h"

#include "tests/support/catch.h"

namespace failpoint_test {

using namespace engine;

TEST_CASE("failpoint: an armed one fails once, at its number; others never do", "[failpoint]") {
    REQUIRE(arm_failpoints("turn.decided=fail@2,store.written=doubt@1"));
    CHECK(failing_at(Failpoint::turn_decided));
    const auto second = failing_at(Failpoint::turn_decided);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Code::unavailable);
    CHECK(second.error().message == "failpoint turn.decided");
    CHECK(failing_at(Failpoint::turn_decided));
    const auto written = failing_at(Failpoint::store_written);
    REQUIRE_FALSE(written);
    CHECK(written.error().code == Code::outcome_unknown);
    CHECK(failing_at(Failpoint::answer_given));
}

TEST_CASE("failpoint: what is written wrongly is refused by name", "[failpoint]") {
    for (const auto* text : {"turn.decided", "turn.decided=kill", "turn.decided=kill@0",
                             "turn.decided=kill@1x", "turn.decided=burn@1", "nobody=kill@1", "@="}) {
        INFO(text);
        const auto armed = arm_failpoints(text);
        REQUIRE_FALSE(armed);
        CHECK(armed.error().code == Code::invalid_input);
    }
    CHECK(arm_failpoints("nobody=kill@1").error().message == "there is no failpoint nobody");
}

}  // namespace failpoint_test
