#pragma once
/// A real server on the loopback in front of a fake engine, and a client that sends raw bytes.

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/http/api.h"
#include "engine/http/api_key.h"
#include "engine/http/server.h"
#include "tests/unit/http/fakes.h"

namespace http_test {

/// The engine's clock; tests move it between requests, so no lock is needed but the one the sockets imply.
class TestClock final : public engine::Clock {
public:
    engine::Instant now() const override { return engine::instant_of(microseconds_.load()); }
    void advance(engine::Duration by) { microseconds_ += by.count(); }

private:
    std::atomic<std::int64_t> microseconds_{1'777'881'600'000'000};  // 2026-05-04T08:00:00Z
};

struct Options {
    engine::http::ServerOptions server;
    engine::http::ApiOptions api;
};

/// Tenants `acme` and `globex`; every scope for both keys.
class Running {
public:
    explicit Running(Options options = {});
    ~Running();

    TestClock clock;
    FakeDoor door;
    std::string key;  ///< of acme, with every scope
    std::string globex_key;

    std::uint16_t port() const;
    /// Adds a key before the first request.
    std::string add_key(const std::string& tenant, const std::vector<std::string>& scopes,
                        std::optional<engine::Instant> expires = {});
    /// Begins a graceful stop; returns at once.
    void stop(engine::Duration deadline);
    /// Waits until the server has stopped.
    void wait_until_stopped();
    void drain();

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

struct Reply {
    int status = 0;                              ///< 0: the connection ended without an answer
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
    std::string header(const std::string& name) const;
    engine::Json json() const;
    /// A problem with all its members, of this status.
    bool is_problem() const;
    std::string code() const;
};

/// A blocking socket. Reads give up after ten seconds.
class Client {
public:
    explicit Client(const Running& running);
    explicit Client(std::uint16_t port);
    ~Client();
    Client(const Client&) = delete;

    /// False when the server had closed before it took all.
    bool send(std::string_view bytes);
    void shut_down_sending();
    /// The next answer; of a HEAD request without its body.
    Reply read(bool head_only = false);
    Reply ask(std::string_view bytes, bool head_only = false);
    /// Everything until the server closes; false in `closed` when it does not.
    std::string rest(bool* closed = nullptr);
    bool is_closed();

private:
    bool fill();
    int socket_ = -1;
    std::string in_;
};

/// A request with Host and Content-Length.
std::string request(std::string_view method, std::string_view target,
                    const std::vector<std::pair<std::string, std::string>>& headers = {},
                    std::string_view body = {});
/// One with the key as bearer.
std::string authorised(std::string_view method, std::string_view target, const std::string& key,
                       std::vector<std::pair<std::string, std::string>> headers = {},
                       std::string_view body = {});
/// A structured CloudEvent about ticket/INC45.
std::string cloud_event(const std::string& id);
std::string post_event(const std::string& key, const std::string& body);
/// With the key of acme.
namespace as_acme {
Reply get(Running& running, const std::string& target);
Reply post(Running& running, const std::string& target, const std::string& body = "");
/// Follows Link headers from the first page on; no page has more items than that.
std::vector<engine::Json> all_pages(Running& running, std::string target, const std::string& name,
                                    std::size_t page_max);
}  // namespace as_acme

}  // namespace http_test
