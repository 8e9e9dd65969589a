#pragma once
/// Service: what the server asks about a request – first whether to read its body, then for its answer.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/http/message.h"

namespace engine::http {

/// What the service wants to remember between its two calls; its inside belongs to the service.
struct Visit;

struct Admission {
    std::optional<Response> refused;  ///< the answer, when the body need not be read
    std::size_t body_bytes_max = 0;
    std::string_view route = "none";  ///< a literal: the label in metrics
    std::shared_ptr<const Visit> visit;
};

/// Called on the network thread and must not block there. The callbacks take their value once, on any thread;
/// when they are never called the server answers for the service after its deadline.
class Service {
public:
    virtual ~Service() = default;

    /// Decides from the head alone. The head is valid only during the call.
    virtual void admit(const RequestHead& head, std::function<void(Admission)> done) = 0;

    /// Answers. The request is valid only during the call.
    virtual void handle(const Request& request, const Admission& admission,
                        std::function<void(Response)> done) = 0;
};

}  // namespace engine::http
