#include "engine/base/log.h"

#include "engine/base/json.h"
#include "tests/support/catch.h"

namespace log_test {

using namespace engine;

namespace {

const Instant noon = instant_of(1'777'896'000'000'000);  // 2026-05-04T12:00:00Z

std::string json_line(std::string_view message, LogFields fields = {}) {
    return log_line(LogFormat::json, LogLevel::warn, noon, message, fields);
}

std::string text_line(std::string_view message, LogFields fields = {}) {
    return log_line(LogFormat::text, LogLevel::info, noon, message, fields);
}

}  // namespace

TEST_CASE("log: a line is one JSON object with level, time, message and fields", "[log]") {
    const std::string address = "127.0.0.1:8080";
    CHECK(json_line("started", {{"listen", address}, {"tenants", 3}, {"share", 0.5}, {"ready", true}}) ==
          R"({"time":"2026-05-04T12:00:00Z","level":"warn","message":"started","listen":"127.0.0.1:8080",)"
          R"("tenants":3,"share":0.5,"ready":true})");
}

TEST_CASE("log: the text form quotes only what needs it", "[log]") {
    CHECK(text_line("started",
                    {{"listen", "127.0.0.1:8080"}, {"count", 2}, {"reason", "no room"}, {"empty", ""}}) ==
          R"(2026-05-04T12:00:00Z info  started listen=127.0.0.1:8080 count=2 reason="no room" empty="")");
    CHECK(text_line("x", {{"a", "b=c"}}) == R"(2026-05-04T12:00:00Z info  x a="b=c")");
}

TEST_CASE("log: nothing that is logged can end the line, colour a terminal or hide", "[log]") {
    const std::string evil = std::string("a\r\nb\x1b[31m\x00\x7f\t\"\\", 14) +
                             "\xc2\x9b"
                             "1m\xe2\x80\xa8\xe2\x80\xae\xff";
    for (const auto& line : {json_line(evil, {{evil, evil}}), text_line(evil, {{evil, evil}})}) {
        for (const char c : line) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
        CHECK(line.find("\xc2\x9b") == std::string::npos);
        CHECK(line.find("\xe2\x80\xa8") == std::string::npos);
        CHECK(line.find("\xe2\x80\xae") == std::string::npos);
        CHECK(line.find('\xff') == std::string::npos);
    }
    const auto parsed = parse_json(json_line("m", {{"field", evil}}));
    REQUIRE(parsed);
    CHECK((*parsed)["field"].get<std::string>() == evil.substr(0, evil.size() - 1) + "\xEF\xBF\xBD");
}

TEST_CASE("log: numbers that JSON has no word for are null", "[log]") {
    CHECK(parse_json(json_line("m", {{"a", 1.0 / 0.0}, {"b", -1}, {"c", std::uint64_t(7)}})));
}

TEST_CASE("log: levels and formats are read by name", "[log]") {
    CHECK(*parse_log_level("debug") == LogLevel::debug);
    CHECK(*parse_log_level("off") == LogLevel::off);
    CHECK(*parse_log_format("text") == LogFormat::text);
    CHECK_FALSE(parse_log_level("loud"));
    CHECK_FALSE(parse_log_format("xml"));
}

}  // namespace log_test
