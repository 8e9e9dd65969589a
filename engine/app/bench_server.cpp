#include "engine/app/bench_server.h"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <string>

#include "engine/app/bench_wire.h"

namespace engine::app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;

constexpr std::string_view fixed_answer =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

class Session : public std::enable_shared_from_this<Session> {
public:
    Session(Socket socket, std::shared_ptr<const BenchServer::Receive> receive)
        : socket_(std::move(socket)), receive_(std::move(receive)) {}

    void read() {
        socket_.async_read_some(asio::buffer(chunk_),
                                [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                                    if (error) return;
                                    self->in_.append(self->chunk_.data(), bytes);
                                    self->answer();
                                });
    }

private:
    void answer() {
        std::size_t used = 0;
        out_.clear();
        while (const auto message = first_message(std::string_view(in_).substr(used))) {
            if (!(*receive_)(message->body)) return;
            used += message->size();
            out_ += fixed_answer;
        }
        in_.erase(0, used);
        if (out_.empty()) return read();
        asio::async_write(socket_, asio::buffer(out_),
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    Socket socket_;
    std::shared_ptr<const BenchServer::Receive> receive_;
    std::array<char, 16 * 1024> chunk_;
    std::string in_;
    std::string out_;
};

}  // namespace

struct BenchServer::House : std::enable_shared_from_this<BenchServer::House> {
    House(asio::io_context& network, Receive receive)
        : acceptor(network.get_executor()), receive(std::move(receive)) {}

    void accept() {
        acceptor.async_accept([self = shared_from_this()](const error_code& error, Socket socket) {
            if (error) return;
            error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            // The sessions keep the house, and with it what they call.
            std::make_shared<Session>(std::move(socket), std::shared_ptr<const Receive>(self, &self->receive))
                ->read();
            self->accept();
        });
    }

    Acceptor acceptor;
    Receive receive;
};

BenchServer::BenchServer(std::shared_ptr<House> house) : house_(std::move(house)) {
    house_->accept();
}

BenchServer::~BenchServer() {
    error_code ignored;
    house_->acceptor.close(ignored);
}

Result<std::unique_ptr<BenchServer>> BenchServer::open(asio::io_context& network, Receive receive) {
    auto house = std::make_shared<House>(network, std::move(receive));
    const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), 0);
    error_code error;
    house->acceptor.open(endpoint.protocol(), error);
    if (!error) house->acceptor.bind(endpoint, error);
    if (!error) house->acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return unavailable("cannot listen on 127.0.0.1: " + error.message());
    return std::unique_ptr<BenchServer>(new BenchServer(std::move(house)));
}

std::uint16_t BenchServer::port() const {
    error_code ignored;
    return house_->acceptor.local_endpoint(ignored).port();
}

}  // namespace engine::app
