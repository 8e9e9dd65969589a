#include "engine/base/hash.h"
#include "tests/unit/connectors/support.h"

namespace action_test {

using namespace connectors;
using namespace connectors::testing;

namespace {

const engine::Instant now = *engine::parse_instant("2026-05-04T08:00:00Z");

/// A connector with one action, whose lines are given.
Connection actor(const std::string& action, const std::string& more = "", const std::string& settings = "") {
    const auto registry = registry_with(
        "actor",
        "name: actor\ntitle: A\ndescription: x\nsettings:\n"
        "  base: { type: url, fallback: \"http://127.0.0.1:1/v1\", description: x }\n"
        "  token: { secret: true, description: x }\n  other: { secret: true, description: x }\n" +
            more + "actions:\n  act:\n    description: Acts.\n" + action);
    return connection_of("actor: { concurrency: 1" + settings + " }", registry);
}

HttpRequest rendered(const Connection& connection, Json params = Json::object()) {
    auto request = render(connection, delivery_of("act", std::move(params)), now);
    INFO((request ? "" : request.error().message));
    REQUIRE(request);
    return std::move(*request);
}

std::string refusal(const Connection& connection, Json params) {
    const auto request = render(connection, delivery_of("act", std::move(params)), now);
    REQUIRE_FALSE(request);
    CHECK(request.error().code == engine::Code::invalid_input);
    return request.error().message;
}

engine::Attempt judged(const Connection& connection, int status, const std::string& body,
                       std::vector<std::pair<std::string, std::string>> headers = {}) {
    engine::Action action;
    action.action = "act";
    return classify(connection, action, {status, std::move(headers), body}, now);
}

const std::string plain = "    request: { url: \"{settings.base}/x\" }\n";

}  // namespace

TEST_CASE("render: parameters are checked by type, and nulls are left out", "[connectors]") {
    const auto connection = actor(
        "    params:\n      t: { description: x }\n      n: { type: number, description: x }\n"
        "      b: { type: boolean, default: true, description: x }\n      l: { type: list, description: x }\n"
        "      o: { type: object, description: x }\n      e: { values: [one, two], description: x }\n"
        "      z: { nullable: true, description: x }\n"
        "    request:\n      url: \"{settings.base}\"\n      json:\n        t: \"{params.t}\"\n        n: "
        "\"{params.n}\"\n"
        "        b: \"{params.b}\"\n        l: \"{params.l}\"\n        o: \"{params.o}\"\n        e: "
        "\"{params.e}\"\n"
        "        z: \"{params.z}\"\n");
    CHECK(json(rendered(connection).body) == json(R"({"b":true})"));
    CHECK(json(rendered(connection, {{"t", 7}, {"n", 7}, {"b", false}, {"l", Json::array()}, {"z", nullptr}})
                   .body) == json(R"({"t":"7","n":7,"b":false,"l":[],"z":null})"));
    CHECK(json(rendered(connection, {{"t", nullptr}, {"o", Json::object()}}).body) ==
          json(R"({"b":true,"o":{}})"));
    CHECK_THAT(refusal(connection, {{"n", "7"}}), Catch::Contains("parameter n is a number, not string"));
    CHECK_THAT(refusal(connection, {{"b", "true"}}), Catch::Contains("parameter b"));
    CHECK_THAT(refusal(connection, {{"l", "x"}}), Catch::Contains("parameter l is a list"));
    CHECK_THAT(refusal(connection, {{"t", {{"a", 1}}}}), Catch::Contains("parameter t is a text"));
    CHECK_THAT(refusal(connection, {{"e", "tow"}}), Catch::Contains("did you mean \"two\"?"));
    CHECK_THAT(refusal(connection, {{"tt", 1}}), Catch::Contains("c.act: unknown parameter \"tt\""));
    CHECK_THAT(refusal(connection, Json::array()), Catch::Contains("no map"));
}

TEST_CASE("render: one of a group is needed", "[connectors]") {
    const auto connection =
        actor("    params: { a: { description: x }, b: { description: x } }\n    one_of: [[a, b]]\n" + plain);
    CHECK_THAT(refusal(connection, Json::object()), Catch::Contains("one of the parameters a, b"));
    CHECK_THAT(refusal(connection, {{"a", nullptr}}), Catch::Contains("one of the parameters a, b"));
    rendered(connection, {{"b", "x"}});
}

TEST_CASE("render: every request names itself, and carries the delivery's key", "[connectors]") {
    const auto request = rendered(actor(plain));
    CHECK(header_of(request, "User-Agent").starts_with("signalbox/"));
    CHECK(header_of(request, "Accept") == "application/json");
    CHECK(header_of(request, "Idempotency-Key") == "key-1");
    CHECK(request.method == "POST");
    CHECK(request.url == "http://127.0.0.1:1/v1/x");
    CHECK(header_of(rendered(actor(plain + "    idempotency: X-Once\n")), "X-Once") == "key-1");
    CHECK(header_of(rendered(actor(plain + "    idempotency: none\n")), "Idempotency-Key").empty());
}

TEST_CASE("render: the first auth whose settings are there is used", "[connectors]") {
    const std::string auth =
        "auth:\n  - bearer: \"{settings.token}\"\n  - basic: { user: u, password: \"{settings.other}\" }\n";
    CHECK(header_of(rendered(actor(plain, auth, ", token: t, other: o")), "Authorization") == "Bearer t");
    CHECK(header_of(rendered(actor(plain, auth, ", other: o")), "Authorization") == "Basic dTpv");
    auto bare = actor(plain, auth, ", token: t");
    bare.settings.erase("token");
    CHECK_THAT(refusal(bare, Json::object()), Catch::Contains("no credentials: missing token"));
    CHECK(header_of(rendered(actor(plain + "    auth: [{ none: true }]\n", auth)), "Authorization").empty());
    CHECK(
        header_of(rendered(actor(plain, "auth: [{ header: { name: X-Key, value: \"{settings.token}\" } }]\n",
                                 ", token: t")),
                  "X-Key") == "t");
    CHECK(rendered(
              actor(plain, "auth: [{ query: { name: key, value: \"{settings.token}\" } }]\n", ", token: a b"))
              .url == "http://127.0.0.1:1/v1/x?key=a%20b");
}

TEST_CASE("render: nothing from a rule can end a header or leave its place in a URL", "[connectors]") {
    const auto header = actor(
        "    params: { h: { description: x } }\n    request: { url: \"{settings.base}\", headers: { X-H: "
        "\"{params.h}\" } }\n");
    CHECK(header_of(rendered(header, {{"h", "ok"}}), "X-H") == "ok");
    CHECK(header_of(rendered(header), "X-H").empty());
    CHECK_THAT(refusal(header, {{"h", "a\r\nX-Evil: 1"}}), Catch::Contains("X-H"));
    CHECK_THAT(refusal(header, {{"h", std::string(9000, 'x')}}), Catch::Contains("X-H"));
    const auto path = actor(
        "    params: { id: { description: x } }\n    request: { url: \"{settings.base}/t/{params.id}\" }\n");
    CHECK(rendered(path, {{"id", "a/../b?c"}}).url == "http://127.0.0.1:1/v1/t/a%2F..%2Fb%3Fc");
    CHECK_THAT(refusal(path, {{"id", ""}}), Catch::Contains("missing id"));
    CHECK_FALSE(render(path, delivery_of("act", {{"id", ".."}}), now));
    CHECK_THAT(refusal(path, Json::object()), Catch::Contains("missing id"));
}

TEST_CASE("render: query, form and text bodies", "[connectors]") {
    const auto form = actor(
        "    params: { m: { type: object, description: x }, l: { type: list, description: x } }\n    "
        "request:\n"
        "      method: PUT\n      url: \"{settings.base}?a=1\"\n      query: { q: \"x y\", gone: "
        "\"{params.m.no}\" }\n"
        "      form: { to: \"a&b\", meta: \"{params.m}\", \"ev[]\": \"{params.l}\" }\n");
    const auto request = rendered(form, {{"m", {{"k", 1}}}, {"l", {"a", "b"}}});
    CHECK(request.url == "http://127.0.0.1:1/v1?a=1&q=x%20y");
    CHECK(header_of(request, "Content-Type") == "application/x-www-form-urlencoded");
    CHECK(request.body == "ev%5B%5D=a&ev%5B%5D=b&meta%5Bk%5D=1&to=a%26b");
    const auto text = rendered(
        actor("    request: { url: \"{settings.base}\", text: hello, headers: { Content-Type: text/x } }\n"));
    CHECK(text.body == "hello");
    CHECK(header_of(text, "Content-Type") == "text/x");
    CHECK(rendered(actor("    request: { method: GET, url: \"{settings.base}\" }\n")).body.empty());
    CHECK(rendered(actor("    request: { url: \"{settings.base}\", json: {} }\n")).body == "{}");
}

TEST_CASE("render: text that is not UTF-8 still makes a readable body", "[connectors]") {
    const auto connection = connection_of("w: { connector: webhook, url: \"http://127.0.0.1:1/\" }");
    const auto request = render(connection, delivery_of("post", {{"body", "a\xff"}}), now);
    REQUIRE(request);
    CHECK(json(request->body) == "a\xEF\xBF\xBD");
}

TEST_CASE("render: what is posted is signed as Standard Webhooks say", "[connectors]") {
    const auto connection = connection_of(
        "w: { connector: webhook, url: \"http://127.0.0.1:1/\", signing_secret: "
        "whsec_c2lnbmFsYm94LWZpeHR1cmUta2V5LTAx }");
    const auto request = render(connection, delivery_of("post", {{"body", {{"a", 1}}}}, "msg_1"), now);
    REQUIRE(request);
    CHECK(header_of(*request, "webhook-id") == "msg_1");
    CHECK(header_of(*request, "webhook-timestamp") == "1777881600");
    const auto expected =
        engine::hmac(engine::Algorithm::sha256, "signalbox-fixture-key-01", "msg_1.1777881600.{\"a\":1}");
    CHECK(header_of(*request, "webhook-signature") == "v1," + engine::to_base64(expected));
}

TEST_CASE("render: an action nobody has is named with the nearest", "[connectors]") {
    const auto request = render(actor(plain), delivery_of("actt", Json::object()), now);
    CHECK_THAT(request.error().message, Catch::Contains("no action \"actt\", did you mean \"act\"?"));
}

TEST_CASE("classify: without rules the status says it", "[connectors]") {
    using Kind = engine::Attempt::Kind;
    const auto connection = actor(plain);
    for (const int status : {200, 201, 202, 204}) CHECK(judged(connection, status, "").kind == Kind::done);
    for (const int status : {408, 425, 429, 500, 502, 503, 504, 529})
        CHECK(judged(connection, status, "").kind == Kind::retry);
    for (const int status : {301, 302, 303, 307, 308, 400, 401, 403, 404, 409, 410, 422})
        CHECK(judged(connection, status, "").kind == Kind::failed);
    CHECK(judged(connection, 503, "x").reason == "HTTP 503");
}

TEST_CASE("classify: rules of the action come before those of the connector", "[connectors]") {
    using Kind = engine::Attempt::Kind;
    const auto connection = actor(plain +
                                      "    answers:\n      - { when: { response.status: 404 }, is: done }\n"
                                      "      - { when: { response.body.code: [7, \"8*\"] }, is: retry, "
                                      "reason: \"code {response.body.code}\" }\n",
                                  "answers:\n  - { when: { response.status: 404 }, is: retry }\n  - { when: "
                                  "{ header.x-fail: \"yes\" }, is: failed }\n");
    CHECK(judged(connection, 404, "").kind == Kind::done);
    CHECK(judged(connection, 200, R"({"code":7})").kind == Kind::retry);
    CHECK(judged(connection, 200, R"({"code":"81"})").reason == "HTTP 200: code 81");
    CHECK(judged(connection, 200, "", {{"X-Fail", "yes"}}).kind == Kind::failed);
    CHECK(judged(connection, 200, "").kind == Kind::done);
}

TEST_CASE("classify: a result is read from the answer, and an answer that is none is tried again",
          "[connectors]") {
    using Kind = engine::Attempt::Kind;
    const auto connection = actor(plain +
                                  "    result: { id: \"{response.body.id | text}\", more: "
                                  "\"{response.body.more}\", etag: \"{header.etag}\" }\n");
    CHECK(judged(connection, 200, R"({"id":12345678901234567890})", {{"ETag", "e"}}).result["etag"] == "e");
    CHECK(judged(connection, 200, R"({"id":7})").result == json(R"({"id":"7"})"));
    for (const auto* body : {"", "<html>", "{", "\xff"})
        CHECK(judged(connection, 200, body).kind == Kind::retry);
    CHECK(judged(connection, 204, "").kind == Kind::done);
    CHECK(judged(connection, 202, "").kind == Kind::done);
}

TEST_CASE("classify: waits are read in every unit, and never trusted beyond an hour", "[connectors]") {
    const auto wait = [](const Connection& connection, const std::string& name, const std::string& value) {
        const auto attempt = judged(connection, 429, "", {{name, value}});
        return engine::to_text(attempt.retry_after);
    };
    const auto standard = actor(plain);
    CHECK(wait(standard, "retry-after", "7") == "7s");
    CHECK(wait(standard, "Retry-After", "2.5") == "2s500ms");
    CHECK(wait(standard, "Retry-After", "Mon, 04 May 2026 08:00:30 GMT") == "30s");
    for (const auto* hour : {"1000000000000", "1e12", "1e400", "Mon, 04 May 2099 08:00:30 GMT", "3601"})
        CHECK(wait(standard, "Retry-After", hour) == "1h");
    for (const auto* none : {"0", "-1", "soon", "", "nan", "inf", "-1e400", "Mon, 04 May 2020 08:00:30 GMT",
                             "Mon, 04 Foo 2026 08:00:30 GMT", "7 s", "0x10"})
        CHECK(wait(standard, "Retry-After", none) == engine::to_text(engine::Duration::zero()));
    const auto others = actor(
        plain,
        "retry_after:\n  - { header: A, unit: ms }\n  - { header: B, unit: epoch_s }\n  - { header: C, unit: "
        "epoch_ms }\n"
        "  - { header: D, unit: rfc3339 }\n  - { header: E, unit: duration }\n  - { header: F, unit: s }\n");
    CHECK(wait(others, "A", "1500") == "1s500ms");
    CHECK(wait(others, "B", "1777881610") == "10s");
    CHECK(wait(others, "B", "1777881590") == engine::to_text(engine::Duration::zero()));
    CHECK(wait(others, "C", "1777881610500") == "10s500ms");
    CHECK(wait(others, "D", "2026-05-04T08:01:00Z") == "1m");
    CHECK(wait(others, "E", "6m0s") == "6m");
    CHECK(wait(others, "F", "3") == "3s");
    const auto two = judged(others, 429, "", {{"A", "soon"}, {"F", "3"}});
    CHECK(two.retry_after == std::chrono::seconds(3));
    CHECK(judged(standard, 200, "", {{"Retry-After", "7"}}).retry_after == engine::Duration::zero());
}

TEST_CASE("classify: what a vendor says is shown on one line, in UTF-8, and not at length", "[connectors]") {
    const auto connection =
        actor(plain +
              "    answers: [{ when: { response.status: 400 }, is: failed, reason: \"{response.text}\" }]\n");
    CHECK(judged(connection, 400, "a\nb\x1b[31m").reason == "HTTP 400: a b [31m");
    CHECK(judged(connection, 400, std::string(10'000, 'x')).reason.size() < 400);
    CHECK(judged(connection, 400, "\xff\xff").reason == "HTTP 400: not UTF-8");
}

TEST_CASE("simulate: the sandbox makes the same result up for the same key", "[connectors]") {
    const auto connection = connection_of("zendesk: { sandbox: true }");
    const Json params{{"subject", "S"}, {"status", "open"}};
    const auto first = simulate(connection, delivery_of("create_ticket", params, "k1"));
    CHECK(first.kind == engine::Attempt::Kind::done);
    CHECK(first.simulated);
    CHECK(first.result["status"] == "open");
    CHECK(first.result == simulate(connection, delivery_of("create_ticket", params, "k1")).result);
    CHECK(first.result != simulate(connection, delivery_of("create_ticket", params, "k2")).result);
    const auto wrong = simulate(connection, delivery_of("create_ticket", {{"status", "odd"}}));
    CHECK(wrong.kind == engine::Attempt::Kind::failed);
    CHECK(wrong.simulated);
    CHECK(simulate(connection, delivery_of("nothing", params)).kind == engine::Attempt::Kind::failed);
}

TEST_CASE("write_back: all changes of a decision are one action, in the vendor's words", "[connectors]") {
    const auto connection =
        connection_of("zendesk: { subdomain: a, oauth_token: t, custom_fields: { seats: 360001 } }");
    const auto subject = engine::Subject::of("ticket", "zendesk", "42");
    const Json document =
        json(R"({"status":"on_hold","tags":["a","b"],"custom":{"seats":5,"other":1},"subject":"S"})");
    const auto action = write_back(connection, subject,
                                   {{"ticket.status", "open", "pending", "r1", ""},
                                    {"ticket.status", "pending", "on_hold", "r2", ""},
                                    {"ticket.tags", nullptr, {"a", "b"}, "r1", ""},
                                    {"ticket.priority", "high", nullptr, "r1", ""},
                                    {"ticket.custom.seats", 4, 5, "r1", ""},
                                    {"ticket.custom.other", 0, 1, "r1", ""}},
                                   document);
    REQUIRE(action);
    CHECK(action->connection == "zendesk");
    CHECK(action->action == "update_ticket");
    CHECK(action->rule.empty());
    CHECK(action->params == json(R"({"id":"42","status":"on_hold","tags":["a","b"],"priority":null,
        "custom_fields":[{"id":360001,"value":5}]})"));
    engine::Delivery delivery;
    delivery.action = *action;
    const auto request = render(connection, delivery, now);
    REQUIRE(request);
    CHECK(request->url == "https://a.zendesk.com/api/v2/tickets/42");
    CHECK(json(request->body)["ticket"]["status"] == "hold");
    CHECK(json(request->body)["ticket"]["priority"].is_null());
    CHECK(json(request->body)["ticket"].contains("priority"));
}

TEST_CASE("write_back: names of groups and agents leave as the ids the vendor knows", "[connectors]") {
    const auto connection = connection_of(
        "zendesk: { subdomain: a, oauth_token: t, groups: { billing: 360001 }, agents: { ana: 7 } }");
    const auto body_of = [&](const Json& document) {
        engine::Delivery delivery;
        const auto action = write_back(connection, engine::Subject::of("ticket", "zendesk", "42"),
                                       {{"ticket.group", nullptr, document["group"], "r1", ""},
                                        {"ticket.assignee", nullptr, document["assignee"], "r1", ""}},
                                       document);
        REQUIRE(action);
        delivery.action = *action;
        const auto request = render(connection, delivery, now);
        REQUIRE(request);
        return json(request->body)["ticket"];
    };
    CHECK(body_of(json(R"({"group":"billing","assignee":"ana"})")) ==
          json(R"({"group_id":360001,"assignee_id":7})"));
    CHECK(body_of(json(R"({"group":"99","assignee":"nobody"})")) ==
          json(R"({"group_id":99,"assignee_id":"nobody"})"));
}

TEST_CASE("write_back: a removed list leaves as an empty one, a status that cannot be removed not at all",
          "[connectors]") {
    const auto connection = connection_of("zendesk: { sandbox: true }");
    const auto subject = engine::Subject::of("ticket", "zendesk", "42");
    const std::vector<engine::Change> removed{{"ticket.tags", {"a"}, nullptr, "r", ""},
                                              {"ticket.status", "open", nullptr, "r", ""}};
    const auto action = write_back(connection, subject, removed, Json::object());
    REQUIRE(action);
    CHECK(action->params == json(R"({"id":"42","tags":[]})"));
    CHECK_FALSE(write_back(connection, subject, {removed[1]}, Json::object()));
}

TEST_CASE("write_back: there is none for other kinds, unknown fields, or where it is off", "[connectors]") {
    const auto connection = connection_of("zendesk: { sandbox: true }");
    const std::vector<engine::Change> status{{"ticket.status", "open", "solved", "r", ""}};
    const Json document{{"status", "solved"}};
    CHECK(write_back(connection, engine::Subject::of("ticket", "zendesk", "1"), status, document));
    CHECK_FALSE(write_back(connection, engine::Subject::of("contact", "zendesk", "1"), status, document));
    CHECK_FALSE(write_back(connection, engine::Subject::of("ticket", "zendesk", "1"),
                           {{"ticket.queue", nullptr, "x", "r", ""}}, document));
    CHECK_FALSE(write_back(connection, engine::Subject::of("ticket", "zendesk", "1"), {}, document));
    CHECK_FALSE(write_back(connection_of("zendesk: { sandbox: true, write_back: false }"),
                           engine::Subject::of("ticket", "zendesk", "1"), status, document));
    CHECK_FALSE(write_back(connection_of("slack: { sandbox: true }"),
                           engine::Subject::of("ticket", "slack", "1"), status, document));
}

TEST_CASE("write_back: a ticket's reference goes back to the conversation's metadata", "[connectors]") {
    const auto connection = connection_of("helpninja: { sandbox: true }");
    const auto action = write_back(connection, engine::Subject::of("conversation", "helpninja", "c1"),
                                   {{"conversation.custom.ticket_id", nullptr, "42", "r", ""},
                                    {"conversation.custom.plan", nullptr, "pro", "r", ""}},
                                   json(R"({"custom":{"ticket_id":"42","plan":"pro"}})"));
    REQUIRE(action);
    CHECK(action->params ==
          json(R"({"conversation_id":"c1","metadata":{"support_ticket_id":"42","plan":"pro"}})"));
}

}  // namespace action_test
