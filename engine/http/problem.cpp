#include "engine/http/problem.h"

#include "engine/base/ensure.h"

namespace engine::http {
namespace {

/// Seconds after which a caller may try again; short, because what is full or down is usually back soon.
constexpr auto retry_after = "1";

Json body_of(const Problem& problem) {
    Json body = problem.members;
    body.update({{"type", "urn:signalbox:problem:" + std::string(problem.code)},
                 {"title", reason_of(problem.status)},
                 {"status", problem.status},
                 {"code", problem.code}});
    if (!problem.detail.empty()) body["detail"] = problem.detail;
    for (const auto& item : problem.errors)
        body["errors"].push_back({{"pointer", item.pointer}, {"detail", item.detail}});
    return body;
}

struct Meaning {
    int status;
    std::string_view code;
};

Meaning meaning_of(Code code) {
    switch (code) {
        case Code::invalid_input:
            return {400, "invalid-input"};
        case Code::not_found:
            return {404, "not-found"};
        case Code::conflict:
            return {409, "conflict"};
        case Code::unavailable:
            return {503, "unavailable"};
        case Code::outcome_unknown:
            return {503, "outcome-unknown"};
        case Code::exhausted:
            return {413, "limit"};
        case Code::denied:
            return {403, "denied"};
        case Code::corrupt:
            return {500, "corrupt"};
    }
    ensure_failed("a known Code", __FILE__, __LINE__);
}

}  // namespace

std::string_view reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 207:
            return "Multi-Status";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Answer";
    }
}

Response json_response(int status, const Json& body) {
    Response response;
    response.status = status;
    response.body = canonical_json(body);
    return response;
}

Response to_response(const Problem& problem) {
    Response response;
    response.status = problem.status;
    response.content_type = "application/problem+json";
    response.body = canonical_json(body_of(problem));
    if (problem.status == 429 || problem.status == 503)
        response.headers.emplace_back("Retry-After", retry_after);
    return response;
}

Response to_response(const Refusal& refusal) {
    return to_response(Problem{refusal.status, refusal.code, std::string(refusal.detail)});
}

Response to_response(const Error& error) {
    const auto [status, code] = meaning_of(error.code);
    return to_response(Problem{status, code, error.message});
}

}  // namespace engine::http
