#pragma once
/// HttpOutbound: performs deliveries over HTTP on the network thread.

#include <boost/asio/io_context.hpp>

#include "connectors/kit/http_client.h"
#include "engine/base/time.h"
#include "engine/pipeline/runtime.h"

namespace engine::app {

class HttpOutbound final : public Outbound {
public:
    HttpOutbound(boost::asio::io_context& network, connectors::HttpClient& client, const Clock& clock)
        : network_(network), client_(client), clock_(clock) {}

    /// An answer that never came may have been an effect all the same: it is tried again under the same
    /// idempotency key.
    void deliver(std::shared_ptr<const connectors::Connection> connection, Delivery delivery,
                 std::function<void(Attempt)> done) override;

private:
    void send(std::shared_ptr<const connectors::Connection> connection, const Delivery& delivery,
              std::function<void(Attempt)> done);

    boost::asio::io_context& network_;
    connectors::HttpClient& client_;
    const Clock& clock_;
};

}  // namespace engine::app
