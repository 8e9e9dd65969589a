#pragma once
/// Route: one operation of the API – where it is, who may call it, what answers it.

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/http/intake_threads.h"
#include "engine/http/metrics.h"
#include "engine/http/service.h"
#include "engine/pipeline/engine.h"

namespace engine::http {

using Respond = std::function<void(Response)>;

/// What handlers work with. Outlives them.
struct Context {
    EngineDoor& door;
    const Clock& clock;
    const Metrics& metrics;
    IntakeThreads& intake_threads;
    Duration intake_script_deadline;
    std::size_t batch_events_max = 1000;
    bool draining = false;  ///< the process is about to stop: not ready any more
};

/// Answers with what `question` makes of the store, on the reading thread; with a 503 when the engine had no
/// room for the question.
void ask(EngineDoor& door, Respond respond, std::function<Response(Store&)> question);

struct Route;

/// A request on its way from admission to its handler.
struct Visit {
    const Route* route = nullptr;
    std::vector<std::string> parameters;                 ///< values of the braces, decoded, in order
    std::shared_ptr<const Tenant> tenant;                ///< of routes below `/v1/{tenant}`
    const connectors::Connection* connection = nullptr;  ///< of a hook; owned by the tenant
    std::string key_id;                                  ///< who calls; empty on open routes
};

using Handler = void (*)(Context& context, const Request& request, const Visit& visit, Respond respond);

enum class Access {
    open,  ///< anybody
    hook,  ///< the connection's signature is checked with the body
    key,   ///< an API key of the tenant with the route's scope
};

struct Route {
    std::string_view method;  ///< GET also answers HEAD
    std::string_view path;    ///< with parameters in braces
    Access access = Access::open;
    std::string_view scope;
    bool takes_body = false;
    Handler handler = nullptr;
};

/// All operations; schema/openapi describes the same ones.
std::span<const Route> routes();

struct Match {
    const Route* route = nullptr;              ///< null when path or method is unknown
    std::vector<std::string_view> parameters;  ///< not decoded
    std::string allowed;  ///< methods of the path for `Allow`; empty when the path is unknown
};
Match match_route(std::string_view method, std::string_view path);

}  // namespace engine::http
