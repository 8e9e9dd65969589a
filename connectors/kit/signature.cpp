#include "connectors/kit/signature.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "connectors/kit/definition.h"
#include "connectors/kit/form.h"
#include "engine/base/hash.h"
#include "engine/base/text.h"

namespace connectors {

using engine::denied;
using engine::Result;

namespace {

constexpr std::size_t signatures_max = 10;

/// The secrets a setting holds: one, or several while an old one is replaced.
std::vector<std::string> secrets_of(const Connection& connection, const std::string& setting) {
    std::vector<std::string> secrets;
    const auto* value = engine::find(connection.settings, engine::Path{setting});
    if (value == nullptr) return secrets;
    if (value->is_string()) secrets.push_back(value->get<std::string>());
    if (value->is_array())
        for (const auto& element : *value)
            if (element.is_string()) secrets.push_back(element.get<std::string>());
    std::erase(secrets, "");
    return secrets;
}

/// The header's value; a header given twice says nothing.
Result<const std::string*> single_header(const InboundMessage& message, const std::string& name) {
    const std::string* found = nullptr;
    for (const auto& [header, value] : message.headers) {
        if (!same_name(header, name)) continue;
        if (found != nullptr) return denied("the header " + name + " is given twice");
        found = &value;
    }
    return found;
}

/// The elements at the place, without their prefix.
Result<std::vector<std::string>> elements_at(const Located& at, const InboundMessage& message) {
    const std::string* value = nullptr;
    for (const auto& name : at.headers) {
        const auto header = single_header(message, name);
        if (!header) return header.error();
        if (value == nullptr) value = *header;
    }
    if (value == nullptr) return denied("the header " + at.headers.front() + " is missing");
    std::vector<std::string> parts{*value};
    if (!at.separator.empty()) parts = engine::split(*value, at.separator.front());
    if (parts.size() > signatures_max)
        return denied("the header " + at.headers.front() + " has too many elements");
    std::vector<std::string> elements;
    for (const auto& part : parts) {
        const auto trimmed = engine::trim(part);
        if (trimmed.starts_with(at.prefix)) elements.push_back(trimmed.substr(at.prefix.size()));
    }
    return elements;
}

Result<engine::Instant> read_instant(const std::string& text, Timestamp::Unit unit) {
    if (unit == Timestamp::Unit::rfc3339) return engine::parse_instant(text);
    constexpr std::size_t digits_max = 15;
    std::int64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.size() > digits_max || read.ec != std::errc() || read.ptr != text.data() + text.size() ||
        number < 0)
        return engine::invalid("not a number");
    const std::int64_t scale = unit == Timestamp::Unit::seconds ? 1'000'000 : 1'000;
    if (number > 253'402'300'799'000'000 / scale) return engine::invalid("beyond the year 9999");
    return engine::instant_of(number * scale);
}

/// The timestamp as it was signed; denied when it is not near the time the message came.
Result<std::string> fresh_timestamp(const Timestamp& timestamp, const InboundMessage& message) {
    const auto elements = elements_at(timestamp.at, message);
    if (!elements) return elements.error();
    if (elements->size() != 1) return denied("the signature's timestamp is missing");
    const auto instant = read_instant(elements->front(), timestamp.unit);
    if (!instant) return denied("the signature's timestamp is not readable");
    const auto distance =
        *instant > message.received ? *instant - message.received : message.received - *instant;
    if (distance > timestamp.tolerance)
        return denied("the signature's timestamp is more than " + engine::to_text(timestamp.tolerance) +
                      " from now");
    return elements->front();
}

/// The address the vendor called: what a proxy in front of us has changed, the connection says.
std::string url_of(const Connection& connection, const InboundMessage& message) {
    const auto query = query_of(message.target);
    if (connection.public_url.empty()) {
        const auto* host = message.header("Host");
        return "https://" + (host == nullptr ? "" : *host) + message.target;
    }
    if (query.empty() || connection.public_url.find('?') != std::string::npos) return connection.public_url;
    return connection.public_url + "?" + std::string(query);
}

/// Fields by name, each with its values sorted and without repeats; nothing between.
std::string sorted_form(const std::string& body) {
    const auto fields = parse_form(body);
    if (!fields) return "";
    const std::set<std::pair<std::string, std::string>> sorted(fields->begin(), fields->end());
    std::string out;
    for (const auto& [name, value] : sorted) out += name + value;
    return out;
}

/// What is signed, around one message.
struct Signed {
    const Connection& connection;
    const InboundMessage& message;
    std::string timestamp;
    std::string id;
};

void append_part(std::string& out, const ContentPart& part, const Signed& about, const std::string& secret) {
    using Kind = ContentPart::Kind;
    switch (part.kind) {
        case Kind::literal:
            out += part.literal;
            break;
        case Kind::timestamp:
            out += about.timestamp;
            break;
        case Kind::id:
            out += about.id;
            break;
        case Kind::body:
            out += about.message.body;
            break;
        case Kind::method:
            out += about.message.method;
            break;
        case Kind::url:
            out += url_of(about.connection, about.message);
            break;
        case Kind::target:
            out += about.message.target;
            break;
        case Kind::form:
            out += sorted_form(about.message.body);
            break;
        case Kind::secret:
            out += secret;
            break;
    }
}

std::string content_of(const Verification& way, const Signed& about, const std::string& secret) {
    std::string content;
    content.reserve(about.message.body.size() + 128);
    for (const auto& part : way.content) append_part(content, part, about, secret);
    return content;
}

Result<std::string> key_of(const Verification& way, const std::string& secret) {
    if (way.key == Verification::Key::raw) return secret;
    constexpr std::string_view prefix = "whsec_";
    const bool prefixed = way.key == Verification::Key::whsec && secret.starts_with(prefix);
    return engine::from_base64(prefixed ? std::string_view(secret).substr(prefix.size()) : secret);
}

/// The signature as the vendor would write it, without its prefix.
Result<std::string> signature_of(const Verification& way, const Signed& about, const std::string& secret) {
    const auto key = key_of(way, secret);
    if (!key) return denied("the secret is not base64");
    const auto content = content_of(way, about, secret);
    const auto bytes =
        way.keyed ? engine::hmac(way.algorithm, *key, content) : engine::digest(way.algorithm, content);
    return way.encoding == Verification::Encoding::hex ? engine::to_hex(bytes) : engine::to_base64(bytes);
}

std::string body_digest(const InboundMessage& message) {
    return engine::to_hex(engine::bytes_of(engine::sha256(std::string_view(message.body))));
}

Result<void> check_body_digest(const Verification& way, const InboundMessage& message) {
    if (way.body_digest_query.empty()) return {};
    const auto query = parse_form(query_of(message.target));
    const auto* given = query ? find_field(*query, way.body_digest_query) : nullptr;
    if (given == nullptr) return denied("the query lacks " + way.body_digest_query);
    if (!engine::equal_in_constant_time(*given, body_digest(message)))
        return denied("the body does not fit its digest in the query");
    return {};
}

Result<Signed> signed_parts(const Verification& way, const Connection& connection,
                            const InboundMessage& message) {
    Signed about{connection, message, "", ""};
    if (way.timestamp) {
        const auto timestamp = fresh_timestamp(*way.timestamp, message);
        if (!timestamp) return timestamp.error();
        about.timestamp = *timestamp;
    }
    if (!way.id_header.empty()) {
        const auto id = single_header(message, way.id_header);
        if (!id) return id.error();
        if (*id == nullptr) return denied("the header " + way.id_header + " is missing");
        about.id = **id;
    }
    return about;
}

Result<void> verify_signature(const Verification& way, const std::vector<std::string>& secrets,
                              const Connection& connection, const InboundMessage& message) {
    const auto given = elements_at(way.at, message);
    if (!given) return given.error();
    if (given->empty()) return denied("the header " + way.at.headers.front() + " holds no signature of ours");
    const auto about = signed_parts(way, connection, message);
    if (!about) return about.error();
    if (auto fits = check_body_digest(way, message); !fits) return fits;
    // Every pair is looked at: which secret or signature fits must not show in the time.
    bool any = false;
    for (const auto& secret : secrets) {
        const auto expected = signature_of(way, *about, secret);
        if (!expected) return expected.error();
        for (const auto& signature : *given)
            any = engine::equal_in_constant_time(signature, *expected) || any;
    }
    if (!any) return denied("the signature does not match");
    return {};
}

/// Compares digests, so that the time shows nothing of the length either.
bool same_secret(std::string_view left, std::string_view right) {
    return engine::equal_in_constant_time(engine::bytes_of(engine::sha256(left)),
                                          engine::bytes_of(engine::sha256(right)));
}

Result<std::string> given_key(const Verification& way, const InboundMessage& message) {
    if (way.query.empty()) {
        const auto elements = elements_at(way.at, message);
        if (!elements) return elements.error();
        if (elements->size() != 1) return denied("the header " + way.at.headers.front() + " holds no key");
        return elements->front();
    }
    const auto query = parse_form(query_of(message.target));
    const auto* value = query ? find_field(*query, way.query) : nullptr;
    if (value == nullptr) return denied("the query lacks " + way.query);
    return *value;
}

/// What the key's place must hold for one secret.
std::string expected_key(const Verification& way, const Connection& connection, const std::string& secret) {
    if (way.kind == Verification::Kind::key) return secret;
    Scope scope;
    scope.with("settings", connection.settings);
    const auto user = way.user ? way.user->render_text(scope) : std::nullopt;
    return "Basic " + engine::to_base64(user.value_or("") + ":" + secret);
}

Result<void> verify_key(const Verification& way, const std::vector<std::string>& secrets,
                        const Connection& connection, const InboundMessage& message) {
    const auto given = given_key(way, message);
    if (!given) return given.error();
    bool any = false;
    for (const auto& secret : secrets)
        any = same_secret(*given, expected_key(way, connection, secret)) || any;
    if (!any) return denied("the key does not match");
    return {};
}

std::string timestamp_text(const Timestamp& timestamp, engine::Instant when) {
    const auto microseconds = engine::microseconds_of(when);
    if (timestamp.unit == Timestamp::Unit::seconds) return std::to_string(microseconds / 1'000'000);
    if (timestamp.unit == Timestamp::Unit::milliseconds) return std::to_string(microseconds / 1'000);
    return engine::to_text(when);
}

void set_header(InboundMessage& message, const std::string& name, const std::string& value) {
    std::erase_if(message.headers, [&](const auto& header) { return same_name(header.first, name); });
    message.headers.emplace_back(name, value);
}

/// Stripe's `t=…,v1=…`: timestamp and signature share a header.
bool shares_header(const Verification& way) {
    return way.timestamp && way.timestamp->at.headers.front() == way.at.headers.front();
}

Result<void> add_signature(const Verification& way, const std::string& secret, const Connection& connection,
                           InboundMessage& message, engine::Instant when) {
    if (!way.body_digest_query.empty())
        message.target += (message.target.find('?') == std::string::npos ? "?" : "&") +
                          way.body_digest_query + "=" + body_digest(message);
    Signed about{connection, message, "", ""};
    if (way.timestamp) about.timestamp = timestamp_text(*way.timestamp, when);
    if (!way.id_header.empty()) {
        if (message.header(way.id_header) == nullptr)
            set_header(message, way.id_header, "msg_" + body_digest(message).substr(0, 24));
        about.id = *message.header(way.id_header);
    }
    const auto signature = signature_of(way, about, secret);
    if (!signature) return engine::invalid(signature.error().message);
    auto value = way.at.prefix + *signature;
    if (shares_header(way))
        value = way.timestamp->at.prefix + about.timestamp + way.at.separator + value;
    else if (way.timestamp)
        set_header(message, way.timestamp->at.headers.front(), way.timestamp->at.prefix + about.timestamp);
    set_header(message, way.at.headers.front(), value);
    return {};
}

void add_key(const Verification& way, const std::string& secret, const Connection& connection,
             InboundMessage& message) {
    const auto value = expected_key(way, connection, secret);
    if (way.query.empty())
        set_header(message, way.at.headers.front(), way.at.prefix + value);
    else
        message.target += (message.target.find('?') == std::string::npos ? "?" : "&") + way.query + "=" +
                          percent_encode(value);
}

}  // namespace

Result<void> verify(const Connection& connection, const InboundMessage& message) {
    if (connection.unverified) return {};
    const auto& webhook = connection.connector->webhook;
    if (!webhook) return denied("connector " + connection.connector->name + " takes no webhooks");
    std::optional<engine::Error> reason;
    for (const auto& way : webhook->verify) {
        const auto secrets = secrets_of(connection, way.secret);
        if (secrets.empty()) continue;
        const auto fits = way.kind == Verification::Kind::signature
                              ? verify_signature(way, secrets, connection, message)
                              : verify_key(way, secrets, connection, message);
        if (fits) return {};
        if (!reason) reason = fits.error();
    }
    if (reason) return *reason;
    return denied("connection " + connection.name + " has no secret to verify webhooks with");
}

Result<void> sign(const Connection& connection, InboundMessage& message, engine::Instant when) {
    const auto& webhook = connection.connector->webhook;
    if (!webhook) return engine::invalid("connector " + connection.connector->name + " takes no webhooks");
    for (const auto& way : webhook->verify) {
        const auto secrets = secrets_of(connection, way.secret);
        if (secrets.empty()) continue;
        if (way.kind == Verification::Kind::signature)
            return add_signature(way, secrets.front(), connection, message, when);
        add_key(way, secrets.front(), connection, message);
        return {};
    }
    return engine::invalid("connection " + connection.name + " has no secret to sign with");
}

}  // namespace connectors
