/// Who may do what: every keyed route against every kind of key.

#include "engine/base/text.h"
#include "tests/support/catch.h"
#include "tests/unit/http/running.h"

namespace auth_test {

using namespace http_test;
using namespace engine::http;
using namespace std::chrono_literals;

namespace {

/// The route's path with the tenant and made-up values in its braces.
std::string target_of(const Route& route, const std::string& tenant) {
    std::string path(route.path);
    for (auto open = path.find('{'); open != std::string::npos; open = path.find('{')) {
        const auto name = path.substr(open, path.find('}') - open + 1);
        path.replace(open, name.size(), name == "{tenant}" ? tenant : name == "{kind}" ? "ticket" : "x");
    }
    return path;
}

std::string body_of(const Route& route) {
    if (route.path.ends_with("/events")) return cloud_event("a");
    if (route.path.ends_with("/release")) return R"({"mode":"retry"})";
    return route.takes_body ? R"({"event":{}})" : "";
}

Reply call(Running& running, const Route& route, const std::string& tenant,
           const std::string& authorization) {
    Client client(running);
    std::vector<std::pair<std::string, std::string>> headers{
        {"Content-Type", "application/cloudevents+json"}};
    if (!authorization.empty()) headers.emplace_back("Authorization", authorization);
    return client.ask(request(route.method, target_of(route, tenant), headers, body_of(route)));
}

std::vector<const Route*> keyed_routes() {
    std::vector<const Route*> found;
    for (const auto& route : routes())
        if (route.access == Access::key) found.push_back(&route);
    return found;
}

}  // namespace

TEST_CASE("auth: every route below a tenant needs a key with one known scope, hooks apart", "[http]") {
    for (const auto& route : routes()) {
        INFO(route.path);
        CHECK(route.path.starts_with("/v1/{tenant}/") == (route.access != Access::open));
        CHECK((route.access == Access::hook) == (route.path.find("/hooks/") != std::string_view::npos));
        if (route.access == Access::key) CHECK(check_scopes({std::string(route.scope)}));
    }
}

TEST_CASE("auth: every wrong key gets the same 401", "[http]") {
    Running running;
    const auto expired = running.add_key("acme", {scopes.begin(), scopes.end()}, running.clock.now());
    const auto unknown = make_key(engine::TenantName("acme"), "x", {}, {}, running.clock.now()).text;
    auto revoked = running.add_key("acme", {scopes.begin(), scopes.end()});
    running.door.on_engine([&] { running.door.store.api_keys.back().revoked = running.clock.now(); });
    auto mistyped = running.key;
    mistyped.back() = mistyped.back() == 'a' ? 'b' : 'a';
    // The right id with another secret.
    auto forged = make_key(engine::TenantName("acme"), "x", {}, {}, running.clock.now());
    running.door.on_engine([&] {
        running.door.store.api_keys.push_back(forged.key);
        running.door.store.api_keys.back().secret_digest[0] ^= 1;
    });

    std::string body;
    for (const std::string& authorization :
         {std::string(), "Bearer " + expired, "Bearer " + unknown, "Bearer " + revoked, "Bearer " + mistyped,
          "Bearer " + forged.text, std::string("Bearer"), std::string("Bearer "), "Basic " + running.key,
          running.key, "Bearer " + running.key + " x"}) {
        for (const auto* route : keyed_routes()) {
            INFO(authorization << " " << route->path);
            for (const char* tenant : {"acme", "nobody"}) {
                const auto reply = call(running, *route, tenant, authorization);
                CHECK(reply.status == 401);
                CHECK(reply.header("www-authenticate").starts_with("Bearer"));
                if (body.empty()) body = reply.body;
                CHECK(reply.body == body);
            }
        }
    }
    CHECK(running.door.submitted().empty());
    CHECK(running.door.performed().empty());
}

TEST_CASE("auth: another tenant looks like one that does not exist", "[http]") {
    Running running;
    for (const auto* route : keyed_routes()) {
        INFO(route->path);
        const auto foreign = call(running, *route, "globex", "Bearer " + running.key);
        const auto unknown = call(running, *route, "nobody", "Bearer " + running.key);
        CHECK(foreign.status == 404);
        CHECK(foreign.is_problem());
        CHECK(unknown.status == 404);
        CHECK(foreign.body == unknown.body);
        CHECK(foreign.headers == unknown.headers);
    }
    CHECK(running.door.submitted().empty());
    CHECK(running.door.performed().empty());
}

TEST_CASE("auth: a key opens what its scope names and nothing else", "[http]") {
    Running running;
    for (const auto scope : scopes) {
        const auto key = running.add_key("acme", {std::string(scope)});
        for (const auto* route : keyed_routes()) {
            INFO(scope << " " << route->path);
            const auto reply = call(running, *route, "acme", "bearer " + key);
            if (route->scope == scope) {
                CHECK(reply.status != 401);
                CHECK(reply.status != 403);
            } else {
                CHECK(reply.status == 403);
                CHECK(reply.code() == "scope-missing");
            }
        }
    }
}

TEST_CASE("auth: a key without scopes may do nothing", "[http]") {
    Running running;
    const auto key = running.add_key("acme", {});
    for (const auto* route : keyed_routes())
        CHECK(call(running, *route, "acme", "Bearer " + key).status == 403);
}

TEST_CASE("auth: a key is looked up once in a while, and a revoked one stops working", "[http]") {
    Running running;
    Client client(running);
    const auto ask = [&] { return client.ask(authorised("GET", "/v1/acme/rules", running.key)).status; };
    for (int i = 0; i < 5; ++i) CHECK(ask() == 200);
    int questions = 0;
    running.door.on_engine([&] {
        questions = running.door.store.key_questions;
        running.door.store.api_keys.at(0).revoked = running.clock.now();
    });
    CHECK(questions == 1);
    running.clock.advance(5s);
    CHECK(ask() == 401);
}

TEST_CASE("auth: a clock that is set back does not keep a key alive", "[http]") {
    Running running;
    Client client(running);
    CHECK(client.ask(authorised("GET", "/v1/acme/rules", running.key)).status == 200);
    running.door.on_engine([&] { running.door.store.api_keys.at(0).revoked = running.clock.now(); });
    running.clock.advance(-1h);
    CHECK(client.ask(authorised("GET", "/v1/acme/rules", running.key)).status == 401);
}

TEST_CASE("auth: when the store is away nobody is let in and nobody is called a stranger", "[http]") {
    Running running;
    running.door.on_engine([&] { running.door.store.away = true; });
    Client client(running);
    const auto reply = client.ask(authorised("GET", "/v1/acme/rules", running.key));
    CHECK(reply.status == 503);
    CHECK_FALSE(reply.header("retry-after").empty());
    running.door.on_engine([&] { running.door.store.away = false; });
    CHECK(client.ask(authorised("GET", "/v1/acme/rules", running.key)).status == 200);
}

TEST_CASE("auth: a repeated key header is refused", "[http]") {
    Running running;
    Client client(running);
    const auto reply =
        client.ask(request("GET", "/v1/acme/rules",
                           {{"Authorization", "Bearer " + running.key}, {"authorization", "Bearer x"}}));
    CHECK(reply.status == 400);
}

}  // namespace auth_test
