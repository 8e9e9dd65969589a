#include "engine/http/api_key.h"

#include <set>

#include "tests/support/catch.h"

namespace api_key_test {

using namespace engine;
using namespace engine::http;

namespace {

const Instant now = instant_of(1'777'881'600'000'000);

NewKey some_key(std::optional<Instant> expires = {}) {
    return make_key(TenantName("acme"), "ci", {"events:write"}, expires, now);
}

}  // namespace

TEST_CASE("api key: what is shown reads back as what is stored", "[http]") {
    const auto made = some_key();
    CHECK(made.text.starts_with("sbx_live_" + made.key.id + "_"));
    CHECK(made.key.tenant.text() == "acme");
    CHECK(made.key.created == now);
    const auto presented = parse_key(made.text);
    REQUIRE(presented);
    CHECK(presented->id == made.key.id);
    CHECK(presented->secret_digest == made.key.secret_digest);
    CHECK(judge(*presented, &made.key, now) == KeyVerdict::good);
}

TEST_CASE("api key: keys do not repeat and hold letters and digits only", "[http]") {
    std::set<std::string> ids;
    for (int i = 0; i < 200; ++i) {
        const auto made = some_key();
        CHECK(ids.insert(made.key.id).second);
        CHECK(made.text.find_first_not_of(
                  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    }
}

TEST_CASE("api key: a mistyped key is noticed without asking anybody", "[http]") {
    const auto text = some_key().text;
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto wrong = text;
        wrong[at] = wrong[at] == 'a' ? 'b' : 'a';
        CHECK_FALSE(parse_key(wrong));
    }
    CHECK_FALSE(parse_key(""));
    CHECK_FALSE(parse_key(text + "a"));
    CHECK_FALSE(parse_key(text.substr(1)));
}

TEST_CASE("api key: unknown, foreign, expired and revoked keys are all refused", "[http]") {
    const auto made = some_key(now + std::chrono::hours(1));
    const auto presented = *parse_key(made.text);
    CHECK(judge(presented, nullptr, now) == KeyVerdict::refused);
    const auto other = some_key().key;
    CHECK(judge(presented, &other, now) == KeyVerdict::refused);
    CHECK(judge(presented, &made.key, now + std::chrono::minutes(59)) == KeyVerdict::good);
    CHECK(judge(presented, &made.key, now + std::chrono::hours(1)) == KeyVerdict::refused);
    auto revoked = made.key;
    revoked.revoked = now;
    CHECK(judge(presented, &revoked, now) == KeyVerdict::refused);
}

TEST_CASE("api key: an all-zero digest in the store opens nothing", "[http]") {
    auto made = some_key();
    const auto presented = *parse_key(made.text);
    made.key.secret_digest = {};
    CHECK(judge(presented, &made.key, now) == KeyVerdict::refused);
}

TEST_CASE("api key: scopes are a closed list and the nearest one is named", "[http]") {
    CHECK(check_scopes({"events:write", "audit:read"}));
    const auto wrong = check_scopes({"event:write"});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == Code::invalid_input);
    CHECK(wrong.error().message.find("events:write") != std::string::npos);
    CHECK(allows(some_key().key, "events:write"));
    CHECK_FALSE(allows(some_key().key, "events:read"));
}

}  // namespace api_key_test
