#include "engine/http/api.h"

#include <utility>

#include "engine/http/api_key.h"
#include "engine/http/problem.h"
#include "engine/http/query.h"

namespace engine::http {
namespace {

constexpr std::string_view bearer = "bearer ";

Admission refuse(std::string_view route, Response response) {
    Admission admission;
    admission.route = route;
    admission.refused = std::move(response);
    return admission;
}

/// One answer for all that is wrong with a key, so that nothing can be learned by trying.
Response no_key() {
    auto response = to_response(Problem{401, "unauthorized", "this needs an API key that is valid"});
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"signalbox\"");
    return response;
}

/// Also the answer about another tenant's things: they do not exist for this caller.
Response unknown_resource() {
    return to_response(Problem{404, "not-found", "there is nothing here"});
}

Response not_without_match(const Match& match, std::string_view method) {
    if (match.allowed.empty()) return unknown_resource();
    Response response;
    if (method == "OPTIONS")
        response.status = 204;
    else
        response = to_response(Problem{405, "method-not-allowed", "this resource has other methods"});
    response.headers.emplace_back("Allow", match.allowed);
    return response;
}

Response server_options() {
    Response response;
    response.status = 204;
    response.headers.emplace_back("Allow", "GET, HEAD, POST, OPTIONS");
    return response;
}

Result<std::shared_ptr<Visit>> visit_of(const Match& match) {
    auto visit = std::make_shared<Visit>();
    visit->route = match.route;
    for (const auto& raw : match.parameters) {
        auto value = percent_decode(raw);
        if (!value) return value.error();
        visit->parameters.push_back(std::move(*value));
    }
    return visit;
}

Result<PresentedKey> presented_key(const RequestHead& head) {
    const auto header = head.header("authorization");
    if (!header || header->size() <= bearer.size() ||
        !equal_ignoring_case(header->substr(0, bearer.size()), bearer))
        return denied("no API key");
    return parse_key(header->substr(bearer.size()));
}

/// What speaks against the caller; nothing when it may pass.
std::optional<Response> objection(const Visit& visit, const ApiKey& key) {
    // Another tenant's resource and one that does not exist must look the same.
    if (!visit.tenant || key.tenant != visit.tenant->name) return unknown_resource();
    if (!allows(key, visit.route->scope))
        return to_response(
            Problem{403, "scope-missing", "the API key lacks the scope " + std::string(visit.route->scope)});
    return {};
}

}  // namespace

Api::Api(EngineDoor& door, const Clock& clock, const Metrics& metrics, Post post, ApiOptions options)
    : options_(options),
      intake_threads_(options.intake),
      context_{
          door, clock, metrics, intake_threads_, options.intake_script_deadline, options.batch_events_max},
      keys_(std::make_shared<KeyRing>(door, clock, std::move(post), options.keys)) {}

void Api::drain() {
    context_.draining = true;
    intake_threads_.close();
}

Admission Api::admitted(std::shared_ptr<const Visit> visit) const {
    Admission admission;
    admission.route = visit->route->path;
    if (visit->route->takes_body)
        admission.body_bytes_max =
            visit->connection ? visit->connection->body_bytes_max : options_.body_bytes_max;
    admission.visit = std::move(visit);
    return admission;
}

void Api::admit(const RequestHead& head, std::function<void(Admission)> done) {
    if (head.path == "*") return done(refuse("none", server_options()));
    const auto match = match_route(head.method, head.path);
    if (!match.route) return done(refuse("none", not_without_match(match, head.method)));
    auto visit = visit_of(match);
    if (!visit) return done(refuse(match.route->path, to_response(visit.error())));
    if (match.route->access == Access::open) return done(admitted(std::move(*visit)));
    (*visit)->tenant = context_.door.tenant(TenantName((*visit)->parameters.at(0)));
    if (match.route->access == Access::hook) return admit_hook(std::move(*visit), done);
    admit_key(head, std::move(*visit), std::move(done));
}

void Api::admit_hook(std::shared_ptr<Visit> visit, const std::function<void(Admission)>& done) {
    if (visit->tenant) {
        const auto& connections = visit->tenant->connections;
        const auto found = connections.find(visit->parameters.at(1));
        if (found != connections.end()) visit->connection = &found->second;
    }
    if (!visit->connection) return done(refuse(visit->route->path, unknown_resource()));
    done(admitted(std::move(visit)));
}

void Api::admit_key(const RequestHead& head, std::shared_ptr<Visit> visit,
                    std::function<void(Admission)> done) {
    const auto presented = presented_key(head);
    if (!presented) return done(refuse(visit->route->path, no_key()));
    keys_->find(presented->id, [this, presented = *presented, visit = std::move(visit),
                                done = std::move(done)](const KeyRing::Answer& stored) {
        const auto& route = *visit->route;
        if (!stored)
            return done(refuse(route.path, to_response(unavailable("the API key cannot be checked now"))));
        const ApiKey* key = *stored ? &**stored : nullptr;
        if (judge(presented, key, context_.clock.now()) != KeyVerdict::good)
            return done(refuse(route.path, no_key()));
        if (auto against = objection(*visit, *key)) return done(refuse(route.path, std::move(*against)));
        visit->key_id = key->id;
        done(admitted(visit));
    });
}

void Api::handle(const Request& request, const Admission& admission, std::function<void(Response)> done) {
    const auto& visit = *admission.visit;
    visit.route->handler(context_, request, visit, std::move(done));
}

}  // namespace engine::http
