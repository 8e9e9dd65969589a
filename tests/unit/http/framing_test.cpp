#include "engine/http/framing.h"

#include <random>

#include "engine/http/chunked.h"
#include "tests/support/catch.h"

namespace framing_test {

using namespace engine::http;

namespace {

constexpr auto simple = "POST /v1/acme/events?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";

/// The code of the refusal, or "" when the head passes.
std::string verdict(std::string_view bytes, RequestHead& head, const FramingLimits& limits = {}) {
    HeadFinder finder(limits);
    const auto found = finder.look(bytes);
    if (const auto* refusal = std::get_if<Refusal>(&found)) return std::string(refusal->code);
    if (std::holds_alternative<HeadFinder::NeedMore>(found)) return "need-more";
    const auto length = std::get<HeadFinder::Found>(found).length;
    const auto parsed = parse_head(bytes.substr(0, length), limits, head);
    if (const auto* refusal = std::get_if<Refusal>(&parsed)) return std::string(refusal->code);
    return "";
}

std::string verdict(std::string_view bytes) {
    RequestHead head;
    return verdict(bytes, head);
}

std::string with(std::string_view header) {
    return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(header) + "\r\n\r\n";
}

/// Feeds the bytes in portions of the sizes that `next` draws.
template <class Next>
std::string read_chunked(std::string_view bytes, Next next, std::string& body, std::size_t& used,
                         ChunkedLimits limits = {}) {
    ChunkedReader reader(limits);
    used = 0;
    while (!bytes.empty() && !reader.done()) {
        const auto part = bytes.substr(0, next());
        const auto taken = reader.take(part, body);
        if (const auto* refusal = std::get_if<Refusal>(&taken)) return std::string(refusal->code);
        used += std::get<std::size_t>(taken);
        bytes.remove_prefix(part.size());
    }
    return reader.done() ? "" : "need-more";
}

std::string read_chunked(std::string_view bytes, std::string& body, ChunkedLimits limits = {}) {
    std::size_t used = 0;
    return read_chunked(
        bytes, [&] { return bytes.size(); }, body, used, limits);
}

std::string chunked_verdict(std::string_view bytes) {
    std::string body;
    return read_chunked(bytes, body);
}

}  // namespace

TEST_CASE("framing: a plain request is taken apart", "[http]") {
    RequestHead head;
    REQUIRE(verdict(simple, head) == "");
    CHECK(head.method == "POST");
    CHECK(head.target == "/v1/acme/events?x=1");
    CHECK(head.path == "/v1/acme/events");
    CHECK(head.query == "x=1");
    CHECK(head.body.length == 5);
    CHECK_FALSE(head.body.chunked);
    CHECK(head.keep_alive);
    CHECK(head.header("HOST") == "a");
    CHECK_FALSE(head.header("nothing"));
}

TEST_CASE("framing: values are trimmed, and one head leaves nothing behind for the next", "[http]") {
    RequestHead head;
    const auto bytes =
        with("X-A: \t some value \t\r\nConnection: keep-alive, Close\r\nTransfer-Encoding: CHUNKED");
    REQUIRE(verdict(bytes, head) == "");
    CHECK(head.header("x-a") == "some value");
    CHECK_FALSE(head.keep_alive);
    CHECK(head.body.chunked);
    REQUIRE(verdict("GET /a HTTP/1.1\r\nHost: b\r\n\r\n", head) == "");
    CHECK(head.keep_alive);
    CHECK_FALSE(head.body.has_body());
    CHECK(head.headers.size() == 1);
}

TEST_CASE("framing: HTTP/1.0 needs no Host and does not stay open", "[http]") {
    RequestHead head;
    REQUIRE(verdict("GET / HTTP/1.0\r\n\r\n", head) == "");
    CHECK(head.minor == 0);
    CHECK_FALSE(head.keep_alive);
}

TEST_CASE("framing: an expectation is only understood when it is 100-continue", "[http]") {
    RequestHead head;
    REQUIRE(verdict(with("Expect: 100-Continue"), head) == "");
    CHECK(head.expects_continue);
    CHECK(verdict(with("Expect: 200-ok")) == "unknown-expectation");
}

TEST_CASE("framing: what two programs could read differently is refused", "[http]") {
    CHECK(verdict(with("Transfer-Encoding: xchunked")) == "unknown-coding");
    CHECK(verdict(with("Transfer-Encoding: identity")) == "unknown-coding");
    CHECK(verdict(with("Transfer-Encoding: chunked, identity")) == "unknown-coding");
    CHECK(verdict(with("Transfer-Encoding: gzip, chunked")) == "unknown-coding");
    CHECK(verdict(with("Transfer-Encoding: \"chunked\"")) == "unknown-coding");
    CHECK(verdict(with("Transfer-Encoding:")) == "unknown-coding");
    CHECK(verdict(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")) == "repeated-coding");
    CHECK(verdict(with("Transfer-Encoding: chunked\r\nContent-Length: 3")) == "length-and-coding");
    CHECK(verdict(with("Content-Length: 3\r\nContent-Length: 3")) == "repeated-length");
    CHECK(verdict(with("Content-Length: 3, 3")) == "bad-length");
    CHECK(verdict(with("Content-Length: +3")) == "bad-length");
    CHECK(verdict(with("Content-Length: -3")) == "bad-length");
    CHECK(verdict(with("Content-Length: 0x3")) == "bad-length");
    CHECK(verdict(with("Content-Length: 3 3")) == "bad-length");
    CHECK(verdict(with("Content-Length:")) == "bad-length");
    CHECK(verdict(with("Content-Length: 99999999999999999999")) == "bad-length");
    CHECK(verdict(with("Host: b")) == "repeated-host");
    CHECK(verdict(with("Authorization: Bearer a\r\nAuthorization: Bearer b")) == "repeated-key");
    CHECK(verdict(with("Content-Type: a/b\r\ncontent-type: a/b")) == "repeated-type");
    CHECK(verdict("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == "coding-on-1.0");
}

TEST_CASE("framing: lines and names must be as the grammar has them", "[http]") {
    CHECK(verdict("GET / HTTP/1.1\r\n\r\n") == "no-host");
    CHECK(verdict("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") == "bad-host");
    CHECK(verdict("GET / HTTP/1.1\r\nHost: evil@a\r\n\r\n") == "bad-host");
    CHECK(verdict(with("X: 1\r\n folded: 2")) == "folded-header");
    CHECK(verdict("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == "folded-header");
    CHECK(verdict(with("X : 1")) == "bad-header");
    CHECK(verdict(with("X\t: 1")) == "bad-header");
    CHECK(verdict(with("no colon")) == "bad-header");
    CHECK(verdict(with(": nameless")) == "bad-header");
    CHECK(verdict(with("X(y): 1")) == "bad-header");
    CHECK(verdict("GET / HTTP/1.1\nHost: a\r\n\r\n") == "bare-lf");
    CHECK(verdict("GET / HTTP/1.1\r\nHost: a\n\n") == "bare-lf");
    CHECK(verdict(with("X: a\rb")) == "control-character");
    CHECK(verdict(with(std::string("X: a\0b", 6))) == "control-character");
    CHECK(verdict(with("X: \x1b[31m")) == "control-character");
    CHECK(verdict(with("X: a\x7f")) == "control-character");
    CHECK(verdict("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == "bad-request-line");
}

TEST_CASE("framing: the request line must be method, path and a version we speak", "[http]") {
    const auto line = [](const std::string& text) { return verdict(text + "\r\nHost: a\r\n\r\n"); };
    CHECK(line("GET /") == "bad-request-line");
    CHECK(line("GET  / HTTP/1.1") == "bad-target");
    CHECK(line("GET / x HTTP/1.1") == "bad-target");
    CHECK(line("GET / HTTP/1.1 ") == "bad-request-line");
    CHECK(line(" GET / HTTP/1.1") == "bad-method");
    CHECK(line("G<T / HTTP/1.1") == "bad-method");
    CHECK(line("GET / HTTP/2.0") == "unknown-version");
    CHECK(line("GET / HTTP/1.2") == "unknown-version");
    CHECK(line("GET / HTTP/0.9") == "unknown-version");
    CHECK(line("GET / http/1.1") == "bad-request-line");
    CHECK(line("GET / HTTP/1.10") == "bad-request-line");
    CHECK(line("GET http://a/ HTTP/1.1") == "bad-target");
    CHECK(line("GET a/b HTTP/1.1") == "bad-target");
    CHECK(line("CONNECT a:443 HTTP/1.1") == "bad-target");
    CHECK(line("GET * HTTP/1.1") == "bad-target");
    CHECK(line("OPTIONS * HTTP/1.1") == "");
    CHECK(line("GET /#x HTTP/1.1") == "bad-target");
    CHECK(line("GET /\xc3\xa9 HTTP/1.1") == "bad-target");
}

TEST_CASE("framing: everything has a limit", "[http]") {
    const std::string many(9000, 'a');
    CHECK(verdict("GET /" + many) == "target-too-long");
    CHECK(verdict("GET /" + many.substr(0, 4096) + " HTTP/1.1\r\nHost: a\r\n\r\n") == "target-too-long");
    CHECK(verdict("GET /" + many.substr(0, 4095) + " HTTP/1.1\r\nHost: a\r\n\r\n") == "");
    CHECK(verdict(with("X: " + many)) == "header-too-long");
    CHECK(verdict(with("X: " + many.substr(0, 8189))) == "");
    CHECK(verdict(with("X: " + many.substr(0, 8190))) == "header-too-long");
    std::string headers;
    for (int i = 0; i < 99; ++i) headers += "X" + std::to_string(i) + ": 1\r\n";
    CHECK(verdict("GET / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n") == "");
    CHECK(verdict("GET / HTTP/1.1\r\nHost: a\r\n" + headers + "Y: 1\r\n\r\n") == "too-many-headers");
    std::string large;
    for (int i = 0; i < 9; ++i) large += "X: " + many.substr(0, 8000) + "\r\n";
    CHECK(verdict("GET / HTTP/1.1\r\nHost: a\r\n" + large) == "head-too-long");
}

TEST_CASE("framing: a head is judged the same however it is cut into portions", "[http]") {
    const std::string text = simple;
    const FramingLimits limits;
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
        HeadFinder finder(limits);
        CHECK(std::holds_alternative<HeadFinder::NeedMore>(finder.look(text.substr(0, cut))));
        const auto found = finder.look(text + "GET /next");
        REQUIRE(std::holds_alternative<HeadFinder::Found>(found));
        CHECK(std::get<HeadFinder::Found>(found).length == text.size());
    }
}

TEST_CASE("framing: no bytes crash the gate, and what passes is a head of tokens", "[http]") {
    const unsigned seed = 20260504;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const std::string letters =
        std::string("GET / HTTP/1.1\r\nHost: Content-Length0123chunked,;\t\"%\x80", 50) + '\0';
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes = round % 2 ? simple : "";
        for (int i = 0; i < 40; ++i) {
            const auto at = bytes.empty() ? 0 : random() % bytes.size();
            bytes.insert(at, 1, letters[random() % letters.size()]);
        }
        RequestHead head;
        bytes += "\r\n\r\n";
        if (verdict(bytes, head) == "") {
            CHECK(head.target.find_first_of(" \r\n") == std::string_view::npos);
            CHECK_FALSE((head.body.chunked && head.body.length > 0));
        }
    }
}

TEST_CASE("chunked: data comes out, extensions and trailers do not", "[http]") {
    std::string body;
    CHECK(read_chunked("5;ext=\"1\"\r\nhello\r\n1\r\n!\r\n0\r\nX-Tenant: evil\r\n\r\n", body) == "");
    CHECK(body == "hello!");
}

TEST_CASE("chunked: the body ends where it ends, whatever follows", "[http]") {
    const std::string_view bytes = "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
    std::string body;
    std::size_t used = 0;
    CHECK(read_chunked(
              bytes, [&] { return bytes.size(); }, body, used) == "");
    CHECK(bytes.substr(used) == "GET / HTTP/1.1\r\n");
}

TEST_CASE("chunked: what is no chunk is refused", "[http]") {
    CHECK(chunked_verdict("x\r\n") == "bad-chunk");
    CHECK(chunked_verdict("\r\n") == "bad-chunk");
    CHECK(chunked_verdict("-1\r\n") == "bad-chunk");
    CHECK(chunked_verdict("+1\r\na\r\n") == "bad-chunk");
    CHECK(chunked_verdict("0x1\r\na\r\n") == "bad-chunk");
    CHECK(chunked_verdict("1 \r\na\r\n") == "bad-chunk");
    CHECK(chunked_verdict(" 1\r\na\r\n") == "bad-chunk");
    CHECK(chunked_verdict("1\na\r\n") == "bad-chunk");
    CHECK(chunked_verdict("1\r\nab\r\n") == "bad-chunk");
    CHECK(chunked_verdict("1\r\na\n0\r\n\r\n") == "bad-chunk");
    CHECK(chunked_verdict("1;a\x01\r\na\r\n") == "bad-chunk");
    CHECK(chunked_verdict("000000001\r\na\r\n") == "bad-chunk");
    CHECK(chunked_verdict("1;" + std::string(300, 'e') + "\r\na\r\n") == "bad-chunk");
    CHECK(chunked_verdict("0\r\nno colon\r\n\r\n") == "bad-chunk");
    CHECK(chunked_verdict("0\r\n folded: x\r\n\r\n") == "bad-chunk");
    CHECK(chunked_verdict("0\r\nX: 1\n\r\n") == "bad-chunk");
    CHECK(chunked_verdict("FFFFFFFF\r\n") == "body-too-large");
    std::string trailers = "0\r\n";
    for (int i = 0; i < 900; ++i) trailers += "X-A: 12345\r\n";
    CHECK(chunked_verdict(trailers + "\r\n") == "trailer-too-long");
}

TEST_CASE("chunked: the limit is the sum of all chunks", "[http]") {
    std::string body;
    CHECK(read_chunked("4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n", body, {.body_bytes_max = 8}) == "");
    body.clear();
    CHECK(read_chunked("4\r\nabcd\r\n5\r\nefghi\r\n0\r\n\r\n", body, {.body_bytes_max = 8}) ==
          "body-too-large");
}

TEST_CASE("chunked: a body is read the same however it is cut into portions", "[http]") {
    const unsigned seed = 7;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 500; ++round) {
        std::string data, bytes;
        for (unsigned chunk = random() % 5; chunk > 0; --chunk) {
            const std::string part(1 + random() % 40, static_cast<char>('a' + chunk));
            char size[16];
            std::snprintf(size, sizeof size, "%zx", part.size());
            bytes += std::string(size) + (random() % 2 ? ";e=1" : "") + "\r\n" + part + "\r\n";
            data += part;
        }
        bytes += random() % 2 ? "0\r\n\r\n" : "0\r\nA: b\r\nC: d\r\n\r\n";
        std::string body;
        std::size_t used = 0;
        CHECK(read_chunked(
                  bytes, [&] { return 1 + random() % 7; }, body, used) == "");
        CHECK(body == data);
        CHECK(used == bytes.size());
    }
}

}  // namespace framing_test
