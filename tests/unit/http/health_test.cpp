/// Health, metrics and the description of the API.

#include <set>

#include "engine/http/metrics.h"
#include "engine/http/openapi.h"
#include "tests/support/catch.h"
#include "tests/unit/http/running.h"

namespace health_test {

using namespace http_test;
using engine::Json;

namespace {

Reply get(Running& running, const std::string& target) {
    Client client(running);
    return client.ask(request("GET", target));
}

}  // namespace

TEST_CASE("health: ready says so, not ready says why, stopping too", "[http]") {
    Running running;
    CHECK(get(running, "/livez").json()["status"] == "alive");
    CHECK(get(running, "/readyz").status == 200);
    CHECK(get(running, "/healthz").status == 200);
    CHECK(get(running, "/readyz?verbose").json()["gauges"]["outbox_rows"] == 3);
    CHECK(get(running, "/metrics").body.find("\nsignalbox_intake_waiting 0\n") != std::string::npos);
    running.drain();
    const auto stopping = get(running, "/readyz");
    CHECK(stopping.status == 503);
    CHECK(stopping.json()["reason"] == "stopping");
    CHECK(get(running, "/livez").status == 200);
}

TEST_CASE("health: an engine that is not ready is named", "[http]") {
    Running running;
    running.door.healthy = {false, "the store is away", {}};
    const auto reply = get(running, "/readyz");
    CHECK(reply.status == 503);
    CHECK(reply.json()["reason"] == "the store is away");
}

TEST_CASE("health: the version is the build's", "[http]") {
    Running running;
    CHECK(get(running, "/version").json() == Json{{"name", "signalbox"}, {"version", SIGNALBOX_VERSION}});
}

TEST_CASE("metrics: requests are counted by route, method and code, never by what clients make up",
          "[http]") {
    Running running;
    get(running, "/livez");
    get(running, "/livez");
    get(running, "/made/up");
    {
        Client client(running);
        client.ask(request("BREW", "/livez"));
        client.ask(authorised("GET", "/v1/acme/entities/ticket/1", running.key));
        client.ask("bad\r\n\r\n");
    }
    const auto reply = get(running, "/metrics");
    CHECK(reply.header("content-type").starts_with("text/plain; version=0.0.4"));
    const auto has = [&](const std::string& line) {
        return reply.body.find(line + "\n") != std::string::npos;
    };
    CHECK(has("signalbox_build_info{version=\"" SIGNALBOX_VERSION "\"} 1"));
    CHECK(has(R"(signalbox_http_requests_total{route="/livez",method="GET",code="200"} 2)"));
    CHECK(has(R"(signalbox_http_requests_total{route="none",method="GET",code="404"} 1)"));
    CHECK(has(R"(signalbox_http_requests_total{route="none",method="OTHER",code="405"} 1)"));
    CHECK(has(
        R"(signalbox_http_requests_total{route="/v1/{tenant}/entities/{kind}/{id}",method="GET",code="404"} 1)"));
    CHECK(has(R"(signalbox_http_request_duration_seconds_count{route="/livez"} 2)"));
    CHECK(has(R"(signalbox_http_request_duration_seconds_bucket{route="/livez",le="+Inf"} 2)"));
    CHECK(has(R"(signalbox_http_refused_total{reason="bad-request-line"} 1)"));
    CHECK(has("# TYPE signalbox_outbox_rows gauge"));
    CHECK(has("signalbox_outbox_rows 3"));
    CHECK(reply.body.find("acme") == std::string::npos);
}

TEST_CASE("metrics: every family is described once, before its samples, and buckets add up", "[http]") {
    engine::http::Metrics metrics;
    using namespace std::chrono_literals;
    for (const engine::Duration took : {1ms, 5ms, 6ms, 300ms, 20000ms})
        metrics.answered("/x", "GET", 200, took);
    const auto text = metrics.text({{"decisions_total{result=\"ok\"}", 2},
                                    {"decisions_total{result=\"error\"}", 1},
                                    {"lanes_blocked", 0},
                                    {"half", 0.5}});
    CHECK(text.find("_bucket{route=\"/x\",le=\"0.005\"} 2\n") != std::string::npos);
    CHECK(text.find("_bucket{route=\"/x\",le=\"0.01\"} 3\n") != std::string::npos);
    CHECK(text.find("_bucket{route=\"/x\",le=\"10\"} 4\n") != std::string::npos);
    CHECK(text.find("_bucket{route=\"/x\",le=\"+Inf\"} 5\n") != std::string::npos);
    CHECK(text.find("_sum{route=\"/x\"} 20.312\n") != std::string::npos);
    CHECK(text.find("# TYPE signalbox_decisions_total counter\n") != std::string::npos);
    CHECK(text.find("# HELP signalbox_lanes_blocked Lanes blocked.\n") != std::string::npos);
    CHECK(text.find("signalbox_half 0.5\n") != std::string::npos);

    std::set<std::string> typed;
    std::string current;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# HELP ")) continue;
        if (line.starts_with("# TYPE ")) {
            current = line.substr(7, line.find(' ', 7) - 7);
            CHECK(typed.insert(current).second);
        } else {
            CHECK(line.starts_with(current));
        }
    }
}

TEST_CASE("openapi: it describes exactly the routes there are", "[http]") {
    const auto document = engine::parse_json(engine::http::openapi_document());
    REQUIRE(document);
    CHECK((*document)["openapi"] == "3.1.0");
    CHECK((*document)["info"]["version"] == SIGNALBOX_VERSION);
    std::set<std::string> described, known, ids;
    for (const auto& [path, item] : (*document)["paths"].items())
        for (const auto& [method, operation] : item.items()) {
            described.insert(method + " " + path);
            CHECK(ids.insert(operation["operationId"].get<std::string>()).second);
            std::size_t in_path = 0;
            for (const auto& parameter : operation.value("parameters", Json::array())) {
                const auto name = parameter["$ref"].get<std::string>().substr(
                    std::string("#/components/parameters/").size());
                REQUIRE((*document)["components"]["parameters"].contains(name));
                if ((*document)["components"]["parameters"][name]["in"] == "path") {
                    ++in_path;
                    CHECK(path.find("{" + name + "}") != std::string::npos);
                }
            }
            CHECK(in_path == static_cast<std::size_t>(std::count(path.begin(), path.end(), '{')));
        }
    for (const auto& route : engine::http::routes()) {
        const auto method = route.method == "GET" ? "get" : "post";
        const std::string path(route.path);
        known.insert(std::string(method) + " " + path);
        if (!(*document)["paths"].contains(path)) continue;
        const auto operation = (*document)["paths"][path][method];
        const auto security = route.access == engine::http::Access::key
                                  ? Json::array({Json{{"key", Json::array({std::string(route.scope)})}}})
                                  : Json::array();
        CHECK(operation["security"] == security);
    }
    CHECK(described == known);
}

TEST_CASE("openapi: every reference leads somewhere", "[http]") {
    const auto document = *engine::parse_json(engine::http::openapi_document());
    const std::function<void(const Json&)> check = [&](const Json& node) {
        if (node.is_object() && node.contains("$ref")) {
            const auto target = node["$ref"].get<std::string>();
            INFO(target);
            CHECK(document.contains(Json::json_pointer(target.substr(1))));
        }
        if (node.is_structured())
            for (const auto& child : node) check(child);
    };
    check(document);
}

TEST_CASE("openapi: it is served to anybody", "[http]") {
    Running running;
    const auto reply = get(running, "/v1/openapi.json");
    CHECK(reply.status == 200);
    CHECK(reply.header("content-type") == "application/json");
    CHECK(reply.body == engine::http::openapi_document());
}

}  // namespace health_test
