/// Wire abuse against a running server: every probe is followed by a good request that must not be executed.

#include <random>

#include "tests/support/catch.h"
#include "tests/unit/http/running.h"

namespace probes_test {

using namespace http_test;

namespace {

struct Probe {
    const char* name;
    std::string bytes;
    int status;
};

std::string head(const std::string& lines) {
    return "POST /v1/acme/events HTTP/1.1\r\n" + lines + "\r\n";
}

std::string host(const std::string& lines) {
    return head("Host: localhost\r\n" + lines);
}

/// A probe that gets past the head shows the key, so that only its framing stands between it and the engine.
std::string keyed(const std::string& key, const std::string& lines, const std::string& body) {
    return host("Authorization: Bearer " + key + "\r\nContent-Type: application/cloudevents+json\r\n" +
                lines) +
           body;
}

std::vector<Probe> head_probes() {
    const std::string long_text(9000, 'a');
    std::string headers;
    for (int i = 0; i < 101; ++i) headers += "X-" + std::to_string(i) + ": 1\r\n";
    std::string fat;
    for (int i = 0; i < 9; ++i) fat += "X: " + long_text.substr(0, 8000) + "\r\n";
    return {
        {"unknown coding", host("Transfer-Encoding: xchunked\r\n") + "0\r\n\r\n", 400},
        {"identity coding", host("Transfer-Encoding: identity\r\n"), 400},
        {"chunked, identity", host("Transfer-Encoding: chunked, identity\r\n") + "0\r\n\r\n", 400},
        {"gzip, chunked", host("Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n", 400},
        {"coding with a parameter", host("Transfer-Encoding: chunked;q=1\r\n") + "0\r\n\r\n", 400},
        {"coding twice", host("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") + "0\r\n\r\n",
         400},
        {"coding on 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"length and coding", host("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400},
        {"coding and length", host("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + "0\r\n\r\n", 400},
        {"two equal lengths", host("Content-Length: 2\r\nContent-Length: 2\r\n") + "{}", 400},
        {"two lengths", host("Content-Length: 2\r\nContent-Length: 3\r\n") + "{}", 400},
        {"a list of lengths", host("Content-Length: 2, 2\r\n") + "{}", 400},
        {"a signed length", host("Content-Length: +2\r\n") + "{}", 400},
        {"a negative length", host("Content-Length: -2\r\n") + "{}", 400},
        {"a hexadecimal length", host("Content-Length: 0x2\r\n") + "{}", 400},
        {"an endless length", host("Content-Length: 18446744073709551617\r\n") + "{}", 400},
        {"an empty length", host("Content-Length: \r\n"), 400},
        {"no host", head(""), 400},
        {"two hosts", head("Host: a\r\nHost: b\r\n"), 400},
        {"two equal hosts", head("Host: a\r\nHost: a\r\n"), 400},
        {"a host with user", head("Host: a@b\r\n"), 400},
        {"a host with path", head("Host: a/b\r\n"), 400},
        {"a folded header", host("X: a\r\n b\r\n"), 400},
        {"a folded coding", host("Transfer-Encoding:\r\n chunked\r\n") + "0\r\n\r\n", 400},
        {"a first line that is folded", "GET /livez HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"a space before the colon", host("Content-Length : 2\r\n") + "{}", 400},
        {"a tab before the colon", host("Transfer-Encoding\t: chunked\r\n") + "0\r\n\r\n", 400},
        {"a header without name", host(": x\r\n"), 400},
        {"a header without colon", host("X\r\n"), 400},
        {"a bare LF in the head", "GET /livez HTTP/1.1\nHost: a\r\n\r\n", 400},
        {"only bare LFs", "GET /livez HTTP/1.1\nHost: a\n\n", 400},
        {"a bare CR in a value", host("X: a\rY: b\r\n"), 400},
        {"NUL in a value", host(std::string("X: a\0b\r\n", 8)), 400},
        {"NUL in a name", host(std::string("X\0: a\r\n", 7)), 400},
        {"an escape in a value", host("X: \x1b[2J\r\n"), 400},
        {"a long header", host("X: " + long_text + "\r\n"), 431},
        {"too many headers", host(headers), 431},
        {"a fat head", host(fat), 431},
        {"a long target", "GET /" + long_text.substr(0, 4100) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
        {"an absolute target", "GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"a target with user", "GET http://a@localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"a tunnel", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"a space in the target", "GET /li vez HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a fragment", "GET /livez#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"HTTP/1.2", "GET /livez HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        {"no version", "GET /livez\r\nHost: a\r\n\r\n", 400},
        {"lower-case protocol", "GET /livez http/1.1\r\nHost: a\r\n\r\n", 400},
        {"a method with brackets", "G(T /livez HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"TLS on the plain port", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),
         400},
        {"an unknown expectation", host("Expect: miracles\r\nContent-Length: 2\r\n") + "{}", 417},
    };
}

std::vector<Probe> body_probes(const std::string& key) {
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    return {
        {"a chunk size with sign", keyed(key, chunked, "+2\r\n{}\r\n0\r\n\r\n"), 400},
        {"a chunk size with 0x", keyed(key, chunked, "0x2\r\n{}\r\n0\r\n\r\n"), 400},
        {"a chunk size with a space", keyed(key, chunked, "2 \r\n{}\r\n0\r\n\r\n"), 400},
        {"a chunk size that overflows", keyed(key, chunked, "10000000000000002\r\n{}\r\n0\r\n\r\n"), 400},
        {"a chunk longer than its size", keyed(key, chunked, "2\r\n{}}\r\n0\r\n\r\n"), 400},
        {"a chunk that ends in LF", keyed(key, chunked, "2\n{}\r\n0\r\n\r\n"), 400},
        {"a chunk with a long extension",
         keyed(key, chunked, "2;" + std::string(300, 'x') + "\r\n{}\r\n0\r\n\r\n"), 400},
        {"a huge extension", keyed(key, chunked, "2;" + std::string(100'000, 'x') + "\r\n{}\r\n0\r\n\r\n"),
         400},
        {"an extension with a control", keyed(key, chunked, "2;\x01\r\n{}\r\n0\r\n\r\n"), 400},
        {"a trailer without colon", keyed(key, chunked, "2\r\n{}\r\n0\r\nsmuggled\r\n\r\n"), 400},
        {"a folded trailer", keyed(key, chunked, "2\r\n{}\r\n0\r\n X: 1\r\n\r\n"), 400},
        {"a body larger than allowed", keyed(key, "Content-Length: 2000000\r\n", "{}"), 413},
        {"a chunk larger than allowed", keyed(key, chunked, "1E8480\r\n{}"), 413},
    };
}

/// The follow-up is good in every way: were it read as a request, it would be executed.
void check_refused(Running& running, const Probe& probe) {
    INFO(probe.name);
    Client client(running);
    client.send(probe.bytes + post_event(running.key, cloud_event("follow-up")));
    const auto reply = client.read();
    CHECK(reply.status == probe.status);
    CHECK(reply.is_problem());
    CHECK(reply.header("connection") == "close");
    CHECK(client.is_closed());
}

}  // namespace

TEST_CASE("wire: odd heads are refused and what follows them is never executed", "[http]") {
    Running running;
    for (const auto& probe : head_probes()) check_refused(running, probe);
    CHECK(running.door.submitted().empty());
}

TEST_CASE("wire: odd bodies are refused and what follows them is never executed", "[http]") {
    Running running;
    for (const auto& probe : body_probes(running.key)) check_refused(running, probe);
    CHECK(running.door.submitted().empty());
}

TEST_CASE("wire: requests in one packet are answered in order", "[http]") {
    Running running;
    Client client(running);
    client.send(post_event(running.key, cloud_event("one")) + request("GET", "/livez") +
                post_event(running.key, cloud_event("two")) + request("GET", "/nothing"));
    CHECK(client.read().json()["id"] == "one");
    CHECK(client.read().json()["status"] == "alive");
    CHECK(client.read().json()["id"] == "two");
    CHECK(client.read().status == 404);
    REQUIRE(running.door.submitted().size() == 2);
    CHECK(running.door.submitted()[0].id.text() == "one");
}

TEST_CASE("wire: legal oddities are served and the connection stays usable", "[http]") {
    Running running;
    const auto event = cloud_event("a");
    char size[16];
    std::snprintf(size, sizeof size, "%zX", event.size());
    const auto chunked =
        keyed(running.key, "Transfer-Encoding: Chunked\r\n",
              std::string(size) + ";ext=1\r\n" + event + "\r\n0\r\nX-Tenant: globex\r\n\r\n");
    for (const auto& bytes : {
             chunked,
             "\r\n" + request("GET", "/livez"),
             request("GET", "/livez", {{"X-Empty", ""}, {"X-Utf8", "\xc3\xa9"}, {"X-Tab", "a\tb"}}),
             request("GET", "/livez", {{"Content-Length", "0"}}),
             std::string("GET /livez HTTP/1.1\r\nhOST:localhost\r\n\r\n"),
             request("GET", "/livez", {{"Expect", "100-continue"}}),
         }) {
        INFO(bytes);
        Client client(running);
        client.send(bytes + request("GET", "/version"));
        CHECK(client.read().status / 100 == 2);
        CHECK(client.read().json()["name"] == "signalbox");
    }
}

TEST_CASE("wire: a request that comes byte by byte is the same request", "[http]") {
    Running running;
    Client client(running);
    for (const char byte : post_event(running.key, cloud_event("drop")))
        client.send(std::string_view(&byte, 1));
    CHECK(client.read().status == 202);
}

TEST_CASE("wire: HTTP/1.0 is answered and closed", "[http]") {
    Running running;
    Client client(running);
    const auto reply = client.ask("GET /livez HTTP/1.0\r\n\r\n");
    CHECK(reply.status == 200);
    CHECK(reply.header("connection") == "close");
    CHECK(client.is_closed());
}

TEST_CASE("wire: who asks for it is told to go on before the body is sent", "[http]") {
    Running running;
    const auto event = cloud_event("patient");
    const auto expecting = keyed(
        running.key, "Expect: 100-continue\r\nContent-Length: " + std::to_string(event.size()) + "\r\n", "");

    Client client(running);
    CHECK(client.ask(expecting).status == 100);
    CHECK(client.ask(event).status == 202);

    // Whoever may not send it is told so instead.
    Client stranger(running);
    auto wrong = expecting;
    wrong.replace(wrong.find("Bearer ") + 7, 4, "nope");
    CHECK(stranger.ask(wrong).status == 401);
    CHECK(stranger.is_closed());
}

TEST_CASE("wire: without a key the body is not read", "[http]") {
    Running running;
    Client client(running);
    const auto reply =
        client.ask(host("Content-Type: application/cloudevents+json\r\nContent-Length: 1000000\r\n"));
    CHECK(reply.status == 401);
    CHECK(reply.header("connection") == "close");
}

TEST_CASE("wire: answers carry the headers that keep browsers and caches away", "[http]") {
    Running running;
    Client client(running);
    for (const char* target : {"/livez", "/nothing", "/v1/acme/rules"}) {
        const auto reply = client.ask(request("GET", target, {{"X-Request-Id", "abc-1"}}));
        CHECK(reply.header("x-content-type-options") == "nosniff");
        CHECK(reply.header("cache-control") == "no-store");
        CHECK(reply.header("date") == "Mon, 04 May 2026 08:00:00 GMT");
        CHECK(reply.header("x-request-id") == "abc-1");
    }
    CHECK(client.ask(request("GET", "/livez", {{"X-Request-Id", "a b<script>"}}))
              .header("x-request-id")
              .empty());
}

TEST_CASE("wire: methods – HEAD as GET without body, OPTIONS, and 405 with what is allowed", "[http]") {
    Running running;
    Client client(running);
    const auto get = client.ask(request("GET", "/version"));
    const auto head_reply = client.ask(request("HEAD", "/version"), true);
    CHECK(head_reply.status == 200);
    CHECK(head_reply.header("content-length") == get.header("content-length"));

    const auto options = client.ask(request("OPTIONS", "/v1/acme/hooks/x"));
    CHECK(options.status == 204);
    CHECK(options.header("allow") == "POST, GET, HEAD, OPTIONS");
    CHECK(client.ask(request("OPTIONS", "*")).status == 204);

    for (const char* method : {"PUT", "DELETE", "PATCH", "TRACE", "get", "BREW"}) {
        const auto reply = client.ask(request(method, "/v1/acme/events"));
        CHECK(reply.status == 405);
        CHECK(reply.is_problem());
        CHECK(reply.header("allow") == "POST, OPTIONS");
    }
}

TEST_CASE("wire: paths are taken as they are written", "[http]") {
    Running running;
    Client client(running);
    for (const char* target :
         {"/", "//livez", "/livez/", "/LIVEZ", "/./livez", "/v1/../livez", "/livez;x", "/livez.", "/%6Civez",
          "/v1", "/v1/", "/v1/acme", "/v1//events", "/v1/acme/events/"}) {
        INFO(target);
        const auto reply = client.ask(request("GET", target));
        CHECK(reply.status == 404);
        CHECK(reply.is_problem());
    }
    for (const char* target : {"/v1/acme/decisions/%00", "/v1/acme/decisions/%zz", "/v1/acme/decisions/%ff"})
        CHECK(client.ask(authorised("GET", target, running.key)).status == 400);
}

TEST_CASE("wire: 10,000 broken bodies are 400s, 413s and 415s, and none reaches the engine", "[http]") {
    const unsigned seed = 20260504;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    Running running;
    Client client(running);
    const auto good = cloud_event("mutant");
    const auto replace = [&](const std::string& what, const std::string& by) {
        auto text = good;
        return text.replace(text.find(what), what.size(), by);
    };
    const std::vector<std::string> whole{
        "",
        "null",
        "[]",
        "\"text\"",
        "\xEF\xBB\xBF" + good,
        good + good,
        good + "]",
        std::string(100'000, '['),
        R"({"a":)" + std::string(100'000, '{'),
        replace("\"high\"", "1e400"),
        replace("\"high\"", "\"\\ud800\""),
        replace("\"high\"", "\"\xff\""),
        replace("\"high\"", "\"\xed\xa0\x80\""),
        replace("\"high\"", "NaN"),
        replace("\"high\"", "01"),
        replace("\"high\"", "'high'"),
        replace("\"high\"", std::string("\"a\0b\"", 5)),
        replace("\"1.0\"", "1.0"),
        replace("\"1.0\"", "\"0.3\""),
        replace("\"mutant\"", "\"\""),
        replace("\"mutant\"", "7"),
        replace("\"mutant\"", "null"),
        replace("\"mutant\"", "\"" + std::string(5000, 'x') + "\""),
        replace("ticket/INC45", "INC45"),
        replace("ticket/INC45", "Ticket/\\u0000"),
        replace("2026-05-04T08:00:00Z", "yesterday"),
        replace("\"source\"", "\"sauce\""),
        replace("{\"ticket\"", "[{\"ticket\""),
        "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":\"t\",\"subject\":\"ticket/"
        "1\",\"data\":7}",
    };
    const auto broken = [&](int i) {
        if (i % 3 == 0) return whole[random() % whole.size()];
        if (i % 3 == 1) return good.substr(0, random() % good.size());
        // A byte that JSON allows nowhere.
        auto body = good;
        return body.insert(random() % body.size(), 1, "\x01\x00\x1f\x80\xff"[random() % 5]);
    };
    // Many in one go: what is tested is what becomes of each, not how fast threads take turns.
    constexpr int at_once = 50;
    int wrong = 0;
    for (int i = 0; i < 10'000; i += at_once) {
        std::string requests =
            authorised("POST", "/v1/acme/events", running.key, {{"Content-Type", "text/xml"}}, good);
        for (int k = 1; k < at_once; ++k) requests += post_event(running.key, broken(i + k));
        client.send(requests);
        for (int k = 0; k < at_once; ++k) {
            const auto reply = client.read();
            if (reply.status / 100 != 4 || !reply.is_problem()) ++wrong;
        }
    }
    CHECK(wrong == 0);
    CHECK(running.door.submitted().empty());
    CHECK(client.ask(post_event(running.key, good)).status == 202);
}

}  // namespace probes_test
