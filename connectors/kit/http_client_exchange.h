#pragma once
/// One request and its answer on one connection: the part of HttpClient below its pool.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

#include "connectors/kit/http_client.h"
#include "connectors/kit/url.h"

namespace connectors {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;

using Executor = asio::io_context::executor_type;
using Time = std::chrono::steady_clock::time_point;
/// Errors come as values.
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

/// One connection, plain or TLS, with what was read ahead on it.
struct Wire {
    Wire(const Executor& executor, ssl::context* context) {
        if (context == nullptr)
            plain.emplace(executor);
        else
            tls.emplace(beast::tcp_stream(executor), *context);
    }
    beast::tcp_stream& tcp() { return plain ? *plain : tls->next_layer(); }

    std::optional<beast::tcp_stream> plain;
    std::optional<beast::ssl_stream<beast::tcp_stream>> tls;
    beast::flat_buffer buffer;
    Time idle_since{};
};

/// What one exchange on one wire came to.
struct Exchange {
    engine::Result<HttpResponse> response = engine::unavailable("not sent");
    bool unanswered = false;  ///< the connection was closed before any byte of an answer
    bool held_back = false;   ///< it might not be sent any more
    bool reusable = false;
};

using Message = http::request<http::string_body>;

/// The request as it goes over the wire. Fails with invalid_input when a part of it could be read as another
/// part.
engine::Result<Message> message_of(HttpRequest&& request, const Url& url);

/// Whether a kept connection is still open and silent: a closed one reads as its end, and bytes nobody asked
/// for would be taken for the next answer.
bool is_usable(Wire& wire);

/// Sends and reads until the deadline. Whether it may be sent is asked when nothing is left to do but to
/// send: a process that was stopped in between sends what it may not any more. The caller's frame owns the
/// arguments and waits for the end.
asio::awaitable<Exchange> exchange_over(Wire& wire, Message& message, Time deadline,
                                        const HttpClientOptions& options);

}  // namespace connectors
