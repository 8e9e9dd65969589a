#pragma once
/// A server on 127.0.0.1 that does with each connection what a test tells it to, right or wrong.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace connectors::testing {

/// One accepted connection; used by its own thread.
class Peer {
public:
    Peer(int socket, ssl_ctx_st* tls);
    ~Peer();
    Peer(const Peer&) = delete;

    /// A whole request with its body; empty when the client has closed.
    std::string read_request();
    /// False when the client has closed.
    bool write(std::string_view bytes);
    /// Waits until the client closes.
    void wait_closed();
    /// Ends the connection with a reset instead of a normal close.
    void reset();

private:
    long receive(char* bytes, std::size_t count);

    int socket_;
    ssl_st* tls_ = nullptr;
    bool ready_ = true;
};

class MisbehavingServer {
public:
    using Script = std::function<void(Peer& peer, int connection)>;
    /// With a certificate and key in PEM it speaks TLS.
    explicit MisbehavingServer(Script script, const std::string& certificate = "",
                               const std::string& key = "");
    ~MisbehavingServer();

    std::string url(const std::string& path = "/") const;
    std::uint16_t port() const { return port_; }
    int connections() const { return connections_; }
    /// From now on connections are refused; those there are go on. Any thread.
    void close_door();

private:
    void accept_all();

    Script script_;
    ssl_ctx_st* tls_ = nullptr;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_ = 0;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_;  ///< of the two below
    std::vector<int> sockets_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

/// `HTTP/1.1 200 OK` with a length.
std::string answer(std::string_view body, std::string_view headers = "");

/// A self-signed certificate for the name, valid from and to these seconds from now, and its key; both PEM.
struct Certificate {
    std::string certificate;
    std::string key;
};
Certificate make_certificate(const std::string& name, long valid_from, long valid_to);

}  // namespace connectors::testing
