#pragma once
/// Request and Response as the server hands them over: plain values without sockets.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace engine::http {

using HeaderView = std::pair<std::string_view, std::string_view>;

/// How the bytes after the head are delimited.
struct BodyFraming {
    bool chunked = false;
    std::uint64_t length = 0;  ///< of a body that is not chunked
    bool has_body() const { return chunked || length > 0; }
};

/// A head that passed the gate. Every view points into the bytes that were parsed.
struct RequestHead {
    std::string_view method;
    std::string_view target;  ///< path and query as sent
    std::string_view path;    ///< not decoded
    std::string_view query;   ///< without the question mark
    int minor = 1;            ///< of HTTP/1.x
    std::vector<HeaderView> headers;
    BodyFraming body;
    bool keep_alive = true;
    bool expects_continue = false;

    /// The value of the first header of that name, ignoring case.
    std::optional<std::string_view> header(std::string_view name) const;
};

/// Valid only during the call it is given to.
struct Request {
    const RequestHead& head;
    std::string_view body;
    std::string_view peer;  ///< IP address
    /// Becomes true when nobody waits for the answer any more: the sender has gone, or it took too long.
    /// Whoever wants to know keeps it; any thread may look.
    std::shared_ptr<const std::atomic<bool>> given_up = nullptr;
};

struct Response {
    int status = 200;
    std::string_view content_type = "application/json";  ///< a literal; empty = none
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

bool equal_ignoring_case(std::string_view left, std::string_view right);

}  // namespace engine::http
