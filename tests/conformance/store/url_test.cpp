#include "engine/store/url.h"

#include "tests/conformance/store/support.h"

namespace url_test {

using namespace engine;
using namespace store_tests;

TEST_CASE("store URL: SQLite's three forms name a file or memory", "[store]") {
    CHECK(need(parse_store_url("sqlite:///data/rel.db")).location == "data/rel.db");
    CHECK(need(parse_store_url("sqlite:////var/lib/abs.db")).location == "/var/lib/abs.db");
    CHECK(need(parse_store_url("sqlite:///a%20b.db")).location == "a%20b.db");
    CHECK(need(parse_store_url("sqlite::memory:")).in_memory());
    CHECK_FALSE(need(parse_store_url("sqlite:///memory")).in_memory());
}

TEST_CASE("store URL: a server's is kept whole", "[store]") {
    const auto url = need(parse_store_url("postgresql://app:secret@db/signalbox?sslmode=require"));
    CHECK(url.backend == StoreUrl::Backend::postgresql);
    CHECK(url.location == "postgresql://app:secret@db/signalbox?sslmode=require");
    CHECK(need(parse_store_url("postgres://db/x")).backend == StoreUrl::Backend::postgresql);
}

TEST_CASE("store URL: what is none is refused", "[store]") {
    const auto url = GENERATE(as<std::string>(), "", "store.db", "sqlite:", "sqlite:store.db",
                              "sqlite://store.db", "sqlite:///", "sqlite:///folder/",
                              "sqlite:///a.db?mode=ro", "mysql://x", "sqlite:///a\nb", "sqlite::memory:x");
    INFO(url);
    CHECK(parse_store_url(url).error().code == Code::invalid_input);
}

TEST_CASE("store URL: a refusal does not show a password", "[store]") {
    CHECK(parse_store_url("mysql://app:secret@db/x").error().message.find("secret") == std::string::npos);
}

TEST_CASE("partitions: a lane's is fixed for all time", "[store]") {
    CHECK(partition_of(acme, subject("ticket/INC45"), 16) == partition_of(acme, subject("ticket/INC45"), 16));
    // Computed apart: the first 8 bytes of SHA-256("acme" NUL subject), big-endian, modulo the number.
    CHECK(partition_of(acme, subject("ticket/INC45"), 16) == 7);
    CHECK(partition_of(acme, subject("ticket/INC45"), 7) == 6);
    CHECK(partition_of(other_tenant, subject("contact/desk:9"), 16) == 5);
    CHECK(partition_of(acme, subject("ticket/INC45"), 1) == 0);
    CHECK(partition_stream(15) == "p15");
}

TEST_CASE("partitions: lanes spread evenly", "[store]") {
    std::vector<int> lanes(16);
    for (int i = 0; i < 16'000; ++i)
        ++lanes[static_cast<std::size_t>(partition_of(acme, subject("ticket/" + std::to_string(i)), 16))];
    for (const int count : lanes) {
        CHECK(count > 850);
        CHECK(count < 1150);
    }
}

}  // namespace url_test
