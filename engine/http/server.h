#pragma once
/// Server: HTTP/1.1 over plain TCP with limits on everything. TLS ends at the proxy in front.
///
/// All of it runs on the thread that runs `network` – exactly one – so nothing in here is locked.

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/http/framing.h"
#include "engine/http/metrics.h"
#include "engine/http/service.h"

namespace engine::http {

struct ServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0 = any free one
    FramingLimits framing;
    Duration head_deadline =
        std::chrono::seconds(10);  ///< from a request's first byte to the end of its head
    Duration body_deadline = std::chrono::seconds(30);    ///< for the whole body
    Duration idle_deadline = std::chrono::seconds(60);    ///< between two requests
    Duration answer_deadline = std::chrono::seconds(30);  ///< the service's
    Duration write_deadline = std::chrono::seconds(30);   ///< for the peer to take an answer
    Duration linger_deadline = std::chrono::seconds(1);   ///< for the peer to close after our last answer
    /// Taken and thrown away meanwhile, so that who still sends gets to read the answer.
    std::size_t linger_bytes_max = 4 * 1024 * 1024;
    /// A body that comes slower than this after `body_grace` is given up.
    std::size_t body_bytes_per_second_min = 1024;
    Duration body_grace = std::chrono::seconds(5);
    /// At a limit the connection that has waited longest for a request makes room; without one, newcomers get
    /// a 503.
    std::size_t connections_max = 1024;
    std::size_t connections_per_address_max = 256;
    std::size_t bodies_bytes_max = 128 * 1024 * 1024;  ///< of all requests being read or answered
};

class Server {
public:
    /// Listens at once. The collaborators outlive the io_context's last run. Fails with unavailable when the
    /// address cannot be listened on, with invalid_input when it is none.
    static Result<std::unique_ptr<Server>> open(boost::asio::io_context& network, Service& service,
                                                Metrics& metrics, const Clock& clock, ServerOptions options);
    ~Server();

    std::uint16_t port() const;

    /// Accepts no more, lets requests in flight end, closes what is left after `deadline`. Then calls
    /// `stopped` on the network thread. May be called from any thread, once.
    void stop(Duration deadline, std::function<void()> stopped);

private:
    class Listener;
    explicit Server(std::shared_ptr<Listener> listener);
    std::shared_ptr<Listener> listener_;
};

}  // namespace engine::http
