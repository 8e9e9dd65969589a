#include "connectors/kit/http_client.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <vector>

#include "connectors/kit/address.h"
#include "connectors/kit/http_client_exchange.h"

namespace connectors {

using asio::ip::tcp;
using boost::system::error_code;
using engine::Result;

namespace {

Address address_of(const asio::ip::address& address) {
    Address out;
    if (address.is_v6()) {
        out.bytes = address.to_v6().to_bytes();
        return out;
    }
    const auto v4 = address.to_v4().to_bytes();
    out.bytes[10] = out.bytes[11] = 0xFF;
    std::copy(v4.begin(), v4.end(), out.bytes.begin() + 12);
    return out;
}

/// The kept connection may have taken the request before it was closed.
engine::Error unknown_after(const engine::Error& error) {
    return {engine::Code::outcome_unknown,
            "a kept connection was closed without an answer, then " + error.message};
}

/// Trusts the file's certificates, or the system's.
std::unique_ptr<ssl::context> make_context(const std::string& ca_file, error_code& code) {
    auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
    context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                         ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    context->set_verify_mode(ssl::verify_peer);
    if (ca_file.empty())
        context->set_default_verify_paths(code);
    else
        context->load_verify_file(ca_file, code);
    return context;
}

}  // namespace

/// All state lives on the network thread; no lock is needed.
class HttpClient::Pool : public std::enable_shared_from_this<HttpClient::Pool> {
public:
    Pool(asio::io_context& network, HttpClientOptions options)
        : options_(std::move(options)), executor_(network.get_executor()), sweep_(executor_) {}

    const Executor& executor() const { return executor_; }

    /// Always a value: what co_spawn hands over must have a default.
    static asio::awaitable<std::optional<Result<HttpResponse>>> perform(std::shared_ptr<Pool> pool,
                                                                        HttpRequest request,
                                                                        engine::Duration timeout) {
        const Time deadline = std::chrono::steady_clock::now() + timeout;
        const auto url = parse_url(request.url);
        if (!url) co_return url.error();
        auto message = message_of(std::move(request), *url);
        if (!message) co_return message.error();
        const auto key = url->scheme + "://" + authority_of(*url);
        const auto free = co_await pool->acquire(key, deadline);
        if (!free) co_return free.error();
        const Slot slot{pool, key};
        co_return co_await pool->send(*url, key, *message, deadline);
    }

    void stop() {
        stopped_ = true;
        asio::post(executor_, [self = shared_from_this()] { self->close_idle(); });
    }
    bool stopped() const { return stopped_; }

private:
    /// A name look-up whose end may come after nobody waits any more.
    struct Lookup {
        explicit Lookup(const Executor& executor) : gate(executor), resolver(executor) {}
        asio::steady_timer gate;
        tcp::resolver resolver;
        std::vector<tcp::endpoint> endpoints;
        error_code code;
        bool done = false;
    };

    struct Waiter {
        explicit Waiter(const Executor& executor) : gate(executor) {}
        asio::steady_timer gate;
        bool granted = false;
    };

    /// The connections to one host.
    struct Host {
        std::size_t active = 0;
        std::deque<std::shared_ptr<Waiter>> waiters;
        std::vector<std::unique_ptr<Wire>> idle;
    };

    /// A place under the host's cap, given back when the request has ended, whichever way.
    struct Slot {
        std::shared_ptr<Pool> pool;
        std::string key;
        Slot(std::shared_ptr<Pool> pool, std::string key) : pool(std::move(pool)), key(std::move(key)) {}
        Slot(const Slot&) = delete;
        ~Slot() { pool->release(key); }
    };

    asio::awaitable<Result<void>> acquire(std::string key, Time deadline) {
        if (stopped_) co_return engine::unavailable("the client is stopping");
        auto& host = hosts_[key];
        if (host.active < options_.connections_per_host_max) {
            ++host.active;
            co_return Result<void>();
        }
        const auto waiter = std::make_shared<Waiter>(executor_);
        waiter->gate.expires_at(deadline);
        host.waiters.push_back(waiter);
        co_await waiter->gate.async_wait(quietly);
        if (waiter->granted) co_return Result<void>();
        std::erase(hosts_[key].waiters, waiter);
        forget_unused(key);
        co_return engine::unavailable(stopped_ ? "the client is stopping"
                                               : "connections_per_host_max connections are busy");
    }

    /// Hands the place to whoever waits longest.
    void release(const std::string& key) {
        auto& host = hosts_[key];
        if (!host.waiters.empty() && !stopped_) {
            const auto next = host.waiters.front();
            host.waiters.pop_front();
            next->granted = true;
            next->gate.cancel();
            return;
        }
        --host.active;
        forget_unused(key);
    }

    void forget_unused(const std::string& key) {
        const auto& host = hosts_[key];
        if (host.active == 0 && host.idle.empty() && host.waiters.empty()) hosts_.erase(key);
    }

    /// Sends on a kept connection; when that turns out closed before any answer, once more on a new one.
    asio::awaitable<Result<HttpResponse>> send(const Url& url, const std::string& key, Message& message,
                                               Time deadline) {
        if (!may_send()) co_return not_now();
        bool sent = false;
        if (auto kept = take_idle(key)) {
            auto exchange = co_await exchange_over(*kept, message, deadline, options_);
            if (!exchange.unanswered) {
                if (exchange.reusable) keep(key, std::move(kept));
                if (exchange.held_back) co_return not_now();
                co_return std::move(exchange.response);
            }
            sent = true;
        }
        auto opened = co_await open(url, deadline);
        if (!opened) co_return sent ? unknown_after(opened.error()) : opened.error();
        auto exchange = co_await exchange_over(**opened, message, deadline, options_);
        if (exchange.reusable) keep(key, std::move(*opened));
        if (exchange.held_back) co_return sent ? unknown_after(not_now()) : not_now();
        co_return std::move(exchange.response);
    }

    bool may_send() const { return !options_.may_send || options_.may_send(); }
    static engine::Error not_now() { return engine::unavailable("nothing may be sent now"); }

    asio::awaitable<Result<std::unique_ptr<Wire>>> open(const Url& url, Time deadline) {
        deadline = std::min(deadline, std::chrono::steady_clock::now() + options_.connect_timeout);
        if (url.is_https() && !read_certificates())
            co_return engine::unavailable("the certificates cannot be read: " + context_code_.message());
        const auto endpoints = co_await resolve(url, deadline);
        if (!endpoints) co_return endpoints.error();
        auto last = engine::unavailable("the name " + url.host + " has no address");
        for (const auto& endpoint : *endpoints) {
            auto wire = std::make_unique<Wire>(executor_, url.is_https() ? context_.get() : nullptr);
            wire->tcp().expires_at(deadline);
            const auto connected = co_await wire->tcp().async_connect(endpoint, quietly);
            auto code = std::get<0>(connected);
            if (!code) {
                wire->tcp().socket().set_option(tcp::no_delay(true), code);
                const auto secured = co_await secure(*wire, url.host);
                if (!secured) co_return secured.error();
                co_return std::move(wire);
            }
            last = engine::unavailable("no connection to " + url.host + ":" + std::to_string(url.port) +
                                       ": " + code.message());
        }
        co_return last;
    }

    /// Once, when the first request needs them: the system's are many.
    bool read_certificates() {
        if (!context_) context_ = make_context(options_.ca_file, context_code_);
        return !context_code_;
    }

    /// Checks the certificate and that it is this host's.
    asio::awaitable<Result<void>> secure(Wire& wire, const std::string& host) {
        if (!wire.tls) co_return Result<void>();
        error_code code;
        asio::ip::make_address(host, code);
        const bool is_name = static_cast<bool>(code);
        if (is_name && SSL_set_tlsext_host_name(wire.tls->native_handle(), host.c_str()) != 1)
            co_return engine::unavailable("TLS with " + host + ": the name cannot be sent");
        wire.tls->set_verify_callback(ssl::host_name_verification(host), code);
        const auto shaken = co_await wire.tls->async_handshake(ssl::stream_base::client, quietly);
        if (std::get<0>(shaken))
            co_return engine::unavailable("TLS with " + host + ": " + std::get<0>(shaken).message());
        co_return Result<void>();
    }

    /// The one place where it is decided whether an address may be called: every answer of the name service
    /// must be allowed, and the connection goes to one of exactly these.
    asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(const Url& url, Time deadline) {
        auto found = co_await look_up(url, deadline);
        if (!found) co_return found;
        for (const auto& endpoint : *found)
            if (!may_connect(address_of(endpoint.address()), options_.allow_private_networks))
                co_return engine::denied("the address of " + url.host + " may not be called");
        co_return found;
    }

    asio::awaitable<Result<std::vector<tcp::endpoint>>> look_up(const Url& url, Time deadline) {
        error_code code;
        const auto literal = asio::ip::make_address(url.host, code);
        if (!code) co_return std::vector<tcp::endpoint>{tcp::endpoint(literal, url.port)};
        const auto lookup = std::make_shared<Lookup>(executor_);
        lookup->gate.expires_at(deadline);
        lookup->resolver.async_resolve(
            url.host, std::to_string(url.port), tcp::resolver::numeric_service,
            [lookup](const error_code& result, const tcp::resolver::results_type& results) {
                lookup->code = result;
                for (const auto& entry : results) lookup->endpoints.push_back(entry.endpoint());
                lookup->done = true;
                lookup->gate.cancel();
            });
        co_await lookup->gate.async_wait(quietly);
        if (!lookup->done) co_return engine::unavailable("the name " + url.host + " was not found in time");
        if (lookup->code)
            co_return engine::unavailable("the name " + url.host + ": " + lookup->code.message());
        co_return lookup->endpoints;
    }

    std::unique_ptr<Wire> take_idle(const std::string& key) {
        auto& idle = hosts_[key].idle;
        const auto oldest = std::chrono::steady_clock::now() - options_.idle_timeout;
        while (!idle.empty()) {
            auto wire = std::move(idle.back());
            idle.pop_back();
            if (wire->idle_since >= oldest && is_usable(*wire)) return wire;
        }
        return nullptr;
    }

    void keep(const std::string& key, std::unique_ptr<Wire> wire) {
        if (stopped_) return;
        wire->tcp().expires_never();
        wire->idle_since = std::chrono::steady_clock::now();
        hosts_[key].idle.push_back(std::move(wire));
        if (!sweeping_) start_sweep();
    }

    void start_sweep() {
        sweeping_ = true;
        sweep_.expires_after(options_.idle_timeout);
        sweep_.async_wait([weak = weak_from_this()](const error_code& code) {
            if (const auto self = weak.lock(); self && !code) self->sweep();
        });
    }

    void sweep() {
        sweeping_ = false;
        const auto oldest = std::chrono::steady_clock::now() - options_.idle_timeout;
        bool any = false;
        for (auto host = hosts_.begin(); host != hosts_.end();) {
            std::erase_if(host->second.idle, [&](const auto& wire) { return wire->idle_since < oldest; });
            any = any || !host->second.idle.empty();
            const bool unused = host->second.idle.empty() && host->second.active == 0;
            host = unused ? hosts_.erase(host) : std::next(host);
        }
        if (any && !stopped_) start_sweep();
    }

    void close_idle() {
        sweep_.cancel();
        for (auto& [key, host] : hosts_) {
            host.idle.clear();
            for (const auto& waiter : host.waiters) waiter->gate.cancel();
        }
    }

    const HttpClientOptions options_;
    Executor executor_;
    asio::steady_timer sweep_;
    bool sweeping_ = false;
    std::atomic<bool> stopped_ = false;
    error_code context_code_;
    std::unique_ptr<ssl::context> context_;
    std::map<std::string, Host> hosts_;
};

HttpClient::HttpClient(asio::io_context& network, HttpClientOptions options)
    : pool_(std::make_shared<Pool>(network, std::move(options))) {}

HttpClient::~HttpClient() {
    stop();
}

void HttpClient::send(HttpRequest request, engine::Duration timeout,
                      std::function<void(Result<HttpResponse>)> done) {
    asio::co_spawn(pool_->executor(), Pool::perform(pool_, std::move(request), timeout),
                   [done = std::move(done)](const std::exception_ptr& failure,
                                            std::optional<Result<HttpResponse>> response) {
                       if (failure || !response)
                           return done(engine::Error{engine::Code::outcome_unknown, "the request broke off"});
                       done(std::move(*response));
                   });
}

void HttpClient::stop() {
    pool_->stop();
}

}  // namespace connectors
