#include "engine/http/server.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <vector>

#include "engine/base/log.h"
#include "engine/http/connection.h"
#include "engine/http/problem.h"

namespace engine::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr asio::use_awaitable_t<Executor> accepted;
/// How long nothing is accepted after the system refused to (mostly: no file descriptors).
constexpr auto accept_pause = std::chrono::milliseconds(50);
constexpr auto complaint_pause = std::chrono::seconds(1);

void log_failure(const char* what, const std::exception_ptr& failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& exception) {
        log_error("http task failed", {{"task", what}, {"reason", exception.what()}});
    } catch (...) {
        log_error("http task failed", {{"task", what}});
    }
}

/// Often enough that a deadline is met within a quarter of it.
Monotonic::duration sweep_pause(const ServerOptions& options) {
    const auto shortest =
        std::min({options.head_deadline, options.body_deadline, options.idle_deadline,
                  options.answer_deadline, options.write_deadline, options.linger_deadline});
    return std::clamp<Monotonic::duration>(shortest / 4, std::chrono::milliseconds(2),
                                           std::chrono::milliseconds(250));
}

/// For those there is no room for: written at once or not at all.
void turn_away(Socket& socket) {
    const auto problem = to_response(Problem{503, "no-room", "too many connections; try again"});
    const std::string answer =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
        "Content-Length: " +
        std::to_string(problem.body.size()) + "\r\nRetry-After: 1\r\nConnection: close\r\n\r\n" +
        problem.body;
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.send(asio::buffer(answer), 0, ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

class Server::Listener : public std::enable_shared_from_this<Listener> {
public:
    Listener(asio::io_context& network, Service& service, Metrics& metrics, const Clock& clock,
             ServerOptions options)
        : acceptor_(network.get_executor()),
          sweep_(network.get_executor()),
          house_(std::make_shared<House>(House{service, metrics, clock, std::move(options)})) {}

    Result<void> listen();
    void start();
    void stop(Duration deadline, std::function<void()> stopped);
    void abandon();
    std::uint16_t port() const { return port_; }
    Executor executor() { return acceptor_.get_executor(); }

private:
    Task<void> accept_all();
    Task<void> sweep();
    void welcome(Socket socket);
    bool has_room(const std::string& peer);
    /// Closes the connection (of that peer, if given) that has waited longest; false when all are at work.
    bool make_room(const std::string* peer);
    void complain(const error_code& error);
    void close_quiet();
    void finish_if_empty();

    Acceptor acceptor_;
    WaitTimer sweep_;
    std::shared_ptr<House> house_;
    std::uint16_t port_ = 0;
    bool stopping_ = false;
    Monotonic::time_point stop_by_;
    std::function<void()> stopped_;
    Monotonic::time_point complained_;
};

Result<void> Server::Listener::listen() {
    const auto& options = house_->options;
    const std::string where = options.address + ":" + std::to_string(options.port);
    error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) return invalid("\"" + options.address + "\" is not an IP address to listen on");
    const tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return unavailable("cannot listen on " + where + ": " + error.message());
    port_ = acceptor_.local_endpoint(error).port();
    return {};
}

void Server::Listener::start() {
    house_->emptied = [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->finish_if_empty();
    };
    asio::co_spawn(executor(), accept_all(), [self = shared_from_this()](std::exception_ptr failure) {
        log_failure("accept", failure);
    });
    asio::co_spawn(executor(), sweep(), [self = shared_from_this()](std::exception_ptr failure) {
        log_failure("sweep", failure);
    });
}

Task<void> Server::Listener::accept_all() {
    WaitTimer pause(executor());
    while (!stopping_) {
        error_code error;
        Socket socket = co_await acceptor_.async_accept(asio::redirect_error(accepted, error));
        if (stopping_) break;
        if (!error) {
            welcome(std::move(socket));
            continue;
        }
        complain(error);
        make_room(nullptr);
        pause.expires_after(accept_pause);
        co_await pause.async_wait(asio::redirect_error(accepted, error));
    }
}

void Server::Listener::complain(const error_code& error) {
    house_->metrics.refused("accept-failed");
    if (Monotonic::now() - complained_ < complaint_pause) return;
    complained_ = Monotonic::now();
    log_warn("connection not accepted", {{"reason", error.message()}});
}

bool Server::Listener::make_room(const std::string* peer) {
    Connection* oldest = nullptr;
    for (auto* connection : house_->connections) {
        if (!connection->waiting_since() || (peer && connection->peer() != *peer)) continue;
        if (!oldest || *connection->waiting_since() < *oldest->waiting_since()) oldest = connection;
    }
    if (!oldest) return false;
    house_->metrics.refused("made-room");
    oldest->close();
    return true;
}

bool Server::Listener::has_room(const std::string& peer) {
    const auto& options = house_->options;
    const auto& connections = house_->connections;
    const auto of_peer = std::count_if(connections.begin(), connections.end(),
                                       [&](const Connection* other) { return other->peer() == peer; });
    if (static_cast<std::size_t>(of_peer) >= options.connections_per_address_max) return make_room(&peer);
    return connections.size() < options.connections_max || make_room(nullptr);
}

void Server::Listener::welcome(Socket socket) {
    error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    if (error) return;  // gone already
    const auto peer = endpoint.address().to_string();
    if (!has_room(peer)) {
        house_->metrics.refused("no-room");
        return turn_away(socket);
    }
    socket.set_option(tcp::no_delay(true), error);
    const auto connection = std::make_shared<Connection>(house_, std::move(socket), peer);
    asio::co_spawn(executor(), connection->run(),
                   [connection](std::exception_ptr failure) { log_failure("connection", failure); });
}

Task<void> Server::Listener::sweep() {
    const auto pause = sweep_pause(house_->options);
    while (!(stopping_ && house_->connections.empty())) {
        error_code ignored;
        sweep_.expires_after(pause);
        co_await sweep_.async_wait(asio::redirect_error(accepted, ignored));
        const auto now = Monotonic::now();
        const bool out_of_time = stopping_ && now >= stop_by_;
        for (auto* connection : house_->connections) {
            if (out_of_time)
                connection->close();
            else
                connection->check_deadline(now);
        }
    }
}

/// What waits for a next request is told by closing that there will be none.
void Server::Listener::close_quiet() {
    for (auto* connection : house_->connections)
        if (connection->is_quiet()) connection->close();
}

void Server::Listener::stop(Duration deadline, std::function<void()> stopped) {
    error_code error;
    // What the system accepted for us may carry a request already: it counts as in flight.
    acceptor_.non_blocking(true, error);
    while (!error) {
        Socket socket(executor());
        acceptor_.accept(socket, error);
        if (!error) welcome(std::move(socket));
    }
    stopping_ = true;
    stop_by_ = Monotonic::now() + deadline;
    stopped_ = std::move(stopped);
    acceptor_.close(error);
    house_->closing = true;
    close_quiet();
    sweep_.cancel();
    finish_if_empty();
}

void Server::Listener::finish_if_empty() {
    if (!stopping_ || !house_->connections.empty() || !stopped_) return;
    sweep_.cancel();
    asio::post(executor(), std::exchange(stopped_, nullptr));
}

void Server::Listener::abandon() {
    stopping_ = true;
    house_->closing = house_->abandoned = true;
    house_->emptied = [] {};
    error_code ignored;
    acceptor_.close(ignored);
    sweep_.cancel();
    for (auto* connection : house_->connections) connection->close();
}

Server::Server(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {
    listener_->start();
}

Server::~Server() {
    listener_->abandon();
}

Result<std::unique_ptr<Server>> Server::open(asio::io_context& network, Service& service, Metrics& metrics,
                                             const Clock& clock, ServerOptions options) {
    auto listener = std::make_shared<Listener>(network, service, metrics, clock, std::move(options));
    if (const auto listening = listener->listen(); !listening) return listening.error();
    return std::unique_ptr<Server>(new Server(std::move(listener)));
}

std::uint16_t Server::port() const {
    return listener_->port();
}

void Server::stop(Duration deadline, std::function<void()> stopped) {
    asio::post(listener_->executor(),
               [listener = listener_, deadline, stopped = std::move(stopped)]() mutable {
                   listener->stop(deadline, std::move(stopped));
               });
}

}  // namespace engine::http
