#include "engine/app/http_outbound.h"

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

namespace engine::app {
namespace {

Attempt attempt_of(const Error& error) {
    Attempt attempt;
    attempt.kind = error.code == Code::invalid_input || error.code == Code::denied ? Attempt::Kind::failed
                                                                                   : Attempt::Kind::retry;
    attempt.reason = error.message;
    return attempt;
}

}  // namespace

void HttpOutbound::deliver(std::shared_ptr<const connectors::Connection> connection, Delivery delivery,
                           std::function<void(Attempt)> done) {
    auto shared = std::make_shared<Delivery>(std::move(delivery));
    boost::asio::post(network_,
                      [this, connection = std::move(connection), shared, done = std::move(done)]() mutable {
                          send(std::move(connection), *shared, std::move(done));
                      });
}

void HttpOutbound::send(std::shared_ptr<const connectors::Connection> connection, const Delivery& delivery,
                        std::function<void(Attempt)> done) {
    auto request = connectors::render(*connection, delivery, clock_.now());
    if (!request) return done(attempt_of(request.error()));
    client_.send(std::move(*request), connection->timeout,
                 [this, connection, action = delivery.action,
                  done = std::move(done)](Result<connectors::HttpResponse> response) {
                     if (!response) return done(attempt_of(response.error()));
                     done(connectors::classify(*connection, action, *response, clock_.now()));
                 });
}

}  // namespace engine::app
