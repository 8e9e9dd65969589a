#include "engine/app/http_outbound.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
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

/// Of the second attempt at a look-up; it doubles with each.
constexpr Duration first_wait = std::chrono::milliseconds(100);

}  // namespace

/// One look-up until it is over.
struct HttpOutbound::Asking {
    Asking(boost::asio::io_context& network, std::shared_ptr<const connectors::Connection> whom,
           connectors::Lookup what, std::function<void(Attempt)> then, Duration timeout)
        : connection(std::move(whom)),
          lookup(std::move(what)),
          done(std::move(then)),
          until(std::chrono::steady_clock::now() + timeout),
          timer(network) {}

    Duration left() const {
        return std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now());
    }

    std::shared_ptr<const connectors::Connection> connection;
    connectors::Lookup lookup;
    std::function<void(Attempt)> done;
    std::chrono::steady_clock::time_point until;
    Duration wait = first_wait;
    boost::asio::steady_timer timer;
};

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

void HttpOutbound::look_up(std::shared_ptr<const connectors::Connection> connection,
                           connectors::Lookup lookup, std::function<void(Attempt)> done) {
    auto asking = std::make_shared<Asking>(network_, std::move(connection), std::move(lookup),
                                           std::move(done), lookup_timeout_);
    boost::asio::post(network_, [this, asking] { ask(asking); });
}

void HttpOutbound::ask(const std::shared_ptr<Asking>& asking) {
    const auto& connection = *asking->connection;
    auto request = connectors::render(connection, asking->lookup, clock_.now());
    if (!request) return asking->done(attempt_of(request.error()));
    client_.send(std::move(*request), std::min(connection.timeout, asking->left()),
                 [this, asking](Result<connectors::HttpResponse> response) {
                     asked(asking, response ? connectors::classify(*asking->connection, asking->lookup,
                                                                   *response, clock_.now())
                                            : attempt_of(response.error()));
                 });
}

void HttpOutbound::asked(const std::shared_ptr<Asking>& asking, Attempt attempt) {
    const auto wait = std::max(asking->wait, attempt.retry_after);
    if (attempt.kind != Attempt::Kind::retry || wait >= asking->left())
        return asking->done(std::move(attempt));
    asking->wait *= 2;
    asking->timer.expires_after(wait);
    asking->timer.async_wait([this, asking](const boost::system::error_code& stopped) {
        if (!stopped) ask(asking);
    });
}

}  // namespace engine::app
