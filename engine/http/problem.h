#pragma once
/// Problems: errors as `application/problem+json` (RFC 9457).

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/http/framing.h"
#include "engine/http/message.h"

namespace engine::http {

/// One thing that is wrong in the body.
struct ProblemItem {
    std::string pointer;  ///< JSON pointer (RFC 6901) into the body
    std::string detail;
};

struct Problem {
    int status = 400;
    std::string_view code;  ///< stable, for programs; `type` is `urn:signalbox:problem:<code>`
    std::string detail{};   ///< names the thing and the reason; never a secret
    std::vector<ProblemItem> errors{};
    Json members = Json::object();  ///< further members of the object
};

Response json_response(int status, const Json& body);

/// `Bad Request` and the like.
std::string_view reason_of(int status);

Response to_response(const Problem& problem);
Response to_response(const Refusal& refusal);
/// The problem that an error of the engine means to the caller. unavailable and outcome_unknown get a
/// Retry-After.
Response to_response(const Error& error);

}  // namespace engine::http
