#include "engine/http/route.h"

#include <algorithm>
#include <utility>

#include "engine/http/handlers.h"
#include "engine/http/problem.h"

namespace engine::http {
namespace {

constexpr std::array<Route, 28> table{{
    {"POST", "/v1/{tenant}/hooks/{connection}", Access::hook, "", true, post_hook},
    {"GET", "/v1/{tenant}/hooks/{connection}", Access::hook, "", false, get_hook},
    {"POST", "/v1/{tenant}/events", Access::key, "events:write", true, post_events},
    {"GET", "/v1/{tenant}/decisions/{event}", Access::key, "events:read", false, get_decision},
    {"GET", "/v1/{tenant}/entities/{kind}/{id}", Access::key, "events:read", false, get_entity},
    {"GET", "/v1/{tenant}/entities/{kind}/{id}/history", Access::key, "events:read", false, get_history},
    {"GET", "/v1/{tenant}/journal", Access::key, "audit:read", false, get_journal},
    {"GET", "/v1/{tenant}/dead-letters", Access::key, "events:read", false, get_dead_letters},
    {"POST", "/v1/{tenant}/dead-letters/{key}/retry", Access::key, "dlq:write", true, post_dead_letter_retry},
    {"POST", "/v1/{tenant}/dead-letters/{key}/discard", Access::key, "dlq:write", true,
     post_dead_letter_discard},
    {"GET", "/v1/{tenant}/lanes", Access::key, "events:read", false, get_lanes},
    {"POST", "/v1/{tenant}/lanes/{kind}/{id}/release", Access::key, "dlq:write", true, post_lane_release},
    {"GET", "/v1/{tenant}/timers", Access::key, "events:read", false, get_timers},
    {"GET", "/v1/{tenant}/escalations", Access::key, "events:read", false, get_escalations},
    {"GET", "/v1/{tenant}/escalations/audit", Access::key, "events:read", false, get_escalation_audit},
    {"GET", "/v1/{tenant}/escalations/{kind}/{id}", Access::key, "events:read", false,
     get_escalations_of_entity},
    {"GET", "/v1/{tenant}/on-call", Access::key, "events:read", false, get_on_call},
    {"GET", "/v1/{tenant}/desk", Access::key, "events:read", false, get_desk},
    {"GET", "/v1/{tenant}/desk/agents/{agent}", Access::key, "events:read", false, get_desk_agent},
    {"GET", "/v1/{tenant}/desk/queues/{queue}", Access::key, "events:read", false, get_desk_queue},
    {"GET", "/v1/{tenant}/rules", Access::key, "rules:read", false, get_rules},
    {"POST", "/v1/{tenant}/dry-run", Access::key, "rules:read", true, post_dry_run},
    {"GET", "/livez", Access::open, "", false, get_livez},
    {"GET", "/readyz", Access::open, "", false, get_readyz},
    {"GET", "/healthz", Access::open, "", false, get_readyz},
    {"GET", "/metrics", Access::open, "", false, get_metrics},
    {"GET", "/version", Access::open, "", false, get_version},
    {"GET", "/v1/openapi.json", Access::open, "", false, get_openapi},
}};

/// Takes what stands before the next slash off the path; the leading slash goes with it.
std::string_view next_segment(std::string_view& path) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

bool fits(std::string_view pattern, std::string_view path, std::vector<std::string_view>& parameters) {
    parameters.clear();
    while (!pattern.empty() && !path.empty()) {
        const auto wanted = next_segment(pattern);
        const auto found = next_segment(path);
        if (!wanted.starts_with('{')) {
            if (wanted != found) return false;
        } else if (found.empty()) {
            return false;
        } else {
            parameters.push_back(found);
        }
    }
    return pattern.empty() && path.empty();
}

bool answers(const Route& route, std::string_view method) {
    return route.method == method || (route.method == "GET" && method == "HEAD");
}

void allow(std::string& allowed, std::string_view method) {
    allowed += allowed.empty() ? "" : ", ";
    allowed += method == "GET" ? "GET, HEAD" : method;
}

/// Says so when it goes away unasked.
class Asking {
public:
    explicit Asking(Respond respond) : respond_(std::move(respond)) {}
    Asking(const Asking&) = delete;
    ~Asking() {
        if (respond_) respond_(to_response(Problem{503, "overloaded", "too many questions wait; try again"}));
    }
    void answer(Response response) { std::exchange(respond_, nullptr)(std::move(response)); }

private:
    Respond respond_;
};

}  // namespace

void ask(EngineDoor& door, Respond respond, std::function<Response(Store&)> question) {
    door.ask([asking = std::make_shared<Asking>(std::move(respond)),
              question = std::move(question)](Store& store) { asking->answer(question(store)); });
}

std::span<const Route> routes() {
    return table;
}

Match match_route(std::string_view method, std::string_view path) {
    Match match;
    std::vector<std::string_view> parameters;
    for (const auto& route : table) {
        if (!path.starts_with('/') || !fits(route.path, path, parameters)) continue;
        allow(match.allowed, route.method);
        if (!answers(route, method)) continue;
        match.route = &route;
        match.parameters = parameters;
        return match;
    }
    if (!match.allowed.empty()) match.allowed += ", OPTIONS";
    return match;
}

}  // namespace engine::http
