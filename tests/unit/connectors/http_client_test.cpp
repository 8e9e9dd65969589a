#include "connectors/kit/http_client.h"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>

#include "tests/unit/connectors/misbehaving_server.h"
#include "tests/unit/connectors/support.h"

namespace http_client_test {

using namespace connectors;
using namespace connectors::testing;
using engine::Code;
using Answer = engine::Result<HttpResponse>;

namespace {

constexpr auto patience = std::chrono::seconds(10);

/// A client on an event loop that the test itself turns.
class Caller {
public:
    explicit Caller(HttpClientOptions options = {}) : client_(network_, std::move(options)) {}
    ~Caller() {
        client_.stop();
        network_.restart();
        network_.run_for(patience);
    }

    Answer call(const std::string& url, engine::Duration timeout = patience, std::string body = "") {
        HttpRequest request;
        request.url = url;
        request.body = std::move(body);
        return call(std::move(request), timeout);
    }

    Answer call(HttpRequest request, engine::Duration timeout = patience) {
        std::optional<Answer> answer;
        client_.send(std::move(request), timeout, [&](Answer result) { answer = std::move(result); });
        turn([&] { return answer.has_value(); });
        return std::move(*answer);
    }

    void start(const std::string& url, engine::Duration timeout, std::vector<Answer>& answers) {
        HttpRequest request;
        request.url = url;
        client_.send(std::move(request), timeout,
                     [&](Answer result) { answers.push_back(std::move(result)); });
    }

    template <class Done>
    void turn(Done done) {
        const auto end = std::chrono::steady_clock::now() + 2 * patience;
        network_.restart();
        while (!done()) {
            REQUIRE(std::chrono::steady_clock::now() < end);
            network_.run_one_for(std::chrono::milliseconds(100));
            if (network_.stopped()) network_.restart();
        }
    }

    HttpClient& client() { return client_; }

private:
    boost::asio::io_context network_;
    HttpClient client_;
};

/// Answers every request on a connection.
void polite(Peer& peer, int) {
    while (!peer.read_request().empty()) peer.write(answer("ok"));
}

std::string problem(const Answer& answer, Code code) {
    REQUIRE_FALSE(answer);
    INFO(answer.error().message);
    CHECK(answer.error().code == code);
    return answer.error().message;
}

}  // namespace

TEST_CASE("http client: a request arrives whole and its answer comes back", "[connectors]") {
    std::string seen;
    const MisbehavingServer server([&](Peer& peer, int) {
        seen = peer.read_request();
        peer.write(answer("{\"a\":1}", "X-Limit: 7\r\nX-Limit: 8\r\n"));
    });
    HttpRequest request;
    request.method = "PUT";
    request.url = server.url("/a%20b?c=d");
    request.headers = {{"X-One", "1"}, {"host", "evil"}, {"Content-Length", "99"}, {"Connection", "close"}};
    request.body = "hello";
    Caller caller;
    const auto answer = caller.call(request);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == "{\"a\":1}");
    CHECK(*answer->header("x-limit") == "7");
    CHECK_THAT(seen, Catch::StartsWith("PUT /a%20b?c=d HTTP/1.1\r\nHost: 127.0.0.1:" +
                                       std::to_string(server.port())));
    CHECK_THAT(seen, Catch::Contains("X-One: 1\r\n") && Catch::Contains("Content-Length: 5\r\n") &&
                         Catch::EndsWith("\r\n\r\nhello") && !Catch::Contains("evil"));
}

TEST_CASE("http client: one connection serves one request after another", "[connectors]") {
    const MisbehavingServer server(polite);
    Caller caller;
    for (int round = 0; round < 20; ++round) CHECK(caller.call(server.url())->body == "ok");
    CHECK(server.connections() == 1);
}

TEST_CASE("http client: a kept connection that was closed meanwhile is replaced at once", "[connectors]") {
    const MisbehavingServer server([](Peer& peer, int) {
        peer.read_request();
        peer.write(answer("ok"));
    });
    Caller caller;
    for (int round = 1; round <= 5; ++round) {
        CHECK(caller.call(server.url())->body == "ok");
        CHECK(server.connections() == round);
    }
}

TEST_CASE("http client: a kept connection closed under the request is replaced once, with the same request",
          "[connectors]") {
    std::mutex mutex;
    std::vector<std::string> requests;
    const MisbehavingServer server([&](Peer& peer, int connection) {
        for (int round = 0;; ++round) {
            const auto request = peer.read_request();
            if (request.empty()) return;
            {
                const std::lock_guard lock(mutex);
                requests.push_back(request);
            }
            if (connection == 0 && round == 1) return;  // read, then closed without an answer
            peer.write(answer("ok"));
        }
    });
    Caller caller;
    CHECK(caller.call(server.url("/1"))->body == "ok");
    CHECK(caller.call(server.url("/2"), patience, "body")->body == "ok");
    REQUIRE(requests.size() == 3);
    CHECK(requests[1] == requests[2]);
    CHECK(server.connections() == 2);
}

TEST_CASE("http client: what a kept connection may have taken is unknown when no new one opens",
          "[connectors]") {
    MisbehavingServer* door = nullptr;
    MisbehavingServer server([&](Peer& peer, int) {
        peer.read_request();
        peer.write(answer("ok"));
        peer.read_request();
        door->close_door();
    });
    door = &server;
    Caller caller;
    CHECK(caller.call(server.url()));
    problem(caller.call(server.url()), Code::outcome_unknown);
    CHECK(server.connections() == 1);
}

TEST_CASE("http client: a new connection closed without an answer is not tried again", "[connectors]") {
    const MisbehavingServer server([](Peer& peer, int) { peer.read_request(); });
    Caller caller;
    problem(caller.call(server.url()), Code::outcome_unknown);
    CHECK(server.connections() == 1);
}

TEST_CASE("http client: half an answer is none, however it breaks off", "[connectors]") {
    const std::string halves[] = {"HTTP/1.1 200 OK\r\nContent-Le",
                                  "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"};
    for (const auto& half : halves) {
        for (const bool reset : {false, true}) {
            const MisbehavingServer server([&](Peer& peer, int) {
                peer.read_request();
                peer.write(half);
                if (reset) peer.reset();
            });
            INFO(half << reset);
            Caller caller;
            problem(caller.call(server.url()), Code::outcome_unknown);
            CHECK(server.connections() == 1);
        }
    }
}

TEST_CASE("http client: half an answer on a kept connection is not tried again", "[connectors]") {
    const MisbehavingServer server([](Peer& peer, int) {
        peer.read_request();
        peer.write(answer("ok"));
        peer.read_request();
        peer.write("HTTP/1.1 2");
    });
    Caller caller;
    CHECK(caller.call(server.url()));
    problem(caller.call(server.url()), Code::outcome_unknown);
    CHECK(server.connections() == 1);
}

TEST_CASE("http client: what is no HTTP is no answer", "[connectors]") {
    for (const auto* rubbish :
         {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "\r\n\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nBad Header\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"}) {
        const MisbehavingServer server([&](Peer& peer, int) {
            peer.read_request();
            peer.write(rubbish);
        });
        INFO(rubbish);
        Caller caller;
        problem(caller.call(server.url()), Code::outcome_unknown);
    }
}

TEST_CASE("http client: bytes beyond the answer are not taken for the next one", "[connectors]") {
    const MisbehavingServer server([](Peer& peer, int connection) {
        peer.read_request();
        peer.write(connection == 0 ? answer("ok") + answer("forged") : answer("second"));
        peer.wait_closed();
    });
    Caller caller;
    CHECK(caller.call(server.url())->body == "ok");
    CHECK(caller.call(server.url())->body == "second");
    CHECK(server.connections() == 2);
}

TEST_CASE("http client: an answer may end with the connection, or come in chunks", "[connectors]") {
    const MisbehavingServer server([](Peer& peer, int connection) {
        peer.read_request();
        peer.write(connection == 0
                       ? "HTTP/1.1 200 OK\r\n\r\nuntil the end"
                       : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    });
    Caller caller;
    CHECK(caller.call(server.url())->body == "until the end");
    CHECK(caller.call(server.url())->body == "abc");
}

TEST_CASE("http client: bodies and headers have limits", "[connectors]") {
    const std::string large(200'000, 'x');
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int header = 0; header < 10'000; ++header) many += "X-" + std::to_string(header) + ": y\r\n";
    const std::string answers[] = {
        answer(large),
        "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nx",
        "HTTP/1.1 200 OK\r\n\r\n" + large,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" + large + "\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: " + large + "\r\n\r\n",
        many + "\r\n"};
    HttpClientOptions options;
    options.response_bytes_max = 100'000;
    for (const auto& bytes : answers) {
        const MisbehavingServer server([&](Peer& peer, int) {
            peer.read_request();
            peer.write(bytes);
            peer.wait_closed();
        });
        INFO(bytes.substr(0, 60));
        Caller caller(options);
        CHECK_THAT(problem(caller.call(server.url()), Code::exhausted), Catch::Contains("_bytes_max = "));
    }
    const MisbehavingServer server([&](Peer& peer, int) {
        peer.read_request();
        peer.write(answer(large.substr(0, 100'000)));
    });
    CHECK(Caller(options).call(server.url())->body.size() == 100'000);
}

TEST_CASE("http client: interim answers are skipped, but not for ever", "[connectors]") {
    const MisbehavingServer server([](Peer& peer, int connection) {
        peer.read_request();
        const int count = connection == 0 ? 2 : 1000;
        for (int interim = 0; interim < count; ++interim)
            if (!peer.write("HTTP/1.1 103 Early Hints\r\n\r\n")) return;
        peer.write(answer("ok"));
        peer.wait_closed();
    });
    Caller caller;
    CHECK(caller.call(server.url())->body == "ok");
    Caller other;
    CHECK_THAT(problem(other.call(server.url()), Code::exhausted), Catch::Contains("interim"));
}

TEST_CASE("http client: a redirect is an answer, not a way", "[connectors]") {
    const MisbehavingServer server([](Peer& peer, int) {
        while (!peer.read_request().empty())
            peer.write(
                "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n");
    });
    Caller caller;
    const auto answer = caller.call(server.url());
    REQUIRE(answer);
    CHECK(answer->status == 302);
    CHECK(server.connections() == 1);
}

TEST_CASE("http client: the deadline holds while a server is silent or drips", "[connectors]") {
    const MisbehavingServer silent([](Peer& peer, int) { peer.wait_closed(); });
    const MisbehavingServer dripping([](Peer& peer, int) {
        peer.read_request();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        std::mutex mutex;
        std::condition_variable never;
        std::unique_lock lock(mutex);
        while (peer.write("x")) never.wait_for(lock, std::chrono::milliseconds(5));
    });
    for (const auto* server : {&silent, &dripping}) {
        Caller caller;
        const auto start = std::chrono::steady_clock::now();
        CHECK_THAT(problem(caller.call(server->url(), std::chrono::milliseconds(150)), Code::outcome_unknown),
                   Catch::Contains("in time"));
        const auto took = std::chrono::steady_clock::now() - start;
        CHECK(took >= std::chrono::milliseconds(150));
        CHECK(took < std::chrono::seconds(3));
        CHECK(server->connections() == 1);
    }
}

TEST_CASE("http client: a large request that nobody reads ends at the deadline", "[connectors]") {
    std::mutex mutex;
    std::condition_variable over;
    bool done = false;
    const MisbehavingServer server([&](Peer&, int) {
        std::unique_lock lock(mutex);
        over.wait_for(lock, patience, [&] { return done; });
    });
    Caller caller;
    problem(caller.call(server.url(), std::chrono::milliseconds(150), std::string(64 * 1024 * 1024, 'x')),
            Code::outcome_unknown);
    const std::lock_guard lock(mutex);
    done = true;
    over.notify_all();
}

TEST_CASE("http client: when nothing was sent, it says so", "[connectors]") {
    std::string closed;
    {
        const MisbehavingServer server(polite);
        closed = server.url();
    }
    Caller caller;
    problem(caller.call(closed), Code::unavailable);
    problem(caller.call("http://nobody.invalid/"), Code::unavailable);
}

TEST_CASE("http client: requests that cannot be written are refused", "[connectors]") {
    Caller caller;
    for (const auto* url : {"", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://127.0.0.1/\r\nX: y"})
        problem(caller.call(url), Code::invalid_input);
    HttpRequest request;
    request.url = "http://127.0.0.1:9/";
    for (const auto& header :
         {std::pair<std::string, std::string>{"X", "a\r\nY: b"}, {"X: y\r\nZ", "a"}, {"", "a"}}) {
        request.headers = {header};
        problem(caller.call(request), Code::invalid_input);
    }
    request.headers.clear();
    request.method = "GET / HTTP/1.1\r\nX:";
    problem(caller.call(request), Code::invalid_input);
}

TEST_CASE("http client: some addresses are never called, others only where that is allowed", "[connectors]") {
    const MisbehavingServer server(polite);
    Caller open;
    for (const auto* url : {"http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/",
                            "http://0.0.0.0/", "http://[fe80::1]/", "http://[64:ff9b::a9fe:a9fe]/"})
        problem(open.call(url), Code::denied);
    HttpClientOptions options;
    options.allow_private_networks = false;
    Caller strict(options);
    const auto port = std::to_string(server.port());
    for (const auto* host :
         {"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1"}) {
        const auto answer = strict.call("http://" + std::string(host) + ":" + port + "/");
        INFO(host);
        REQUIRE_FALSE(answer);
        CHECK((answer.error().code == Code::denied || answer.error().code == Code::unavailable));
    }
    CHECK(server.connections() == 0);
}

TEST_CASE("http client: no more connections to one host than allowed, and the others wait in order",
          "[connectors]") {
    std::atomic<int> open = 0;
    std::atomic<int> most = 0;
    const MisbehavingServer server([&](Peer& peer, int) {
        while (!peer.read_request().empty()) {
            const int now = ++open;
            for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
            }
            --open;
            peer.write(answer("ok"));
        }
    });
    HttpClientOptions options;
    options.connections_per_host_max = 2;
    Caller caller(options);
    std::vector<Answer> answers;
    for (int number = 0; number < 30; ++number) caller.start(server.url(), patience, answers);
    caller.turn([&] { return answers.size() == 30; });
    for (const auto& answer : answers) CHECK(answer);
    CHECK(most <= 2);
    CHECK(server.connections() <= 2);
}

TEST_CASE("http client: who waits too long for a connection has sent nothing", "[connectors]") {
    const MisbehavingServer server([](Peer& peer, int) { peer.wait_closed(); });
    HttpClientOptions options;
    options.connections_per_host_max = 1;
    Caller caller(options);
    std::vector<Answer> answers;
    caller.start(server.url(), std::chrono::milliseconds(400), answers);
    caller.start(server.url(), std::chrono::milliseconds(100), answers);
    caller.turn([&] { return answers.size() == 2; });
    CHECK_THAT(problem(answers[0], Code::unavailable), Catch::Contains("connections_per_host_max"));
    problem(answers[1], Code::outcome_unknown);
    CHECK(server.connections() == 1);
}

TEST_CASE("http client: a slow host does not hold up another", "[connectors]") {
    const MisbehavingServer slow([](Peer& peer, int) { peer.wait_closed(); });
    const MisbehavingServer quick(polite);
    HttpClientOptions options;
    options.connections_per_host_max = 1;
    Caller caller(options);
    std::vector<Answer> late;
    caller.start(slow.url(), std::chrono::milliseconds(500), late);
    for (int round = 0; round < 10; ++round) CHECK(caller.call(quick.url())->body == "ok");
    CHECK(late.empty());
    caller.turn([&] { return late.size() == 1; });
}

TEST_CASE("http client: stopping lets running requests end and takes no more", "[connectors]") {
    std::mutex mutex;
    std::condition_variable changed;
    bool arrived = false;
    bool go = false;
    const MisbehavingServer server([&](Peer& peer, int) {
        peer.read_request();
        std::unique_lock lock(mutex);
        arrived = true;
        changed.notify_all();
        changed.wait_for(lock, patience, [&] { return go; });
        peer.write(answer("ok"));
    });
    Caller caller;
    std::vector<Answer> answers;
    caller.start(server.url(), patience, answers);
    caller.turn([&] {
        const std::lock_guard lock(mutex);
        return arrived;
    });
    caller.client().stop();
    problem(caller.call(server.url()), Code::unavailable);
    {
        const std::lock_guard lock(mutex);
        go = true;
        changed.notify_all();
    }
    caller.turn([&] { return answers.size() == 1; });
    CHECK(answers[0]);
}

TEST_CASE("http client: what may not be sent any more is not, up to the last moment", "[connectors]") {
    std::atomic<int> requests = 0;
    const MisbehavingServer server([&](Peer& peer, int) {
        while (!peer.read_request().empty()) {
            ++requests;
            peer.write(answer("ok"));
        }
    });
    int asked = 0;
    int allowed = 0;
    HttpClientOptions options;
    options.may_send = [&] { return asked++ < allowed; };
    Caller caller(options);
    problem(caller.call(server.url()), Code::unavailable);
    CHECK(server.connections() == 0);
    // It was allowed when the connection was looked for, and is not when the bytes would go.
    for (const bool kept : {false, true}) {
        INFO("on a kept connection: " << kept);
        asked = 0;
        allowed = 1;
        problem(caller.call(server.url()), Code::unavailable);
        CHECK(requests == 0);
    }
    allowed = 1'000'000;
    CHECK(caller.call(server.url(), patience, std::string(3'000'000, 'x'))->body == "ok");
    CHECK(requests == 1);
    asked = 0;
    allowed = 1;
    problem(caller.call(server.url()), Code::unavailable);
    CHECK(requests == 1);
}

TEST_CASE("http client: what may not be sent once more may have arrived", "[connectors]") {
    const MisbehavingServer server([](Peer& peer, int) {
        peer.read_request();
        peer.write(answer("ok"));
        peer.read_request();
    });
    int asked = 0;
    int allowed = 1'000;
    HttpClientOptions options;
    options.may_send = [&] { return asked++ < allowed; };
    Caller caller(options);
    CHECK(caller.call(server.url()));
    asked = 0;
    allowed = 2;
    problem(caller.call(server.url()), Code::outcome_unknown);
}

TEST_CASE("http client: requests may be given from any thread", "[connectors]") {
    const MisbehavingServer server(polite);
    boost::asio::io_context network;
    HttpClient client(network, {});
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&] {
            for (int number = 0; number < 10; ++number) {
                HttpRequest request;
                request.url = server.url();
                client.send(std::move(request), patience, [&](Answer answer) { good += answer ? 1 : 0; });
            }
        });
    for (auto& thread : threads) thread.join();
    while (good < 40 && network.run_one_for(patience) > 0) {
    }
    CHECK(good == 40);
    client.stop();
    network.run_for(patience);
}

TEST_CASE("http client: kept connections are closed when they have been idle", "[connectors]") {
    std::mutex mutex;
    std::condition_variable changed;
    bool closed = false;
    const MisbehavingServer server([&](Peer& peer, int) {
        polite(peer, 0);
        const std::lock_guard lock(mutex);
        closed = true;
        changed.notify_all();
    });
    HttpClientOptions options;
    options.idle_timeout = std::chrono::milliseconds(50);
    Caller caller(options);
    CHECK(caller.call(server.url()));
    caller.turn([&] {
        const std::lock_guard lock(mutex);
        return closed;
    });
}

TEST_CASE("http client: TLS needs a certificate that is trusted, valid and the host's", "[connectors]") {
    const auto trusted = make_certificate("localhost", -3600, 3600);
    const auto expired = make_certificate("localhost", -7200, -3600);
    const auto foreign = make_certificate("elsewhere.example", -3600, 3600);
    const auto call = [](const Certificate& shown, const Certificate& known, const std::string& host) {
        const MisbehavingServer server(polite, shown.certificate, shown.key);
        char path[] = "/tmp/signalbox-ca-XXXXXX";
        const int file = ::mkstemp(path);
        REQUIRE(file >= 0);
        ::close(file);
        std::ofstream(path) << known.certificate;
        HttpClientOptions options;
        options.ca_file = path;
        Caller caller(options);
        auto answer = caller.call("https://" + host + ":" + std::to_string(server.port()) + "/");
        if (answer) answer = caller.call("https://" + host + ":" + std::to_string(server.port()) + "/");
        CHECK(server.connections() <= 1);
        std::remove(path);
        return answer;
    };
    const auto good = call(trusted, trusted, "localhost");
    INFO((good ? "" : good.error().message));
    REQUIRE(good);
    CHECK(good->body == "ok");
    CHECK_THAT(problem(call(trusted, foreign, "localhost"), Code::unavailable), Catch::Contains("TLS"));
    CHECK_THAT(problem(call(expired, expired, "localhost"), Code::unavailable), Catch::Contains("TLS"));
    CHECK_THAT(problem(call(foreign, foreign, "localhost"), Code::unavailable), Catch::Contains("TLS"));
    CHECK_THAT(problem(call(trusted, trusted, "127.0.0.1"), Code::unavailable), Catch::Contains("TLS"));
}

TEST_CASE("http client: certificates that cannot be read stop TLS, not HTTP", "[connectors]") {
    const MisbehavingServer server(polite);
    HttpClientOptions options;
    options.ca_file = "/nowhere/ca.pem";
    Caller caller(options);
    CHECK(caller.call(server.url()));
    CHECK_THAT(problem(caller.call("https://127.0.0.1:9/"), Code::unavailable),
               Catch::Contains("certificates"));
}

}  // namespace http_client_test
