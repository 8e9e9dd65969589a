#include "engine/base/json.h"
#include "tests/support/catch.h"

namespace parse_json_test {

using namespace engine;
using namespace std::string_literals;

TEST_CASE("json: a document does not end at a zero byte", "[json]") {
    for (const auto& text : {"{}\0"s, "{}\0{}"s, "\0"s, "1\0\0"s, "[1\0]"s, "\"a\0\""s}) {
        const auto parsed = parse_json(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().message == "not JSON: error at byte " + std::to_string(text.find('\0') + 1));
    }
    const auto escaped = parse_json("\"a\\u0000b\"");
    REQUIRE(escaped);
    CHECK(escaped->get<std::string>() == "a\0b"s);
}

}  // namespace parse_json_test
