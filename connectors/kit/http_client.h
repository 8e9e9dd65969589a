#pragma once
/// HttpClient: keep-alive connections to the outside, with deadlines and limits. Shares with engine/http the
/// home of Boost.Asio and Beast.

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>

#include "connectors/kit/connector.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace connectors {

struct HttpClientOptions {
    std::size_t connections_per_host_max = 64;
    std::size_t response_bytes_max = 1024 * 1024;
    std::size_t response_header_bytes_max = 16 * 1024;
    engine::Duration connect_timeout = std::chrono::seconds(5);
    engine::Duration idle_timeout = std::chrono::seconds(30);
    std::string ca_file;  ///< empty = the system's
    bool allow_private_networks =
        true;  ///< loopback and private addresses; link-local ones are always refused
    /// Asked on the network thread before a request is written, and again before it is written once more;
    /// none = it always may be.
    std::function<bool()> may_send = {};
};

/// Runs on the one thread that runs the io_context; `send` may be called from any. Redirects are not
/// followed. A request on a kept connection that turns out closed before any byte of an answer is sent once
/// more on a new one (the same idempotency key makes that safe).
class HttpClient {
public:
    HttpClient(boost::asio::io_context& network, HttpClientOptions options);
    ~HttpClient();

    /// `done` is called once on the network thread. Fails with unavailable when nothing was sent (connect,
    /// TLS, name, no free connection in time), outcome_unknown when the request was sent and no whole answer
    /// came, exhausted when the answer is too large, denied when the name leads to a refused address,
    /// invalid_input for a request that cannot be written.
    void send(HttpRequest request, engine::Duration timeout,
              std::function<void(engine::Result<HttpResponse>)> done);

    /// Lets running requests end; new ones fail with unavailable.
    void stop();

private:
    class Pool;
    std::shared_ptr<Pool> pool_;
};

}  // namespace connectors
