// Rows of the journal as `history` shows them.
#include "engine/app/render.h"

#include "tests/support/catch.h"

namespace render_test {

using engine::Json;
using engine::app::render_body;

namespace {

Json delivery(int attempts, const std::string& rule) {
    return {{"connection", "slack"}, {"action", "post_message"}, {"attempts", attempts}, {"rule", rule}};
}

}  // namespace

TEST_CASE("render: an event by type, source and id", "[app]") {
    CHECK(render_body("event", Json{{"type", "ticket.created"}, {"source", "desk"}, {"id", "e1"}}) ==
          "ticket.created from desk  [e1]\n");
}

TEST_CASE("render: what came of deliveries", "[app]") {
    CHECK(
        render_body("delivered",
                    Json{{"delivery", delivery(2, "tell")}, {"result", {{"ts", "1.5"}}}, {"status", 200}}) ==
        "slack.post_message  attempt 2, status 200 → {\"ts\":\"1.5\"}  (tell)\n");
    CHECK(render_body("delivered", Json{{"delivery", delivery(1, "")},
                                        {"result", Json::object()},
                                        {"simulated", true},
                                        {"status", 0}}) ==
          "slack.post_message  attempt 1, in sandbox mode\n");
    CHECK(render_body("attempt", Json{{"delivery", delivery(1, "tell")},
                                      {"reason", "the server is busy"},
                                      {"next_attempt", "2026-05-04T08:00:05Z"},
                                      {"status", 503}}) ==
          "slack.post_message  attempt 1, status 503: the server is busy, again at 2026-05-04T08:00:05Z  "
          "(tell)\n");
    CHECK(render_body("dead_letter",
                      Json{{"delivery", delivery(10, "tell")}, {"reason", "no answer"}, {"status", 0}}) ==
          "slack.post_message  attempt 10: no answer  (tell)\n");
}

TEST_CASE("render: other rows as they are", "[app]") {
    CHECK(render_body("lane_released", Json{{"lane", "ticket/1"}}) == "{\"lane\":\"ticket/1\"}\n");
}

}  // namespace render_test
