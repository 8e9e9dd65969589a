#include "tests/unit/http/running.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <future>
#include <stdexcept>

#include "connectors/kit/definition.h"
#include "engine/base/text.h"
#include "tests/support/catch.h"

namespace http_test {

using namespace engine;
using namespace engine::http;

namespace {

std::shared_ptr<const Tenant> tenant_named(const std::string& name) {
    auto tenant = std::make_shared<Tenant>();
    tenant->name = TenantName(name);
    auto rules = std::make_shared<::rules::RuleSet>();
    rules->version = "sha256:0";
    ::rules::Rule rule;
    rule.id = "greet";
    rule.on = {"ticket.created"};
    rule.place = {"rules.yaml", 3, 5};
    rules->rules.push_back(rule);
    tenant->set_rules(rules);
    return tenant;
}

}  // namespace

struct Running::Inside {
    boost::asio::io_context network{1};
    Metrics metrics;
    Api api;
    std::unique_ptr<Server> server;
    std::promise<void> stopped;
    std::thread thread;

    Inside(FakeDoor& door, const Clock& clock, Options options)
        : api(
              door, clock, metrics,
              [this](std::function<void()> work) { boost::asio::post(network, std::move(work)); },
              options.api) {
        auto opened = Server::open(network, api, metrics, clock, options.server);
        if (!opened) throw std::runtime_error(opened.error().message);
        server = *std::move(opened);
        thread = std::thread([this] {
            const auto guard = boost::asio::make_work_guard(network);
            network.run();
        });
    }
    void halt() {
        network.stop();
        if (thread.joinable()) thread.join();
    }
    ~Inside() { halt(); }
};

Running::Running(Options options) {
    for (const char* name : {"acme", "globex"}) door.tenants[TenantName(name)] = tenant_named(name);
    const std::vector<std::string> all(scopes.begin(), scopes.end());
    key = add_key("acme", all);
    globex_key = add_key("globex", all);
    inside_ = std::make_unique<Inside>(door, clock, std::move(options));
}

Running::~Running() {
    inside_->halt();
    // The engine's thread may still hand answers over; the network must be there for it.
    door.on_engine([] {});
}

std::uint16_t Running::port() const {
    return inside_->server->port();
}

std::string Running::add_key(const std::string& tenant, const std::vector<std::string>& scopes,
                             std::optional<Instant> expires) {
    auto made = make_key(TenantName(tenant), "test", scopes, expires, clock.now());
    door.on_engine([&] { door.store.api_keys.push_back(made.key); });
    return made.text;
}

void Running::stop(Duration deadline) {
    inside_->server->stop(deadline, [this] { inside_->stopped.set_value(); });
}

void Running::wait_until_stopped() {
    inside_->stopped.get_future().wait();
}

void Running::drain() {
    std::promise<void> done;
    boost::asio::post(inside_->network, [&] {
        inside_->api.drain();
        done.set_value();
    });
    done.get_future().wait();
}

std::string Reply::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
}

Json Reply::json() const {
    const auto parsed = parse_json(body);
    return parsed ? *parsed : Json();
}

bool Reply::is_problem() const {
    const auto problem = json();
    return header("content-type") == "application/problem+json" && problem.is_object() &&
           problem.contains("type") && problem.contains("title") && problem.contains("code") &&
           problem.contains("status") && problem["status"] == status;
}

std::string Reply::code() const {
    return text_or(json(), "code", "");
}

Client::Client(const Running& running) : Client(running.port()) {}

Client::Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
}

Client::~Client() {
    ::close(socket_);
}

bool Client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void Client::shut_down_sending() {
    ::shutdown(socket_, SHUT_WR);
}

bool Client::fill() {
    char buffer[16 * 1024];
    const auto count = ::recv(socket_, buffer, sizeof buffer, 0);
    if (count > 0) in_.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
}

Reply Client::read(bool head_only) {
    std::size_t end = 0;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos)
        if (!fill()) return {};
    Reply reply;
    const auto lines = split(in_.substr(0, end), '\n');
    reply.status = std::stoi(lines.at(0).substr(9, 3));
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const auto colon = lines[i].find(':');
        reply.headers[fold_case(lines[i].substr(0, colon))] = trim(lines[i].substr(colon + 1));
    }
    in_.erase(0, end + 4);
    const auto length =
        head_only || reply.header("content-length").empty() ? 0 : std::stoul(reply.header("content-length"));
    while (in_.size() < length)
        if (!fill()) return {};
    reply.body = in_.substr(0, length);
    in_.erase(0, length);
    return reply;
}

Reply Client::ask(std::string_view bytes, bool head_only) {
    send(bytes);
    return read(head_only);
}

std::string Client::rest(bool* closed) {
    char buffer[16 * 1024];
    ssize_t count = 0;
    while ((count = ::recv(socket_, buffer, sizeof buffer, 0)) > 0)
        in_.append(buffer, static_cast<std::size_t>(count));
    if (closed) *closed = count == 0 || errno == ECONNRESET;
    return std::exchange(in_, {});
}

bool Client::is_closed() {
    bool closed = false;
    return rest(&closed).empty() && closed;
}

std::string request(std::string_view method, std::string_view target,
                    const std::vector<std::pair<std::string, std::string>>& headers, std::string_view body) {
    std::string out;
    out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
    for (const auto& [name, value] : headers) out.append(name).append(": ").append(value).append("\r\n");
    if (method == "POST" || !body.empty())
        out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    return out.append("\r\n").append(body);
}

std::string authorised(std::string_view method, std::string_view target, const std::string& key,
                       std::vector<std::pair<std::string, std::string>> headers, std::string_view body) {
    headers.emplace_back("Authorization", "Bearer " + key);
    return request(method, target, headers, body);
}

std::string cloud_event(const std::string& id) {
    return R"({"specversion":"1.0","id":")" + id +
           R"(","source":"/tests","type":"ticket.created","subject":"ticket/INC45",)"
           R"("time":"2026-05-04T08:00:00Z","data":{"ticket":{"subject":"Printer on fire","priority":"high"}}})";
}

std::string post_event(const std::string& key, const std::string& body) {
    return authorised("POST", "/v1/acme/events", key, {{"Content-Type", "application/cloudevents+json"}},
                      body);
}

namespace as_acme {

Reply get(Running& running, const std::string& target) {
    Client client(running);
    return client.ask(authorised("GET", target, running.key));
}

Reply post(Running& running, const std::string& target, const std::string& body) {
    Client client(running);
    return client.ask(authorised("POST", target, running.key, {}, body));
}

std::vector<Json> all_pages(Running& running, std::string target, const std::string& name,
                            std::size_t page_max) {
    std::vector<Json> items;
    while (!target.empty()) {
        const auto reply = get(running, target);
        REQUIRE(reply.status == 200);
        const auto page = reply.json();
        REQUIRE(page[name].size() <= page_max);
        for (const auto& item : page[name]) items.push_back(item);
        const auto link = reply.header("link");
        CHECK(link.empty() == !page.contains("next"));
        target = link.empty() ? "" : link.substr(1, link.find('>') - 1);
    }
    return items;
}

}  // namespace as_acme

}  // namespace http_test
