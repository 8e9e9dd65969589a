#include <random>

#include "rules/evaluator/document.h"
#include "tests/support/rules.h"

namespace evaluator_document {

using rules::Document;
using namespace rules::testing;
using Keys = std::vector<std::string>;

namespace {

const Keys status{"status"};
const Keys seats{"custom", "seats"};
const Keys deep{"custom", "a", "b", "c"};

}  // namespace

TEST_CASE("document: put sets, makes objects on the way and removes", "[document]") {
    Document document(json(R"({"status":"new","custom":{"seats":1}})"));
    document.put(status, "open");
    document.put(seats, 2);
    document.put(deep, "x");
    CHECK(document.fields() == json(R"({"status":"open","custom":{"seats":2,"a":{"b":{"c":"x"}}}})"));
    document.put(seats, Json());
    document.put(status, Json());
    CHECK(document.fields() == json(R"({"custom":{"a":{"b":{"c":"x"}}}})"));
    CHECK(*document.find(deep) == "x");
    CHECK(document.find(seats) == nullptr);
}

TEST_CASE("document: what is on the way and is no object is replaced", "[document]") {
    Document document(json(R"({"custom":"text"})"));
    document.put(deep, 1);
    CHECK(document.fields() == json(R"({"custom":{"a":{"b":{"c":1}}}})"));
    document.undo_to(0);
    CHECK(document.fields() == json(R"({"custom":"text"})"));
}

TEST_CASE("document: removing what is not there changes nothing", "[document]") {
    const auto before = json(R"({"custom":{"x":1},"status":null})");
    Document document(before);
    document.put(deep, Json());
    document.put(seats, Json());
    CHECK(document.fields() == before);
    CHECK(document.mark() == 0);
    document.put(status, Json());
    CHECK_FALSE(document.fields().contains("status"));
    document.undo_to(0);
    CHECK(document.fields() == before);
}

TEST_CASE("document: undo goes back to a mark, and putting again goes on from there", "[document]") {
    Document document(json(R"({"status":"new"})"));
    document.put(status, "open");
    const auto mark = document.mark();
    document.put(seats, 1);
    document.put(status, Json());
    document.undo_to(mark);
    CHECK(document.fields() == json(R"({"status":"open"})"));
    document.undo_to(mark);
    CHECK(document.fields() == json(R"({"status":"open"})"));
    document.put(seats, 5);
    document.undo_to(0);
    CHECK(document.fields() == json(R"({"status":"new"})"));
}

TEST_CASE("document: what is no object is taken for an empty one", "[document]") {
    Document document(Json(5));
    document.put(status, "x");
    CHECK(document.fields() == json(R"({"status":"x"})"));
}

TEST_CASE("document: undo restores exactly, whatever was written", "[document]") {
    const unsigned seed = 20'260'504;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const std::vector<Keys> paths{{"a"}, {"a", "b"}, {"a", "b", "c"}, {"d"}, {"d", "e"}, {"a", "f"}};
    const std::vector<Json> values{Json(), 1, "x", json("{}"), json(R"({"b":2,"f":null})"), json("[1]")};
    for (int round = 0; round < 2000; ++round) {
        Document document(json(R"({"a":{"b":1},"d":"x"})"));
        std::vector<std::pair<std::size_t, Json>> marks{{0, document.fields()}};
        for (int i = 0; i < 8; ++i) {
            document.put(paths[random() % paths.size()], values[random() % values.size()]);
            marks.emplace_back(document.mark(), document.fields());
        }
        while (!marks.empty()) {
            document.undo_to(marks.back().first);
            REQUIRE(document.fields() == marks.back().second);
            marks.pop_back();
        }
    }
}

}  // namespace evaluator_document
