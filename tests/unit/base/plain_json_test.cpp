#include "engine/base/json.h"
#include "tests/support/catch.h"

namespace plain_json_test {

using namespace engine;

TEST_CASE("json: a plain value is what its canonical bytes read back as", "[json]") {
    const Json values{9'007'199'254'740'993,
                      -9'007'199'254'740'993,
                      18'446'744'073'709'551'615u,
                      9'007'199'254'740'992,
                      1.0,
                      -0.0,
                      2.5,
                      1e17,
                      -1e20,
                      1e21,
                      1e300,
                      "text",
                      nullptr,
                      true,
                      Json{{"in", {1.0, {{"deep", 9'007'199'254'740'993}}}}}};
    for (const auto& value : values) {
        auto plain = value;
        make_plain(plain);
        INFO(value.dump());
        const auto back = parse_json(canonical_json(plain));
        REQUIRE(back);
        CHECK(back->dump() == plain.dump());
        auto twice = plain;
        make_plain(twice);
        CHECK(twice.dump() == plain.dump());
    }
    Json large = 9'007'199'254'740'993;
    make_plain(large);
    CHECK(large == "9007199254740993");
    Json whole = 2.0;
    make_plain(whole);
    CHECK(whole.is_number_integer());
}

}  // namespace plain_json_test
