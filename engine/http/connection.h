#pragma once
/// Connection: serves one client's requests one after another. Internal to the server.

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "engine/http/framing.h"
#include "engine/http/server.h"
#include "engine/http/service.h"

namespace engine::http {

// Naming the executor's type spares every operation a virtual call.
using Executor = boost::asio::io_context::executor_type;
template <class T>
using Task = boost::asio::awaitable<T, Executor>;
using Monotonic = std::chrono::steady_clock;
using WaitTimer = boost::asio::basic_waitable_timer<Monotonic, boost::asio::wait_traits<Monotonic>, Executor>;
using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

class Connection;

/// What all connections of a server share.
struct House {
    Service& service;
    Metrics& metrics;
    const Clock& clock;
    ServerOptions options;
    std::unordered_set<Connection*> connections{};
    std::size_t bodies_bytes = 0;           ///< held by requests being read or answered
    bool closing = false;                   ///< no request after the running ones
    bool abandoned = false;                 ///< the server is gone and the collaborators may be
    std::function<void()> emptied = [] {};  ///< called when the last connection has left
    std::string date{};                     ///< the Date header's value for date_second
    std::int64_t date_second = -1;

    /// The current time as HTTP writes it.
    const std::string& http_date();
};

class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<House> house, Socket socket, std::string peer);
    ~Connection();

    /// Ends when the connection is closed. The caller keeps the connection alive until then.
    Task<void> run();

    const std::string& peer() const { return peer_; }
    /// Ends what has waited too long; the sweeper calls it every now and then.
    void check_deadline(Monotonic::time_point now);
    /// Since when it waits for a request; nothing while one is worked on.
    std::optional<Monotonic::time_point> waiting_since() const;
    /// Nothing of a request has come yet, not even into the socket's buffer.
    bool is_quiet();
    void close();

private:
    enum class Phase { idle, head, admission, body, answer, write, linger };
    void enter(Phase phase);
    Duration limit_of(Phase phase) const;
    void expire();
    bool too_slow(Monotonic::time_point now) const;
    void look_after_peer();

    Task<bool> serve_one();
    Task<bool> read_head();
    std::optional<HeadFinder::Answer> look_for_head(HeadFinder& finder);
    Task<bool> fill();
    Task<Admission> ask_admission();
    Task<bool> read_body(std::size_t body_bytes_max);
    Task<bool> read_plain_body();
    Task<bool> read_chunked_body(std::size_t body_bytes_max);
    Task<bool> allow_body();
    bool hold_body(std::size_t bytes);
    void release_body();
    Task<Response> ask_answer(const Admission& admission);
    void take_admission(std::uint64_t turn, Admission admission);
    void take_response(std::uint64_t turn, Response response);
    Task<bool> refuse(Refusal refusal);
    Task<bool> answer(const Response& response, bool keep);
    void write_head(const Response& response, bool keep);
    Task<void> linger();

    std::shared_ptr<House> house_;
    Socket socket_;
    WaitTimer wake_;  ///< never runs out; cancelled when an answer has come
    std::string peer_;

    Phase phase_ = Phase::head;
    Monotonic::time_point since_;
    Monotonic::time_point deadline_;
    bool expired_ = false;
    bool peer_gone_ = false;

    std::array<char, 16 * 1024> in_;
    std::size_t begin_ = 0;  ///< unread bytes of in_
    std::size_t end_ = 0;
    bool first_ = true;  ///< no request has come yet
    bool may_skip_line_ = true;
    bool head_known_ = false;  ///< head_ belongs to the request being served
    std::string head_bytes_;
    RequestHead head_;
    std::string body_;
    std::size_t held_ = 0;  ///< this request's share of bodies_bytes
    std::string out_;
    Monotonic::time_point started_;
    std::string_view route_ = "none";

    std::uint64_t turn_ = 0;  ///< an answer for an earlier turn came too late
    std::optional<Admission> admission_;
    std::optional<Response> response_;
    std::shared_ptr<std::atomic<bool>> given_up_;  ///< of the request that is being answered; else null
    bool peer_probed_ = false;
};

}  // namespace engine::http
