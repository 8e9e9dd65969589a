#include <set>
#include <string>

#include "rules/evaluator/filters.h"
#include "tests/support/rules.h"

namespace evaluator_filters {

using namespace rules;
using namespace rules::testing;

namespace {

/// The value after `{{ value | <filter> }}`; nothing when the filter cannot take it.
std::optional<Json> after(const std::string& filter, const Json& value) {
    const auto lookup = [&](const engine::Path&) { return &value; };
    const auto result = text_template("{{ value | " + filter + " }}").render(lookup, 4096);
    if (!result) return std::nullopt;
    return *result;
}

const Json null;

}  // namespace

TEST_CASE("filters: all of them are listed", "[filters]") {
    const auto listed = filter_names();
    CHECK(std::set<std::string>(listed.begin(), listed.end()) ==
          std::set<std::string>{"default", "upper", "lower", "trim", "truncate", "date", "json", "url_encode",
                                "slack_escape", "round", "join", "first", "last", "size"});
    CHECK(is_filter("size"));
    CHECK_FALSE(is_filter("sizes"));
}

TEST_CASE("filters: null passes through all but default, json and size", "[filters]") {
    for (const auto* filter : {"upper", "lower", "trim", "truncate: 3", "date: '%Y'", "url_encode",
                               "slack_escape", "round", "round: 2", "join: ', '", "first", "last"})
        CHECK(after(filter, null) == null);
    CHECK(after("default: 'x'", null) == Json("x"));
    CHECK(after("json", null) == Json("null"));
    CHECK(after("size", null) == Json(0));
}

TEST_CASE("filters: what a filter cannot take fails", "[filters]") {
    const auto number = Json(5);
    const auto text = Json("text");
    const auto list = json("[1]");
    const auto object = json(R"({"a":1})");
    for (const auto* filter : {"upper", "lower", "trim", "truncate: 3", "date: '%Y'"})
        for (const auto& value : {number, list, object, Json(true)}) CHECK_FALSE(after(filter, value));
    for (const auto* filter : {"url_encode", "slack_escape"})
        for (const auto& value : {list, object}) CHECK_FALSE(after(filter, value));
    for (const auto& value : {text, list, object, Json(true)}) CHECK_FALSE(after("round", value));
    for (const auto& value : {text, number, object}) CHECK_FALSE(after("join", value));
    for (const auto& value : {number, object, Json(true)}) CHECK_FALSE(after("first", value));
    for (const auto& value : {number, object, Json(true)}) CHECK_FALSE(after("last", value));
    for (const auto& value : {number, Json(true)}) CHECK_FALSE(after("size", value));
    CHECK_FALSE(after("date: '%Y'", text));
    CHECK_FALSE(after("join", json(R"([["a"]])")));
}

TEST_CASE("filters: default stands in for null, absent and empty text only", "[filters]") {
    CHECK(after("default: 'x'", "") == Json("x"));
    CHECK(after("default: 'x'", "y") == Json("y"));
    CHECK(after("default: 'x'", 0) == Json(0));
    CHECK(after("default: 'x'", false) == Json(false));
    CHECK(after("default: 'x'", json("[]")) == json("[]"));
}

TEST_CASE("filters: case and blanks", "[filters]") {
    CHECK(after("upper", "straße é") == Json("STRAßE É"));
    CHECK(after("lower", "ÉCLAIR Ω") == Json("éclair ω"));
    CHECK(after("trim", " \t a b \n") == Json("a b"));
    CHECK(after("trim", "   ") == Json(""));
}

TEST_CASE("filters: truncate cuts to code points and the last one says so", "[filters]") {
    CHECK(after("truncate: 5", "hello") == Json("hello"));
    CHECK(after("truncate: 4", "hello") == Json("hel…"));
    CHECK(after("truncate: 1", "hello") == Json("…"));
    CHECK(after("truncate: 3", "äöüß") == Json("äö…"));
    CHECK(after("truncate: 3", "") == Json(""));
    CHECK(after("truncate: 2", "😀😀😀") == Json("😀…"));
}

TEST_CASE("filters: date writes UTC by a pattern", "[filters]") {
    const auto time = Json("2026-05-04T01:02:03.045006+02:00");  // 3 May in UTC, a Sunday
    CHECK(after("date: '%Y-%m-%d'", time) == Json("2026-05-03"));
    CHECK(after("date: '%d.%m.%y %H:%M:%S'", time) == Json("03.05.26 23:02:03"));
    CHECK(after("date: '%A %a %B %b %e'", time) == Json("Sunday Sun May May  3"));
    CHECK(after("date: '%I:%M %p'", time) == Json("11:02 PM"));
    CHECK(after("date: '%I %p'", "2026-05-04T00:30:00Z") == Json("12 AM"));
    CHECK(after("date: '%j %F %T %f %z %Z %%'", time) == Json("123 2026-05-03 23:02:03 045006 +0000 UTC %"));
    CHECK(after("date: '%s'", "1970-01-02T00:00:00Z") == Json("86400"));
    CHECK(after("date: '%F %T'", "1969-12-31T23:59:59Z") == Json("1969-12-31 23:59:59"));
}

TEST_CASE("filters: json is canonical", "[filters]") {
    CHECK(after("json", json(R"({"b":1.0,"a":[true,"x"]})")) == Json(R"({"a":[true,"x"],"b":1})"));
    CHECK(after("json", "say \"hi\"") == Json(R"("say \"hi\"")"));
}

TEST_CASE("filters: escapes for other systems", "[filters]") {
    CHECK(after("url_encode", "a b&c/é~-._") == Json("a%20b%26c%2F%C3%A9~-._"));
    CHECK(after("url_encode", 42) == Json("42"));
    CHECK(after("slack_escape", "<a> & b") == Json("&lt;a&gt; &amp; b"));
    CHECK(after("slack_escape", "plain") == Json("plain"));
}

TEST_CASE("filters: round goes to the nearest, halves away from zero", "[filters]") {
    CHECK(after("round", 2.5) == Json(3));
    CHECK(after("round", -2.5) == Json(-3));
    CHECK(after("round", 2.4999) == Json(2));
    CHECK(after("round", 7) == Json(7));
    CHECK(after("round: 2", 3.14159) == Json(3.14));
    CHECK(after("round: 1", 0.25) == Json(0.3));
    CHECK(after("round: 0", 1e300) == Json(1e300));
    CHECK(after("round", 2.5)->is_number_integer());
}

TEST_CASE("filters: lists and their ends", "[filters]") {
    const auto list = json(R"(["a", 2, true, null])");
    CHECK(after("join: '-'", list) == Json("a-2-true-"));
    CHECK(after("join", json(R"(["a","b"])")) == Json("a, b"));
    CHECK(after("join", json("[]")) == Json(""));
    CHECK(after("first", list) == Json("a"));
    CHECK(after("last", list) == null);
    CHECK(after("first", json("[]")) == null);
    CHECK(after("last", json("[]")) == null);
    CHECK(after("first", "éa") == Json("é"));
    CHECK(after("last", "aé") == Json("é"));
    CHECK(after("first", "") == Json(""));
    CHECK(after("last", "") == Json(""));
    CHECK(after("size", list) == Json(4));
    CHECK(after("size", "aé") == Json(2));
    CHECK(after("size", json(R"({"a":1,"b":2})")) == Json(2));
}

}  // namespace evaluator_filters
