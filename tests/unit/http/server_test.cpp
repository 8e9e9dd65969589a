/// Deadlines, caps and the graceful stop of the server.

#include "tests/support/catch.h"
#include "tests/unit/http/running.h"

namespace server_test {

using namespace http_test;
using namespace std::chrono_literals;

namespace {

Options quick() {
    Options options;
    options.server.head_deadline = 60ms;
    options.server.body_deadline = 60ms;
    options.server.idle_deadline = 60ms;
    options.server.answer_deadline = 60ms;
    options.server.linger_deadline = 50ms;
    return options;
}

std::string head_of(const std::string& request) {
    return request.substr(0, request.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("server: a head that does not end in time is a 408", "[http]") {
    Running running(quick());
    Client client(running);
    const auto reply = client.ask("GET /livez HTTP/1.1\r\nHost: a\r\nX: slow");
    CHECK(reply.status == 408);
    CHECK(reply.is_problem());
    CHECK(client.is_closed());
}

TEST_CASE("server: a connection that says nothing is closed without a word", "[http]") {
    Running running(quick());
    Client client(running);
    CHECK(client.is_closed());
}

TEST_CASE("server: a connection that says nothing more is closed without a word", "[http]") {
    Running running(quick());
    Client client(running);
    CHECK(client.ask(request("GET", "/livez")).status == 200);
    CHECK(client.is_closed());
}

TEST_CASE("server: a body that does not end in time is a 408 and nothing is submitted", "[http]") {
    Running running(quick());
    const auto whole = post_event(running.key, cloud_event("slow"));
    Client client(running);
    const auto reply = client.ask(whole.substr(0, whole.size() - 1));
    CHECK(reply.status == 408);
    CHECK(reply.code() == "body-timeout");
    CHECK(client.is_closed());
    CHECK(running.door.submitted().empty());
}

TEST_CASE("server: a body that trickles is given up before its deadline", "[http]") {
    Options options;
    options.server.linger_deadline = 20ms;
    options.server.body_grace = 20ms;
    options.server.body_bytes_per_second_min = 1'000'000;
    Running running(options);
    Client client(running);
    CHECK(client.ask(head_of(post_event(running.key, std::string(5000, ' ')))).status == 408);
}

TEST_CASE("server: a client that does not take its answer is given up", "[http]") {
    Options options;
    options.server.write_deadline = 60ms;
    Running running(options);
    running.door.on_engine([&] {
        engine::JournalRecord record;
        record.tenant = engine::TenantName("acme");
        record.stream = "p0";
        record.seq = 1;
        std::string text(32'000'002, 'x');
        text.front() = text.back() = '"';
        record.body = std::move(text);
        running.door.store.records.push_back(record);
    });
    Client client(running);
    client.send(authorised("GET", "/v1/acme/journal?stream=p0", running.key));
    Client other(running);
    CHECK(other.ask(request("GET", "/livez")).status == 200);
    running.stop(10s);
    running.wait_until_stopped();
    // What the system had buffered comes, the whole answer does not.
    CHECK(client.rest().size() < 32'000'000);
}

TEST_CASE("server: an engine that does not answer in time is a 503 and its late answer is dropped",
          "[http]") {
    Running running(quick());
    running.door.hold();
    Client client(running);
    const auto reply = client.ask(post_event(running.key, cloud_event("stuck")));
    CHECK(reply.status == 503);
    CHECK(reply.code() == "outcome-unknown");
    CHECK_FALSE(reply.header("retry-after").empty());
    running.door.release();
    running.door.on_engine([] {});
    const auto next = client.ask(request("GET", "/livez"));
    CHECK((next.status == 200 || next.status == 0));
}

TEST_CASE("server: a client that went away meanwhile harms nobody", "[http]") {
    Running running;
    running.door.hold();
    {
        Client client(running);
        client.send(post_event(running.key, cloud_event("gone")));
        running.door.wait_for_events(1);
    }
    running.door.release();
    Client other(running);
    CHECK(other.ask(request("GET", "/livez")).status == 200);
}

TEST_CASE("server: who stops sending after the request still gets the answer", "[http]") {
    Running running;
    Client client(running);
    client.send(post_event(running.key, cloud_event("half")));
    client.shut_down_sending();
    CHECK(client.read().status == 202);
    CHECK(client.is_closed());
}

TEST_CASE("server: at the limit the connection that waits longest makes room", "[http]") {
    Options options;
    options.server.connections_max = 3;
    Running running(options);
    Client oldest(running), second(running), third(running);
    for (auto* client : {&oldest, &second, &third})
        CHECK(client->ask(request("GET", "/livez")).status == 200);
    Client newcomer(running);
    CHECK(newcomer.ask(request("GET", "/livez")).status == 200);
    CHECK(oldest.is_closed());
    CHECK(second.ask(request("GET", "/livez")).status == 200);
}

TEST_CASE("server: connections at work are not given up for newcomers", "[http]") {
    Options options;
    options.server.connections_per_address_max = 2;
    Running running(options);
    running.door.hold();
    Client first(running), second(running);
    first.send(post_event(running.key, cloud_event("1")));
    second.send(post_event(running.key, cloud_event("2")));
    running.door.wait_for_events(2);
    Client newcomer(running);
    const auto reply = newcomer.read();
    CHECK(reply.status == 503);
    CHECK(reply.is_problem());
    CHECK_FALSE(reply.header("retry-after").empty());
    CHECK(newcomer.is_closed());
    running.door.release();
    CHECK(first.read().status == 202);
    CHECK(second.read().status == 202);
}

TEST_CASE("server: who sends too much is told so, not cut off while sending", "[http]") {
    Running running;
    Client client(running);
    client.send(head_of(post_event(running.key, std::string(1'500'000, ' '))));
    for (int part = 0; part < 15; ++part) {
        REQUIRE(client.send(std::string(100'000, ' ')));
        std::this_thread::sleep_for(2ms);
    }
    const auto reply = client.read();
    CHECK(reply.status == 413);
    CHECK(reply.code() == "body-too-large");
    CHECK(client.is_closed());
}

TEST_CASE("server: bodies together have a limit too", "[http]") {
    Options options;
    options.server.bodies_bytes_max = 100'000;
    Running running(options);
    auto head = head_of(post_event(running.key, std::string(90'000, ' ')));
    head.insert(head.find("\r\n") + 2, "Expect: 100-continue\r\n");
    Client first(running);
    // Told to go on, it has its room.
    REQUIRE(first.ask(head).status == 100);
    Client second(running);
    auto other = head_of(post_event(running.key, std::string(50'000, ' ')));
    other.insert(other.find("\r\n") + 2, "Expect: 100-continue\r\n");
    const auto reply = second.ask(other);
    CHECK(reply.status == 503);
    CHECK(reply.code() == "no-room");
    Client third(running);
    CHECK(third.ask(post_event(running.key, std::string(5'000, ' '))).status == 400);
    CHECK(third.ask(request("GET", "/livez")).status == 200);
    CHECK(first.ask(std::string(90'000, ' ')).status == 400);
    Client fourth(running);
    CHECK(fourth.ask(post_event(running.key, std::string(50'000, ' '))).status == 400);
}

TEST_CASE("server: a graceful stop ends what is in flight and takes nothing new", "[http]") {
    Running running;
    running.door.hold();
    Client busy(running), idle(running);
    CHECK(idle.ask(request("GET", "/livez")).status == 200);
    busy.send(post_event(running.key, cloud_event("in-flight")));
    running.door.wait_for_events(1);

    running.stop(10s);
    CHECK(idle.is_closed());
    running.door.release();
    const auto reply = busy.read();
    CHECK(reply.status == 202);
    CHECK(reply.header("connection") == "close");
    CHECK(busy.is_closed());
    running.wait_until_stopped();
    CHECK_THROWS(Client(running));
}

TEST_CASE("server: a request that is half here when the stop comes is still answered", "[http]") {
    Running running;
    const auto whole = post_event(running.key, cloud_event("half"));
    Client client(running);
    client.send(request("GET", "/livez") + whole.substr(0, 20));
    CHECK(client.read().status == 200);
    running.stop(10s);
    CHECK(client.ask(whole.substr(20)).status == 202);
    running.wait_until_stopped();
}

TEST_CASE("server: a stop does not wait longer than its deadline", "[http]") {
    Running running;
    running.door.hold();
    Client busy(running);
    busy.send(post_event(running.key, cloud_event("stuck")));
    running.door.wait_for_events(1);
    running.stop(50ms);
    running.wait_until_stopped();
    CHECK(busy.is_closed());
}

TEST_CASE("server: an address that is taken or none is an error, not a crash", "[http]") {
    Running running;
    boost::asio::io_context network;
    TestClock clock;
    engine::http::Metrics metrics;
    FakeDoor door;
    engine::http::Api api(door, clock, metrics, [](std::function<void()>) {});
    engine::http::ServerOptions options;
    options.address = "localhost";
    CHECK(engine::http::Server::open(network, api, metrics, clock, options).error().code ==
          engine::Code::invalid_input);
    options.address = "127.0.0.1";
    options.port = running.port();
    CHECK(engine::http::Server::open(network, api, metrics, clock, options).error().code ==
          engine::Code::unavailable);
}

}  // namespace server_test
