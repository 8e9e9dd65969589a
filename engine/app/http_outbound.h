#pragma once
/// HttpOutbound: performs deliveries and look-ups over HTTP on the network thread.

#include <boost/asio/io_context.hpp>

#include "connectors/kit/http_client.h"
#include "engine/base/time.h"
#include "engine/pipeline/runtime.h"

namespace engine::app {

class HttpOutbound final : public Outbound {
public:
    /// A look-up is over after `lookup_timeout`, however often it was tried.
    HttpOutbound(boost::asio::io_context& network, connectors::HttpClient& client, const Clock& clock,
                 Duration lookup_timeout)
        : network_(network), client_(client), clock_(clock), lookup_timeout_(lookup_timeout) {}

    /// An answer that never came may have been an effect all the same: it is tried again under the same
    /// idempotency key.
    void deliver(std::shared_ptr<const connectors::Connection> connection, Delivery delivery,
                 std::function<void(Attempt)> done) override;

    void look_up(std::shared_ptr<const connectors::Connection> connection, connectors::Lookup lookup,
                 std::function<void(Attempt)> done) override;

private:
    struct Asking;

    void ask(const std::shared_ptr<Asking>& asking);
    void asked(const std::shared_ptr<Asking>& asking, Attempt attempt);
    void send(std::shared_ptr<const connectors::Connection> connection, const Delivery& delivery,
              std::function<void(Attempt)> done);

    boost::asio::io_context& network_;
    connectors::HttpClient& client_;
    const Clock& clock_;
    Duration lookup_timeout_;
};

}  // namespace engine::app
