#include "engine/pipeline/recent.h"

#include "tests/support/catch.h"

namespace recent_test {

using engine::Recent;
using std::chrono::milliseconds;

TEST_CASE("recent: nothing measured is zero", "[pipeline]") {
    CHECK(Recent().quantile(0.5) == 0);
}

TEST_CASE("recent: a quantile lies among what was measured", "[pipeline]") {
    Recent recent;
    for (const int took : {30, 10, 50, 20, 40}) recent.add(milliseconds(took));
    CHECK(recent.quantile(0) == Approx(0.010));
    CHECK(recent.quantile(0.5) == Approx(0.030));
    CHECK(recent.quantile(1) == Approx(0.050));
}

TEST_CASE("recent: what is long ago does not count", "[pipeline]") {
    Recent recent;
    for (int i = 0; i < 10; ++i) recent.add(milliseconds(9'000));
    for (int i = 0; i < 256; ++i) recent.add(milliseconds(1));
    CHECK(recent.quantile(1) == Approx(0.001));
}

}  // namespace recent_test
