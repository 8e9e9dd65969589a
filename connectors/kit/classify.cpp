#include <algorithm>
#include <charconv>
#include <cmath>

#include "connectors/kit/action.h"
#include "connectors/kit/form.h"
#include "engine/base/hash.h"
#include "engine/base/text.h"

namespace connectors {

using engine::Attempt;
using engine::Duration;
using engine::Instant;

namespace {

/// The longest wait a vendor can ask for.
constexpr Duration wait_max = std::chrono::hours(1);
constexpr std::size_t answer_text_max = 2000;
constexpr std::size_t reason_max = 300;

std::optional<double> read_seconds(const std::string& text) {
    double number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec == std::errc::result_out_of_range && !text.starts_with('-')) return 1e15;
    if (read.ec != std::errc() || read.ptr != end || !std::isfinite(number)) return std::nullopt;
    return number;
}

std::optional<int> month_of(std::string_view name) {
    constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const auto at = names.find(name);
    if (name.size() != 3 || at == std::string_view::npos || at % 3 != 0) return std::nullopt;
    return static_cast<int>(at / 3) + 1;
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, by way of its RFC 3339 form.
std::optional<Instant> read_http_date(const std::string& text) {
    if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
    const auto month = month_of(std::string_view(text).substr(8, 3));
    if (!month) return std::nullopt;
    const auto digits = (*month < 10 ? "0" : "") + std::to_string(*month);
    const auto instant = engine::parse_instant(text.substr(12, 4) + "-" + digits + "-" + text.substr(5, 2) +
                                               "T" + text.substr(17, 8) + "Z");
    return instant ? std::optional(*instant) : std::nullopt;
}

Duration clamped(double seconds) {
    const auto most = std::chrono::duration<double>(wait_max).count();
    if (!(seconds > 0)) return Duration::zero();
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(seconds, most)));
}

Duration until(Instant instant, Instant now) {
    return clamped(std::chrono::duration<double>(instant - now).count());
}

double seconds_since_epoch(Instant now) {
    return std::chrono::duration<double>(now.time_since_epoch()).count();
}

/// Zero when the header says nothing that can be used.
Duration read_wait(const std::string& text, WaitHeader::Unit unit, Instant now) {
    using Unit = WaitHeader::Unit;
    if (unit == Unit::rfc3339) {
        const auto instant = engine::parse_instant(text);
        return instant ? until(*instant, now) : Duration::zero();
    }
    if (unit == Unit::duration) {
        const auto span = engine::parse_duration(text);
        return span ? std::clamp(*span, Duration::zero(), wait_max) : Duration::zero();
    }
    if (unit == Unit::http)
        if (const auto date = read_http_date(text)) return until(*date, now);
    const auto number = read_seconds(text);
    if (!number) return Duration::zero();
    switch (unit) {
        case Unit::milliseconds:
            return clamped(*number / 1000);
        case Unit::epoch_seconds:
            return clamped(*number - seconds_since_epoch(now));
        case Unit::epoch_milliseconds:
            return clamped(*number / 1000 - seconds_since_epoch(now));
        default:
            return clamped(*number);
    }
}

Duration wait_of(const Connector& connector, const HttpResponse& response, Instant now) {
    for (const auto& header : connector.retry_after) {
        const auto* text = response.header(header.name);
        if (text == nullptr) continue;
        if (const auto wait = read_wait(engine::trim(*text), header.unit, now); wait > Duration::zero())
            return wait;
    }
    return Duration::zero();
}

/// Safe to store and to show: valid UTF-8, one line, not long.
std::string presentable(std::string_view text, std::size_t count) {
    std::string line;
    for (const char c : engine::first_of(text, count)) line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    return engine::is_utf8(line) ? line : "not UTF-8";
}

Attempt::Kind default_kind(int status) {
    if (status >= 200 && status < 300) return Attempt::Kind::done;
    const bool passing = status == 408 || status == 425 || status == 429 || status >= 500 || status < 100;
    return passing ? Attempt::Kind::retry : Attempt::Kind::failed;
}

/// Statuses whose answers have no body to read.
bool is_bodiless(int status) {
    return status == 202 || status == 204 || status == 205;
}

/// Judges one answer to one action.
class Judge {
public:
    Judge(const Connection& connection, const Operation& operation, const Json& params,
          const HttpResponse& response)
        : connector_(*connection.connector), operation_(operation), response_(response) {
        auto body = engine::parse_json(response.body);
        is_json_ = static_cast<bool>(body);
        answer_ = Json{{"status", response.status}, {"text", presentable(response.body, answer_text_max)}};
        if (body) answer_["body"] = std::move(*body);
        scope_.with("response", answer_)
            .with("params", params)
            .with("settings", connection.settings)
            .with("header", [this](std::string_view name) { return response_.header(name); });
    }
    Judge(const Judge&) = delete;

    Attempt judge(Instant now) const {
        Attempt attempt;
        attempt.status = response_.status;
        attempt.answered = true;
        decide(attempt);
        if (attempt.kind == Attempt::Kind::done) {
            const auto result = operation_.result ? operation_.result->render(scope_) : std::nullopt;
            attempt.result = result ? *result : Json::object();
        }
        if (attempt.kind == Attempt::Kind::retry) attempt.retry_after = wait_of(connector_, response_, now);
        return attempt;
    }

private:
    void decide(Attempt& attempt) const {
        for (const auto* rules : {&operation_.answers, &connector_.answers})
            for (const auto& rule : *rules)
                if (rule.when.holds(scope_)) return apply(rule, attempt);
        attempt.kind = default_kind(response_.status);
        if (attempt.kind != Attempt::Kind::done) {
            attempt.reason = "HTTP " + std::to_string(response_.status);
        } else if (operation_.answer == Operation::Answer::json && !is_json_ &&
                   !is_bodiless(response_.status)) {
            attempt.kind = Attempt::Kind::retry;
            attempt.reason = "HTTP " + std::to_string(response_.status) + " with an answer that is not JSON";
        }
    }

    void apply(const AnswerRule& rule, Attempt& attempt) const {
        attempt.kind = rule.kind;
        if (rule.kind == Attempt::Kind::done) return;
        const auto reason = rule.reason ? rule.reason->render_text(scope_) : std::nullopt;
        attempt.reason = "HTTP " + std::to_string(response_.status) +
                         (reason ? ": " + presentable(*reason, reason_max) : "");
    }

    const Connector& connector_;
    const Operation& operation_;
    const HttpResponse& response_;
    Json answer_;
    bool is_json_ = false;
    Scope scope_;
};

Attempt failed(const std::string& reason) {
    Attempt attempt;
    attempt.kind = Attempt::Kind::failed;
    attempt.reason = reason;
    return attempt;
}

/// Made up, but always the same for the same key.
Json fake_of(const std::string& key) {
    const auto hex = engine::to_hex(engine::bytes_of(engine::sha256(std::string_view(key))));
    std::string digits;
    for (const char c : hex.substr(0, 12)) digits += static_cast<char>('0' + (c % 10));
    digits.front() = digits.front() == '0' ? '1' : digits.front();
    const auto uuid = hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-4" + hex.substr(13, 3) + "-a" +
                      hex.substr(17, 3) + "-" + hex.substr(20, 12);
    return {{"id", digits}, {"hex", hex.substr(0, 16)}, {"uuid", uuid}};
}

Attempt simulated(const Connection& connection, const Operation& operation, const Json& given,
                  const std::string& key) {
    const auto params = checked_params(operation, given);
    Attempt attempt = params ? Attempt() : failed(params.error().message);
    attempt.simulated = true;
    if (!params) return attempt;
    const auto fake = fake_of(key);
    const Json key_value = key;
    Scope scope;
    scope.with("fake", fake)
        .with("params", *params)
        .with("settings", connection.settings)
        .with("key", key_value);
    const auto& shape = operation.sandbox_result;
    attempt.result = (shape ? shape->render(scope) : std::nullopt).value_or(Json::object());
    return attempt;
}

}  // namespace

const std::string* HttpResponse::header(std::string_view name) const {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [&](const auto& header) { return same_name(header.first, name); });
    return found == headers.end() ? nullptr : &found->second;
}

Attempt classify(const Connection& connection, const engine::Action& action, const HttpResponse& response,
                 Instant now) {
    const auto operation = find_action(connection, action.action);
    if (!operation) return failed(operation.error().message);
    return Judge(connection, **operation, action.params, response).judge(now);
}

Attempt simulate(const Connection& connection, const engine::Delivery& delivery) {
    const auto operation = find_action(connection, delivery.action.action);
    if (operation) return simulated(connection, **operation, delivery.action.params, delivery.key.text());
    auto attempt = failed(operation.error().message);
    attempt.simulated = true;
    return attempt;
}

Attempt classify(const Connection& connection, const Lookup& lookup, const HttpResponse& response,
                 Instant now) {
    const auto operation = find_lookup(connection, lookup.name);
    if (!operation) return failed(operation.error().message);
    return Judge(connection, **operation, lookup.params, response).judge(now);
}

Attempt simulate(const Connection& connection, const Lookup& lookup) {
    const auto operation = find_lookup(connection, lookup.name);
    if (operation && (*operation)->sandbox_result)
        return simulated(connection, **operation, lookup.params, lookup.key);
    auto attempt = failed(operation ? "look-up " + lookup.name + " has no sandbox_result, and connection " +
                                          connection.name + " is a sandbox"
                                    : operation.error().message);
    attempt.simulated = true;
    return attempt;
}

}  // namespace connectors
