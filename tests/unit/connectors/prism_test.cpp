/// Sends what actions render to a mock server that holds the vendor's own API description against it. Hidden:
/// run by tests/connectors_prism.sh, which starts the servers.
#include "connectors/kit/http_client.h"
#include "tests/unit/connectors/support.h"

namespace prism_test {

using namespace connectors;
using namespace connectors::testing;

namespace {

/// What the vendor's server says to a rendered action.
engine::Result<HttpResponse> answered(const Connection& connection, const std::string& action,
                                      const Json& params) {
    const auto request =
        render(connection, delivery_of(action, params), *engine::parse_instant("2026-05-04T08:00:00Z"));
    INFO((request ? "" : request.error().message));
    REQUIRE(request);
    boost::asio::io_context network;
    HttpClient client(network, {});
    std::optional<engine::Result<HttpResponse>> answer;
    client.send(*request, std::chrono::seconds(20), [&](auto result) { answer = std::move(result); });
    while (!answer) network.run_one();
    return std::move(*answer);
}

/// The description knows no request body for these, so it takes none; the service does.
bool is_undescribed(const HttpResponse& answer) {
    return answer.status == 415 && answer.body.find("No supported content types") != std::string::npos;
}

/// The description calls no member nullable, though null is how the service unassigns.
Json without_nulls(Json params) {
    for (auto member = params.begin(); member != params.end();)
        member = member->is_null() ? params.erase(member) : std::next(member);
    return params;
}

void check_all(const std::string& connector, const std::string& settings, std::size_t wanted) {
    const auto connection = connection_of(connector + ": { " + settings + " }");
    const auto fixtures = json(read_file("connectors/" + connector + "/fixtures/actions.json"));
    std::size_t good = 0;
    for (const auto& fixture : fixtures["actions"]) {
        const auto action = fixture["action"].get<std::string>();
        if (action == "post_webhook") continue;  // no part of the description
        const auto answer = answered(connection, action, without_nulls(fixture["params"]));
        INFO(connector << "." << action << ": "
                       << (answer ? answer->body.substr(0, 400) : answer.error().message));
        REQUIRE(answer);
        if (is_undescribed(*answer)) continue;
        CHECK(answer->status >= 200);
        CHECK(answer->status < 300);
        ++good;
    }
    CHECK(good == wanted);
}

void check_one(const Connection& connection, const std::string& action, const std::string& params) {
    const auto answer = answered(connection, action, json(params));
    INFO(action << ": " << (answer ? answer->body.substr(0, 600) : answer.error().message));
    REQUIRE(answer);
    CHECK(answer->status >= 200);
    CHECK(answer->status < 300);
}

}  // namespace

TEST_CASE("prism: requests that use every parameter are taken too", "[.prism]") {
    const char* zendesk_url = std::getenv("SIGNALBOX_PRISM_ZENDESK");
    const char* slack_url = std::getenv("SIGNALBOX_PRISM_SLACK");
    REQUIRE(zendesk_url != nullptr);
    REQUIRE(slack_url != nullptr);
    const auto zendesk = connection_of("zendesk: { base_url: \"" + std::string(zendesk_url) +
                                       "\", email: a@example.com, api_token: t }");
    check_one(zendesk, "create_ticket",
              R"({"subject":"S","description":"D","public":true,"status":"on_hold","priority":"urgent",
                  "type":"incident","requester_email":"a@example.com","requester_name":"A","assignee_id":"7",
                  "group_id":"8","tags":["a"],"custom_fields":[{"id":1,"value":"x"}],"external_id":"e",
                  "brand_id":"9","form_id":"10","due_at":"2026-05-04T08:00:00Z"})");
    check_one(zendesk, "update_ticket",
              R"({"id":"1","subject":"S","status":"solved","priority":"low","type":"task","assignee_id":"7",
                  "group_id":"8","tags":["a"],"custom_fields":[{"id":1,"value":"x"}],"external_id":"e",
                  "due_at":"2026-05-04T08:00:00Z","comment":"c","public":false})");
    const auto slack = connection_of("slack: { base_url: \"" + std::string(slack_url) + "/api\", token: t }");
    check_one(slack, "post_message",
              R"({"channel":"C1","text":"T","blocks":[{"type":"divider"}],"attachments":[{"text":"a"}],
                  "thread_ts":"1777881600.000200","reply_broadcast":true,"unfurl_links":false,"unfurl_media":false,
                  "mrkdwn":true,"metadata":{"event_type":"e","event_payload":{}},"username":"u",
                  "icon_emoji":":bell:"})");
}

TEST_CASE("prism: Zendesk's description takes every rendered request", "[.prism]") {
    const char* url = std::getenv("SIGNALBOX_PRISM_ZENDESK");
    REQUIRE(url != nullptr);
    check_all("zendesk", "base_url: \"" + std::string(url) + "\", email: a@example.com, api_token: t", 3);
}

TEST_CASE("prism: Slack's description takes every rendered request", "[.prism]") {
    const char* url = std::getenv("SIGNALBOX_PRISM_SLACK");
    REQUIRE(url != nullptr);
    check_all("slack", "base_url: \"" + std::string(url) + "/api\", token: xoxb-test", 1);
}

}  // namespace prism_test
