#include "connectors/kit/signature.h"

#include "connectors/kit/form.h"
#include "engine/base/hash.h"
#include "tests/unit/connectors/support.h"

namespace signature_test {

using namespace connectors;
using namespace connectors::testing;

namespace {

/// A connector of the given ways to verify, and a connection to it with the secret `s3cret` unless another is
/// given.
Connection door(const std::string& verify, const std::string& settings = "secret: s3cret") {
    const auto registry = registry_with("door",
                                        "name: door\ntitle: Door\ndescription: x\nsettings:\n"
                                        "  secret: { secret: true, many: true, description: x }\n"
                                        "  user: { description: x }\n"
                                        "webhook:\n  events: []\n  verify:\n" +
                                            verify);
    return connection_of("door: { " + settings + " }", registry);
}

void set_header(InboundMessage& message, const std::string& name, const std::string& value) {
    std::erase_if(message.headers, [&](const auto& header) { return same_name(header.first, name); });
    message.headers.emplace_back(name, value);
}

std::string hmac_hex(const std::string& key, const std::string& text) {
    return engine::to_hex(engine::hmac(engine::Algorithm::sha256, key, text));
}

const std::string plain = "    - signature: { header: X-Sig, prefix: \"sha256=\", secret: secret }\n";
const std::string timed =
    "    - signature:\n        header: X-Sig\n        content: \"{timestamp}.{body}\"\n        secret: "
    "secret\n"
    "        timestamp: { header: X-Time, unit: s, tolerance: 300s }\n";
const std::string standard =
    "    - signature:\n        header: [webhook-signature, svix-signature]\n        prefix: \"v1,\"\n        "
    "separator: \" \"\n"
    "        encoding: base64\n        key: whsec\n        content: \"{id}.{timestamp}.{body}\"\n        "
    "secret: secret\n"
    "        id: webhook-id\n        timestamp: { header: webhook-timestamp, unit: s }\n";

InboundMessage timed_message(std::int64_t offset) {
    auto message = message_of("{}");
    const auto time = std::to_string(engine::microseconds_of(message.received) / 1'000'000 + offset);
    set_header(message, "X-Time", time);
    set_header(message, "X-Sig", hmac_hex("s3cret", time + ".{}"));
    return message;
}

std::string denial(const Connection& connection, const InboundMessage& message) {
    const auto result = verify(connection, message);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == engine::Code::denied);
    CHECK_THAT(result.error().message, !Catch::Contains("s3cret"));
    return result.error().message;
}

}  // namespace

TEST_CASE("signature: a good one passes, and only over these very bytes", "[connectors]") {
    const auto connection = door(plain);
    auto message = message_of("{\"a\": 1}");
    set_header(message, "x-sIG", "sha256=" + hmac_hex("s3cret", message.body));
    CHECK(verify(connection, message));
    message.body = "{\"a\":1}";
    CHECK(denial(connection, message) == "the signature does not match");
}

TEST_CASE("signature: every flipped bit of body and signature is denied", "[connectors]") {
    const auto connection = door(plain);
    auto good = message_of("{\"id\":1}");
    set_header(good, "X-Sig", "sha256=" + hmac_hex("s3cret", good.body));
    REQUIRE(verify(connection, good));
    for (std::size_t bit = 0; bit < good.body.size() * 8; ++bit) {
        auto message = good;
        message.body[bit / 8] = static_cast<char>(message.body[bit / 8] ^ (1 << (bit % 8)));
        CHECK_FALSE(verify(connection, message));
    }
    const auto signature = good.headers.back().second;
    for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
        auto message = good;
        auto& value = message.headers.back().second;
        value[bit / 8] = static_cast<char>(value[bit / 8] ^ (1 << (bit % 8)));
        CHECK_FALSE(verify(connection, message));
    }
}

TEST_CASE("signature: base64 has one spelling only", "[connectors]") {
    const auto connection = door("    - signature: { header: X-Sig, encoding: base64, secret: secret }\n");
    auto message = message_of("{}");
    const auto good = engine::to_base64(engine::hmac(engine::Algorithm::sha256, "s3cret", "{}"));
    set_header(message, "X-Sig", good);
    REQUIRE(verify(connection, message));
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto value = good;
        value[bit / 8] = static_cast<char>(value[bit / 8] ^ (1 << (bit % 8)));
        set_header(message, "X-Sig", value);
        CHECK_FALSE(verify(connection, message));
    }
    set_header(message, "X-Sig", good.substr(0, good.size() - 1));
    CHECK_FALSE(verify(connection, message));
}

TEST_CASE("signature: missing, empty, cut, doubled and foreign ones are denied", "[connectors]") {
    const auto connection = door(plain);
    auto message = message_of("{}");
    CHECK_THAT(denial(connection, message), Catch::Contains("X-Sig is missing"));
    for (const auto& value :
         {std::string(), std::string("sha256="), "sha256=" + hmac_hex("s3cret", "{}").substr(0, 40),
          hmac_hex("s3cret", "{}"), "sha1=" + hmac_hex("s3cret", "{}"), "sha256=" + hmac_hex("other", "{}"),
          "sha256=" + hmac_hex("", "{}"), "sha256=" + hmac_hex("s3cret", "{}") + "00"}) {
        set_header(message, "X-Sig", value);
        denial(connection, message);
    }
    set_header(message, "X-Sig", "sha256=" + hmac_hex("s3cret", "{}"));
    message.headers.emplace_back("x-sig", "sha256=" + hmac_hex("s3cret", "{}"));
    CHECK_THAT(denial(connection, message), Catch::Contains("twice"));
}

TEST_CASE("signature: the window holds to the second, both ways", "[connectors]") {
    const auto connection = door(timed);
    for (const std::int64_t offset : {-300, -299, 0, 299, 300})
        CHECK(verify(connection, timed_message(offset)));
    for (const std::int64_t offset : {-301, 301, -86'400, 86'400'000})
        CHECK_THAT(denial(connection, timed_message(offset)), Catch::Contains("5m"));
}

TEST_CASE("signature: a timestamp that is missing, unreadable or changed is denied", "[connectors]") {
    const auto connection = door(timed);
    auto message = timed_message(0);
    const auto good = *message.header("X-Time");
    for (const auto& time : {std::string(), "+" + good, good + ".0", good + " x", std::string("-1"),
                             std::string("1e9"), std::string("99999999999999999999"), std::string("0x10")}) {
        set_header(message, "X-Time", time);
        set_header(message, "X-Sig", hmac_hex("s3cret", time + ".{}"));
        denial(connection, message);
    }
    message = timed_message(0);
    set_header(message, "X-Time", std::to_string(std::stoll(good) + 1));
    CHECK(denial(connection, message) == "the signature does not match");
    message = timed_message(0);
    std::erase_if(message.headers, [](const auto& header) { return header.first == "X-Time"; });
    CHECK_THAT(denial(connection, message), Catch::Contains("X-Time is missing"));
}

TEST_CASE("signature: while a secret is replaced both are taken, afterwards the new one", "[connectors]") {
    auto message = message_of("{}");
    set_header(message, "X-Sig", "sha256=" + hmac_hex("old", "{}"));
    CHECK(verify(door(plain, "secret: [new, old]"), message));
    CHECK_FALSE(verify(door(plain, "secret: [new]"), message));
    set_header(message, "X-Sig", "sha256=" + hmac_hex("new", "{}"));
    CHECK(verify(door(plain, "secret: [new, old]"), message));
    CHECK(verify(door(plain, "secret: new"), message));
}

TEST_CASE("signature: without a secret nothing is taken, unless the connection says so", "[connectors]") {
    const auto message = message_of("{}");
    CHECK_THAT(denial(door(plain, "sandbox: true"), message), Catch::Contains("no secret"));
    auto empty = message;
    set_header(empty, "X-Sig", "sha256=" + hmac_hex("", "{}"));
    auto blank = door(plain, "secret: x");
    blank.settings["secret"] = "";  // what an environment variable may hold
    CHECK_FALSE(verify(blank, empty));
    CHECK(verify(door(plain, "verify: none"), message));
}

TEST_CASE("signature: of several in one header any of the right kind suffices, up to ten", "[connectors]") {
    const auto connection = door(standard, "secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    auto message = message_of("{\"test\": 2432232314}", "2021-02-25T15:02:10Z");
    set_header(message, "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
    set_header(message, "webhook-timestamp", "1614265330");
    const std::string good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const std::string wrong = "v1,AAAA9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    set_header(message, "webhook-signature", good);
    CHECK(verify(connection, message));
    set_header(message, "webhook-signature", wrong + " v1a,xyz " + good);
    CHECK(verify(connection, message));
    set_header(message, "webhook-signature", "v1a," + good.substr(3));
    CHECK_THAT(denial(connection, message), Catch::Contains("no signature of ours"));
    std::string many = good;
    for (int copy = 0; copy < 10; ++copy) many += " " + wrong;
    set_header(message, "webhook-signature", many);
    CHECK_THAT(denial(connection, message), Catch::Contains("too many"));
    std::erase_if(message.headers, [](const auto& header) { return header.first == "webhook-signature"; });
    set_header(message, "svix-signature", good);
    CHECK(verify(connection, message));
    std::erase_if(message.headers, [](const auto& header) { return header.first == "webhook-id"; });
    CHECK_THAT(denial(connection, message), Catch::Contains("webhook-id is missing"));
}

TEST_CASE("signature: a key in a header or in the query is compared whole", "[connectors]") {
    const auto in_header =
        door("    - key: { header: Authorization, prefix: \"Bearer \", secret: secret }\n");
    auto message = message_of("{}");
    CHECK_FALSE(verify(in_header, message));
    set_header(message, "Authorization", "Bearer s3cret");
    CHECK(verify(in_header, message));
    for (const auto* value : {"s3cret", "Bearer s3cre", "Bearer s3crett", "Bearer ", "bearer s3cret"}) {
        set_header(message, "Authorization", value);
        CHECK_FALSE(verify(in_header, message));
    }
    const auto in_query = door("    - key: { query: key, secret: secret }\n");
    message.target = "/hook?x=1&key=s3cret";
    CHECK(verify(in_query, message));
    message.target = "/hook?key=s3cre";
    CHECK_FALSE(verify(in_query, message));
    message.target = "/hook";
    CHECK_FALSE(verify(in_query, message));
}

TEST_CASE("signature: user and password may come as basic auth", "[connectors]") {
    const auto connection =
        door("    - basic: { user: \"{settings.user}\", secret: secret }\n", "secret: s3cret, user: desk");
    auto message = message_of("{}");
    set_header(message, "Authorization", "Basic " + engine::to_base64("desk:s3cret"));
    CHECK(verify(connection, message));
    set_header(message, "Authorization", "Basic " + engine::to_base64("desk:other"));
    CHECK_FALSE(verify(connection, message));
}

TEST_CASE("signature: of several ways any whose secret is there suffices", "[connectors]") {
    const auto connection = door(plain + "    - key: { header: X-Key, secret: secret }\n");
    auto message = message_of("{}");
    set_header(message, "X-Key", "s3cret");
    CHECK(verify(connection, message));
    set_header(message, "X-Key", "wrong");
    CHECK_FALSE(verify(connection, message));
}

TEST_CASE("signature: what we sign ourselves verifies, in every way there is", "[connectors]") {
    const std::string ways[] = {
        plain,
        timed,
        standard,
        "    - key: { header: X-Key, prefix: \"k \", secret: secret }\n",
        "    - key: { query: key, secret: secret }\n",
        "    - basic: { user: desk, secret: secret }\n",
        "    - signature: { header: X, method: digest, content: \"{secret}{method}{url}{body}\", secret: "
        "secret }\n",
        "    - signature: { header: X, algorithm: sha1, encoding: base64, content: \"{url}{form}\", secret: "
        "secret }\n",
        "    - signature: { header: X, algorithm: sha512, content: \"{target}{body}\", key: base64, secret: "
        "secret }\n",
        "    - signature: { header: X, content: \"{url}\", body_digest: sha, secret: secret }\n",
        "    - signature: { header: S, prefix: \"v1=\", separator: \",\", content: \"{timestamp}.{body}\", "
        "secret: secret,\n"
        "        timestamp: { header: S, prefix: \"t=\", separator: \",\" } }\n",
        "    - signature: { header: S, content: \"{timestamp}{body}\", secret: secret,\n"
        "        timestamp: { header: T, unit: rfc3339 } }\n",
        "    - signature: { header: S, content: \"{timestamp}{body}\", secret: secret, timestamp: { header: "
        "T, unit: ms } }\n"};
    for (const auto& way : ways) {
        INFO(way);
        const auto connection = door(way, "secret: c2VjcmV0LXNlY3JldA==");
        auto message = message_of("a=1&b=2");
        REQUIRE(sign(connection, message, message.received));
        const auto verified = verify(connection, message);
        INFO((verified ? "" : verified.error().message));
        CHECK(verified);
        if (way.find("signature") == std::string::npos) continue;
        message.body += "&c=3";
        CHECK_FALSE(verify(connection, message));
    }
}

TEST_CASE("signature: signing without a secret is refused", "[connectors]") {
    auto message = message_of("{}");
    CHECK_FALSE(sign(door(plain, "sandbox: true"), message, message.received));
}

TEST_CASE("signature: secrets are compared in constant time", "[connectors]") {
    const auto source = read_file("connectors/kit/signature.cpp");
    REQUIRE_FALSE(source.empty());
    CHECK_THAT(source, Catch::Contains("equal_in_constant_time(signature, *expected)"));
    for (const auto* naive : {"== *expected", "== expected", "== secret", "secret ==", "signature =="})
        CHECK_THAT(source, !Catch::Contains(naive));
}

namespace {

/// How the definition language says what each vendor of the recorded vectors does.
struct VendorWay {
    const char* vendor;
    const char* secret;  ///< the member of `input` that holds it
    std::string verify;
};

const std::vector<VendorWay>& vendor_ways() {
    static const std::vector<VendorWay> ways{
        {"slack", "signing_secret",
         "header: X-Slack-Signature, prefix: \"v0=\", content: \"v0:{timestamp}:{body}\", timestamp: { "
         "header: ts }"},
        {"hubspot v1", "client_secret",
         "header: X-HubSpot-Signature, method: digest, content: \"{secret}{body}\""},
        {"hubspot v2", "client_secret",
         "header: X-HubSpot-Signature, method: digest, content: \"{secret}{method}{url}{body}\""},
        {"hubspot v3", "client_secret",
         "header: X-HubSpot-Signature-v3, encoding: base64, content: \"{method}{url}{body}{timestamp}\","
         " timestamp: { header: ts, unit: ms }"},
        {"twilio form", "auth_token",
         "header: X-Twilio-Signature, algorithm: sha1, encoding: base64, content: \"{url}{form}\""},
        {"twilio duplicate params", "auth_token",
         "header: X-Twilio-Signature, algorithm: sha1, encoding: base64, content: \"{url}{form}\""},
        {"standard-webhooks", "secret",
         "header: webhook-signature, prefix: \"v1,\", separator: \" \", encoding: base64, key: whsec,"
         " content: \"{id}.{timestamp}.{body}\", id: webhook-id, timestamp: { header: ts }"},
        {"zendesk", "signing_secret",
         "header: X-Zendesk-Webhook-Signature, encoding: base64, content: \"{timestamp}{body}\","
         " timestamp: { header: ts, unit: rfc3339 }"},
        {"intercom", "client_secret", "header: X-Hub-Signature, prefix: \"sha1=\", algorithm: sha1"},
        {"helpscout", "webhook_secret", "header: X-HelpScout-Signature, algorithm: sha1, encoding: base64"},
        {"front application webhook", "app_signing_key",
         "header: X-Front-Signature, encoding: base64, content: \"{timestamp}:{body}\","
         " timestamp: { header: ts, unit: ms }"},
        {"front rule webhook", "api_secret", "header: X-Front-Signature, algorithm: sha1, encoding: base64"},
        {"stripe", "endpoint_secret",
         "header: Stripe-Signature, prefix: \"v1=\", separator: \",\", content: \"{timestamp}.{body}\","
         " timestamp: { header: Stripe-Signature, prefix: \"t=\", separator: \",\" }"},
        {"shopify", "client_secret",
         "header: [X-Shopify-Hmac-SHA256, shopify-hmac-sha256], encoding: base64"},
        {"jira cloud webhook", "secret", "header: X-Hub-Signature, prefix: \"sha256=\""},
        {"pagerduty webhook v3", "secret",
         "header: X-PagerDuty-Signature, prefix: \"v1=\", separator: \",\""},
    };
    return ways;
}

std::string first_text(const Json& input, std::initializer_list<const char*> names) {
    for (const auto* name : names)
        if (auto text = engine::text_or(input, engine::dotted({name}), ""); !text.empty()) return text;
    return "";
}

std::string form_body(const Json& params) {
    Fields fields;
    if (params.is_object())
        for (const auto& [name, value] : params.items()) fields.emplace_back(name, value.get<std::string>());
    else
        for (const auto& pair : params)
            fields.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
    return write_form(fields);
}

engine::Instant time_of(const std::string& text) {
    if (text.empty()) return at("2026-05-04T08:00:00Z");
    if (text.find('T') != std::string::npos) return at(text);
    return engine::instant_of(std::stoll(text) * (text.size() > 11 ? 1'000 : 1'000'000));
}

InboundMessage recorded(const Json& vector) {
    const auto& input = vector["input"];
    InboundMessage message = message_of(input.contains("params") ? form_body(input["params"])
                                                                 : engine::text_or(input, "raw_body", ""));
    const auto time = first_text(input, {"timestamp", "timestamp_ms", "webhook-timestamp"});
    message.received = time_of(time);
    message.method = engine::text_or(input, "method", "POST");
    if (!time.empty()) set_header(message, "ts", time);
    if (input.contains("webhook-id"))
        set_header(message, "webhook-id", input["webhook-id"].get<std::string>());
    auto header = vector["header"].get<std::string>();
    set_header(message, header.substr(0, header.find(' ')), vector["expected"].get<std::string>());
    const auto url = first_text(input, {"url", "uri"});
    if (const auto path = url.find('/', 8); path != std::string::npos) {
        set_header(message, "Host", url.substr(8, path - 8));
        message.target = url.substr(path);
    }
    return message;
}

}  // namespace

TEST_CASE("signature: the recorded vectors of every vendor verify, and fail when touched", "[connectors]") {
    const auto folder = shared_folder();
    if (!folder) return;
    const auto vectors = json(read_file(*folder + "/vendors/payloads/_signature-vectors.json"));
    std::size_t tried = 0;
    for (const auto& vector : vectors) {
        const auto vendor = vector["vendor"].get<std::string>();
        for (const auto& way : vendor_ways()) {
            if (vendor != way.vendor) continue;
            INFO(vendor);
            ++tried;
            auto connection = door("    - signature: { secret: secret, " + way.verify + " }\n");
            connection.settings["secret"] = vector["input"][way.secret];
            auto message = recorded(vector);
            const auto verified = verify(connection, message);
            INFO((verified ? "" : verified.error().message));
            CHECK(verified);
            message.body += " ";
            if (vendor.find("twilio") == std::string::npos) CHECK_FALSE(verify(connection, message));
            connection.settings["secret"] = "another";
            CHECK_FALSE(verify(connection, recorded(vector)));
        }
        if (vendor != "twilio json body hash") continue;
        ++tried;
        const auto body = engine::text_or(vector["input"], "raw_body", "");
        CHECK(engine::to_hex(engine::bytes_of(engine::sha256(body))) == vector["expected"]);
    }
    CHECK(tried == vectors.size());
}

}  // namespace signature_test
