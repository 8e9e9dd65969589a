#include "engine/app/bench_wire.h"

#include <limits>

#include "engine/app/bench_workload.h"
#include "engine/base/json.h"
#include "tests/support/catch.h"

namespace bench_wire {

using namespace engine::app;

TEST_CASE("bench wire: a message is found once all of it is there", "[bench]") {
    const std::string whole = "HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\n\r\nhello";
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK_FALSE(first_message(std::string_view(whole).substr(0, size)));
    const std::string bytes = whole + "HTTP/1.1 503";
    const auto message = first_message(bytes);
    REQUIRE(message);
    CHECK(message->body == "hello");
    CHECK(message->size() == whole.size());
    CHECK(status_of(*message) == 200);
}

TEST_CASE("bench wire: a message without a length has no body", "[bench]") {
    const auto message = first_message("HTTP/1.1 204 No Content\r\n\r\nnext");
    REQUIRE(message);
    CHECK(message->body.empty());
    CHECK(status_of(*message) == 204);
}

TEST_CASE("bench workload: each request is one signed webhook of about 700 bytes", "[bench]") {
    const auto lanes = bench_lanes(3, 2);
    const auto requests = bench_requests(lanes, 0);
    REQUIRE(requests.size() == 3);
    const auto message = first_message(requests[2]);
    REQUIRE(message);
    CHECK(message->size() == requests[2].size());
    CHECK(message->head.find("X-HelpNinja-Signature: sha256=") != std::string_view::npos);
    CHECK(message->body.size() > 600);
    CHECK(message->body.size() < 800);
    const auto body = engine::parse_json(message->body);
    REQUIRE(body);
    CHECK(engine::text_or(*body, "data.conversation_id", "") == "c" + std::to_string(lanes[2]));
    CHECK(engine::text_or(*body, "data.message_id", "").starts_with("m2-"));
    CHECK(bench_requests(lanes, 0)[2] != requests[2]);  // the same store takes them as new
    const auto large = bench_requests(lanes, 5'000);
    const auto large_message = first_message(large[0]);
    REQUIRE(large_message);
    CHECK(large_message->body.size() > 5'600);
    CHECK(engine::parse_json(large_message->body));
}

TEST_CASE("bench workload: an action is known by its message's number", "[bench]") {
    CHECK(event_of_action(R"({"conversation":"c1","id":"m123-77aa","text":"x"})") == 123);
    CHECK(event_of_action(R"({"text":"x"})") == std::numeric_limits<std::size_t>::max());
}

TEST_CASE("bench workload: the same numbers give the same lanes", "[bench]") {
    CHECK(bench_lanes(100, 7) == bench_lanes(100, 7));
    for (const auto lane : bench_lanes(100, 7)) CHECK(lane < 7);
}

}  // namespace bench_wire
