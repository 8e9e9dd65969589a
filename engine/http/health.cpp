/// What machines ask about the process itself.

#include <map>
#include <string>
#include <utility>

#include "engine/http/handlers.h"
#include "engine/http/openapi.h"
#include "engine/http/problem.h"
#include "engine/http/query.h"

namespace engine::http {
namespace {

Response text_response(std::string_view content_type, std::string body) {
    Response response;
    response.content_type = content_type;
    response.body = std::move(body);
    return response;
}

/// Of the engine, and of what waits before it.
std::map<std::string, double> gauges_of(const Context& context, const Health& health) {
    auto gauges = health.gauges;
    gauges["intake_waiting"] = static_cast<double>(context.intake_threads.waiting());
    return gauges;
}

}  // namespace

void get_livez(Context&, const Request&, const Visit&, Respond respond) {
    respond(json_response(200, Json{{"status", "alive"}}));
}

void get_readyz(Context& context, const Request& request, const Visit&, Respond respond) {
    const auto health = context.door.health();
    const bool ready = health.ready && !context.draining;
    Json body{{"status", ready ? "ready" : "not ready"}};
    if (!ready) body["reason"] = context.draining ? "stopping" : health.reason;
    const auto query = Query::parse(request.head.query);
    if (query && query->has("verbose")) body["gauges"] = gauges_of(context, health);
    respond(json_response(ready ? 200 : 503, body));
}

void get_metrics(Context& context, const Request&, const Visit&, Respond respond) {
    respond(text_response("text/plain; version=0.0.4; charset=utf-8",
                          context.metrics.text(gauges_of(context, context.door.health()))));
}

void get_version(Context&, const Request&, const Visit&, Respond respond) {
    respond(json_response(200, Json{{"name", "signalbox"}, {"version", SIGNALBOX_VERSION}}));
}

void get_openapi(Context&, const Request&, const Visit&, Respond respond) {
    respond(text_response("application/json", std::string(openapi_document())));
}

}  // namespace engine::http
