#include "engine/http/query.h"

#include "tests/support/catch.h"

namespace query_test {

using namespace engine::http;

TEST_CASE("query: percent escapes are decoded once", "[http]") {
    CHECK(*percent_decode("a%20b%2Fc%C3%A9") == "a b/c\xc3\xa9");
    CHECK(*percent_decode("%2541") == "%41");
    CHECK(*percent_decode("") == "");
}

TEST_CASE("query: broken escapes, controls and bad UTF-8 are refused", "[http]") {
    for (const char* bad : {"%", "%4", "a%", "%zz", "%4g", "%00", "%0a", "%7f", "%ff", "%c3%28", "%ed%a0%80"})
        CHECK_FALSE(percent_decode(bad));
}

TEST_CASE("query: what is encoded decodes to the same", "[http]") {
    for (const std::string text : {"plain", "a b&c=d/e?f", "\xc3\xa9\xe2\x82\xac", "~._-", "100%"})
        CHECK(*percent_decode(percent_encode(text)) == text);
    CHECK(percent_encode("a/b c") == "a%2Fb%20c");
}

TEST_CASE("query: parameters are found by name, the first one wins", "[http]") {
    const auto query = Query::parse("a=1&b=two+words&&c&a=2&d=x%3Dy");
    REQUIRE(query);
    CHECK(query->get("a") == "1");
    CHECK(query->get("b") == "two words");
    CHECK(query->get("c") == "");
    CHECK(query->get("d") == "x=y");
    CHECK_FALSE(query->has("e"));
    CHECK_FALSE(Query::parse("a=%"));
}

TEST_CASE("query: numbers are whole and within their limit", "[http]") {
    const auto query = *Query::parse("a=5&b=-1&c=5x&d=99999999999999999999&e=&f=11");
    CHECK(*query.number("a", 1, 10) == 5);
    CHECK(*query.number("none", 7, 10) == 7);
    for (const char* bad : {"b", "c", "d", "e", "f"}) CHECK_FALSE(query.number(bad, 1, 10));
}

TEST_CASE("query: setting a parameter replaces it and keeps the others", "[http]") {
    auto query = *Query::parse("stream=p0&after=3&limit=2");
    query.set("after", "a b");
    CHECK(query.text() == "stream=p0&limit=2&after=a%20b");
}

}  // namespace query_test
