/// Vendors' webhooks, through the generic webhook connector as it is shipped.

#include <chrono>
#include <semaphore>

#include "engine/base/hash.h"
#include "rules/script.h"
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

/// Runs the functions of connectors: gives a ticket's subject, once the test lets it.
class Slow final : public rules::ScriptHost {
public:
    static constexpr auto time_min = std::chrono::microseconds(10);

    std::vector<engine::Diagnostic> load(const std::shared_ptr<const rules::ScriptSet>&) override {
        return {};
    }
    rules::ScriptOutcome run(const std::shared_ptr<const rules::ScriptSet>&,
                             const rules::ScriptCall& call) override {
        begun.release();
        (void)may_go.try_acquire_for(std::chrono::seconds(10));  // as long as a client waits
        // It never takes less than that.
        const auto until = std::chrono::steady_clock::now() + time_min;
        while (std::chrono::steady_clock::now() < until) {
        }
        rules::ScriptOutcome outcome;
        outcome.result = {{"ticket.subject", call.context["value"]["subject"]}};
        return outcome;
    }

    std::counting_semaphore<> begun{0};
    std::counting_semaphore<> may_go{0};
};

/// Gives acme a connection `forms` whose connector calls a function.
std::shared_ptr<Slow> connect_slow(Running& running, const std::string& items = "lists: true") {
    const auto slow = std::make_shared<Slow>();
    engine::Diagnostics diagnostics;
    const auto registry = connectors::Registry::shipped().with(
        {{"connectors/forms/connector.yaml",
          "name: forms\ntitle: Forms\ndescription: x\nsettings:\n  secret: { secret: true, description: x "
          "}\nwebhook:\n  verify: [ { key: { header: X-Key, secret: secret } } ]\n  " +
              items +
              "\n"
              "  id: item.id | text\n  events:\n    - type: ticket.created\n"
              "      subject: { kind: ticket, id: item.id | text }\n      map: item | lua:fields\n"}},
        diagnostics);
    auto tenant = std::make_shared<engine::Tenant>(*running.door.tenants.at(engine::TenantName("acme")));
    tenant->connections = connectors::load_connections(
        "connections:\n  forms: { connector: forms, verify: none }\n", registry,
        [](const auto&, const auto&) { return std::nullopt; }, true, diagnostics);
    for (const auto& problem : diagnostics.sorted()) UNSCOPED_INFO(engine::to_text(problem));
    REQUIRE_FALSE(diagnostics.has_errors());
    auto rules = std::make_shared<rules::RuleSet>(*tenant->rule_set);
    rules->scripts = std::make_shared<rules::ScriptSet>();
    tenant->set_rules(rules);
    tenant->scripts = slow;
    running.door.tenants[engine::TenantName("acme")] = tenant;
    return slow;
}

std::string form(int id) {
    return request("POST", "/v1/acme/hooks/forms", {{"Content-Type", "application/json"}},
                   R"({"id":)" + std::to_string(id) + R"(,"subject":"a"})");
}

/// Waits until the server has looked after its connections a few times.
void let_sweep(Running& running) {
    for (int i = 0; i < 2; ++i) CHECK(Client(running).is_closed());
}

std::vector<std::string> ids_of(const std::vector<engine::Event>& events) {
    std::vector<std::string> ids;
    for (const auto& event : events) ids.push_back(event.id.text());
    return ids;
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

TEST_CASE("hooks: one with functions is not read when its sender has gone before", "[http]") {
    Options options;
    options.server.head_deadline = std::chrono::milliseconds(150);
    Running running(options);
    const auto slow = connect_slow(running);
    Client first(running);
    first.send(form(1));
    slow->begun.acquire();
    Client(running).send(form(2));
    Client half(running);
    half.send(form(3));
    half.shut_down_sending();
    let_sweep(running);
    slow->may_go.release(3);
    CHECK(first.read().status == 200);
    // Told to go on with what it has sent already, which harms nobody, it gets its answer as ever.
    CHECK(half.read().status == 100);
    CHECK(half.read().status == 200);
    CHECK(ids_of(running.door.submitted()) == std::vector<std::string>{"1", "3"});
}

TEST_CASE("hooks: one with functions is not read when its answer would be too late", "[http]") {
    Options options;
    options.server.answer_deadline = std::chrono::milliseconds(300);
    Running running(options);
    const auto slow = connect_slow(running);
    Client first(running), second(running);
    first.send(form(1));
    slow->begun.acquire();
    second.send(form(2));
    CHECK(second.read().status == 503);
    slow->may_go.release(2);
    CHECK(Client(running).ask(form(3)).status == 200);
    CHECK(ids_of(running.door.submitted()) == std::vector<std::string>{"1", "3"});
}

TEST_CASE("hooks: those that wait for functions are answered when the engine stops", "[http]") {
    Running running;
    const auto slow = connect_slow(running);
    Client first(running), second(running);
    first.send(form(1));
    slow->begun.acquire();
    second.send(form(2));
    CHECK(Client(running).ask(request("GET", "/livez")).status == 200);
    running.drain();
    const auto reply = second.read();
    CHECK(reply.status == 503);
    CHECK_FALSE(reply.header("retry-after").empty());
    slow->may_go.release();
    CHECK(first.read().status == 200);
}

TEST_CASE("hooks: what functions have no time for is refused, and others are taken", "[http]") {
    Options options;
    options.api.intake_script_deadline = Slow::time_min;
    Running running(options);
    const auto slow = connect_slow(running);
    slow->may_go.release(1);
    Client client(running);
    const auto reply = client.ask(
        request("POST", "/v1/acme/hooks/forms", {}, R"([{"id":1,"subject":"a"},{"id":2,"subject":"b"}])"));
    CHECK(reply.status == 200);
    const auto answer = reply.json();
    CHECK(answer["created_count"] == 1);
    CHECK(answer["failed_count"] == 1);
    CHECK(answer["failed"][0]["index"] == 1);
    CHECK(answer["failed"][0]["reason"].get<std::string>().find("intake-script-deadline") !=
          std::string::npos);
}

TEST_CASE("hooks: items of a body that were refused are named beside those that were taken", "[http]") {
    Options options;
    options.api.intake_script_deadline = Slow::time_min;
    Running running(options);
    const auto slow = connect_slow(running, "items: body.all");
    slow->may_go.release(2);
    Client client(running);
    const auto ask = [&](const std::string& items) {
        const auto reply =
            client.ask(request("POST", "/v1/acme/hooks/forms", {}, R"({"all":[)" + items + "]}"));
        CAPTURE(reply.body);
        REQUIRE(reply.status == 200);
        return reply.json();
    };
    CHECK_FALSE(ask(R"({"id":1,"subject":"a"})").contains("failed"));
    const auto answer = ask(R"({"id":2,"subject":"a"},{"id":3,"subject":"b"})");
    CHECK(answer["ids"].size() == 1);
    REQUIRE(answer["failed"].size() == 1);
    CHECK(answer["failed"][0]["index"] == 1);
}

}  // namespace hooks_test
