#include "connectors/kit/address.h"

#include "connectors/kit/form.h"
#include "connectors/kit/url.h"
#include "tests/unit/connectors/support.h"

namespace address_test {

using namespace connectors;

namespace {

bool may(const char* text, bool allow_private) {
    const auto address = parse_address(text);
    INFO(text);
    REQUIRE(address);
    return may_connect(*address, allow_private);
}

}  // namespace

TEST_CASE("address: only strict texts are addresses", "[connectors]") {
    for (const auto* text : {"0", "127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "1.2.3.4.5", "1.2.3",
                             "::1%lo", "localhost", "", "[::1]", "1.2.3.256"})
        CHECK_FALSE(parse_address(text));
    CHECK(parse_address("::ffff:127.0.0.1") == parse_address("127.0.0.1"));
}

TEST_CASE("address: link-local, unspecified and multicast are never called, however they are written",
          "[connectors]") {
    for (const auto* text :
         {"169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
          "::169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"}) {
        CHECK_FALSE(may(text, true));
        CHECK_FALSE(may(text, false));
    }
}

TEST_CASE("address: private networks are called only where that is allowed", "[connectors]") {
    for (const auto* text :
         {"127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "198.18.0.1",
          "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"}) {
        CHECK(may(text, true));
        CHECK_FALSE(may(text, false));
    }
    for (const auto* text : {"93.184.216.34", "2606:2800:220:1::1", "172.32.0.1", "64:ff9b::5db8:d822"})
        CHECK(may(text, false));
}

TEST_CASE("address: a network holds its addresses", "[connectors]") {
    const auto network = parse_network("192.0.2.0/25");
    REQUIRE(network);
    CHECK(contains(*network, *parse_address("192.0.2.127")));
    CHECK_FALSE(contains(*network, *parse_address("192.0.2.128")));
    CHECK(contains(*parse_network("0.0.0.0/0"), *parse_address("8.8.8.8")));
    CHECK_FALSE(contains(*parse_network("0.0.0.0/0"), *parse_address("2001:db9::1")));
    CHECK(contains(*parse_network("2001:db8::/32"), *parse_address("2001:db8::5")));
    CHECK(contains(*parse_network("192.0.2.7"), *parse_address("192.0.2.7")));
    for (const auto* text :
         {"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "2001:db8::/129", "x/8", "1.2.3.4/8x"})
        CHECK_FALSE(parse_network(text));
}

TEST_CASE("url: a URL is read strictly, so that what is checked is what is called", "[connectors]") {
    const auto url = parse_url("HTTPS://Hooks.Example.com:8443/a/b?c=d");
    REQUIRE(url);
    CHECK(url->scheme == "https");
    CHECK(url->host == "hooks.example.com");
    CHECK(url->port == 8443);
    CHECK(url->target == "/a/b?c=d");
    CHECK(authority_of(*url) == "hooks.example.com:8443");
    CHECK(parse_url("http://h?x")->target == "/?x");
    CHECK(authority_of(*parse_url("http://h:80/")) == "h");
    CHECK(authority_of(*parse_url("http://[2001:db8::1]:81/")) == "[2001:db8::1]:81");
    for (const auto* text : {"",
                             "h",
                             "file:///etc/passwd",
                             "gopher://h",
                             "http://",
                             "http:///x",
                             "http://a@h/",
                             "http://h:0/",
                             "http://h:65536/",
                             "http://h:x/",
                             "http://h/#f",
                             "http://h/a b",
                             "http://h/\r\nX: y",
                             "http://h\\x/",
                             "http://[fe80::1%eth0]/",
                             "http://[::1/",
                             "http://[::1]x/",
                             "http://h%2e/",
                             "http://h\xC3\xA9/",
                             "//h/"})
        CHECK_FALSE(parse_url(text));
}

TEST_CASE("form: fields are read and written with their escapes", "[connectors]") {
    const auto fields = parse_form("a=1&b=x+y%2Fz&&c&a=2");
    REQUIRE(fields);
    CHECK(*fields == Fields{{"a", "1"}, {"b", "x y/z"}, {"c", ""}, {"a", "2"}});
    CHECK(write_form({{"k[m]", "ä &="}}) == "k%5Bm%5D=%C3%A4%20%26%3D");
    CHECK_FALSE(parse_form("a=%"));
    CHECK_FALSE(parse_form("a=%2"));
    CHECK_FALSE(parse_form("a=%zz"));
    std::string many;
    for (int field = 0; field < 1001; ++field) many += "a=1&";
    CHECK(parse_form(many).error().code == engine::Code::exhausted);
    CHECK(query_of("/p?a=b#c") == "a=b");
    CHECK(query_of("/p").empty());
    CHECK(same_name("X-Key", "x-kEY"));
    CHECK_FALSE(same_name("X-Key", "X-Keys"));
}

}  // namespace address_test
