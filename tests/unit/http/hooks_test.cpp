/// Vendors' webhooks, through the generic webhook connector as it is shipped.

#include "engine/base/hash.h"
#include "tests/support/catch.h"
#include "tests/unit/http/running.h"

namespace hooks_test {

using namespace http_test;
using engine::Ack;
using engine::Json;

namespace {

constexpr auto secret = "not much of a secret";

/// Gives acme a connection `forms` of the shipped connector `webhook`.
void connect(Running& running) {
    engine::Diagnostics diagnostics;
    auto tenant = std::make_shared<engine::Tenant>(*running.door.tenants.at(engine::TenantName("acme")));
    tenant->connections = connectors::load_connections(
        std::string("connections:\n  forms: { connector: webhook, sandbox: true, secret: \"") + secret +
            "\" }\n",
        connectors::Registry::shipped(), [](const auto&, const auto&) { return std::nullopt; }, true,
        diagnostics);
    for (const auto& problem : diagnostics.sorted()) UNSCOPED_INFO(engine::to_text(problem));
    REQUIRE_FALSE(diagnostics.has_errors());
    running.door.tenants[engine::TenantName("acme")] = tenant;
}

std::string signature(const std::string& body) {
    return "sha256=" + engine::to_hex(engine::hmac(engine::Algorithm::sha256, secret, body));
}

std::string hook(const std::string& body, const std::string& signed_with) {
    return request("POST", "/v1/acme/hooks/forms",
                   {{"Content-Type", "application/json"}, {"X-Signature-256", signed_with}}, body);
}

std::string hook(const std::string& body) {
    return hook(body, signature(body));
}

}  // namespace

TEST_CASE("hooks: a signed webhook becomes an event of its tenant", "[http]") {
    Running running;
    connect(running);
    Client client(running);
    const auto reply = client.ask(hook(R"({"id":"77","subject":"No coffee","priority":"high"})"));
    CHECK(reply.status == 200);
    CHECK(reply.json()["status"] == "accepted");
    REQUIRE(running.door.submitted().size() == 1);
    const auto event = running.door.submitted()[0];
    CHECK(event.tenant.text() == "acme");
    CHECK(event.received == running.clock.now());
    CHECK(event.type == "ticket.created");
    CHECK(event.source == "webhook/forms");
    CHECK(event.data["ticket"]["subject"] == "No coffee");
}

TEST_CASE("hooks: a known and a clashing event are answered like the first time", "[http]") {
    Running running;
    connect(running);
    Client client(running);
    const auto first = client.ask(hook(R"({"id":"1","subject":"a"})"));
    const auto again = client.ask(hook(R"({"id":"1","subject":"a"})"));
    CHECK(again.status == 200);
    CHECK(again.body == first.body);
    running.door.answer_with = Ack::Kind::clash;
    const auto clash = client.ask(hook(R"({"id":"1","subject":"b"})"));
    CHECK(clash.status == 200);
    CHECK(clash.body == first.body);
}

TEST_CASE("hooks: the answer is no 2xx while nothing is kept", "[http]") {
    Running running;
    connect(running);
    Client client(running);
    for (const auto kind : {Ack::Kind::overloaded, Ack::Kind::unavailable}) {
        running.door.answer_with = kind;
        const auto reply = client.ask(hook(R"({"subject":"a"})"));
        CHECK(reply.status == 503);
        CHECK(reply.is_problem());
        CHECK_FALSE(reply.header("retry-after").empty());
    }
}

TEST_CASE("hooks: a wrong or missing signature is a 401, an unreadable body a 400", "[http]") {
    Running running;
    connect(running);
    Client client(running);
    const std::string body = R"({"subject":"a"})";
    CHECK(client.ask(hook(body, signature(body + " "))).status == 401);
    CHECK(client.ask(hook(body, "")).status == 401);
    CHECK(client.ask(hook(body, "sha256=00")).status == 401);
    CHECK(client.ask(request("POST", "/v1/acme/hooks/forms", {}, body)).status == 401);
    CHECK(client.ask(hook("{")).status == 400);
    CHECK(client.ask(hook("7")).status == 400);
    const auto reply = client.ask(hook(R"({"body":"no subject"})"));
    CHECK(reply.status == 400);
    CHECK(reply.is_problem());
    CHECK(reply.json()["detail"].get<std::string>().find("Title or subject is required") !=
          std::string::npos);
    CHECK(running.door.submitted().empty());
}

TEST_CASE("hooks: an unknown connection and an unknown tenant look the same", "[http]") {
    Running running;
    connect(running);
    Client client(running);
    const auto connection = client.ask(request("GET", "/v1/acme/hooks/none"));
    const auto tenant = client.ask(request("GET", "/v1/none/hooks/forms"));
    CHECK(connection.status == 404);
    CHECK(connection.body == tenant.body);
}

TEST_CASE("hooks: a batch answers with counts and failures", "[http]") {
    Running running;
    connect(running);
    Client client(running);
    const auto reply = client.ask(hook(R"([{"id":"1","subject":"a"},{"id":"2"},{"id":"3","title":"c"}])"));
    CHECK(reply.status == 200);
    const auto answer = reply.json();
    CHECK(answer["created_count"] == 2);
    CHECK(answer["failed_count"] == 1);
    CHECK(answer["failed"][0]["index"] == 1);
    CHECK(answer["failed"][0]["reason"] == "Title or subject is required");
    CHECK(running.door.submitted().size() == 2);
}

TEST_CASE("hooks: a batch without any good item is refused, with the same counts", "[http]") {
    Running running;
    connect(running);
    Client client(running);
    const auto reply = client.ask(hook(R"([{"id":"1"},{"id":"2"}])"));
    CHECK(reply.status == 400);
    CHECK(reply.is_problem());
    CHECK(reply.json()["created_count"] == 0);
    CHECK(reply.json()["failed_count"] == 2);
    CHECK(running.door.submitted().empty());
}

TEST_CASE("hooks: a body larger than the connection takes is refused before it is read", "[http]") {
    Running running;
    connect(running);
    Client client(running);
    CHECK(client.ask("POST /v1/acme/hooks/forms HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
              .status == 413);
}

TEST_CASE("hooks: GET says what the address is for and shows no secret", "[http]") {
    Running running;
    connect(running);
    Client client(running);
    const auto reply = client.ask(request("GET", "/v1/acme/hooks/forms"));
    CHECK(reply.status == 200);
    CHECK(reply.json()["connector"] == "webhook");
    CHECK(reply.json()["events"][0]["type"] == "ticket.created");
    CHECK(reply.body.find(secret) == std::string::npos);
}

}  // namespace hooks_test
