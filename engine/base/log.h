#pragma once
/// One line per outcome on stderr: a constant message and key=value fields. The home of spdlog.
///
/// Never hand a payload or a secret over. Texts may hold anything: what could end a line, move a terminal's
/// cursor or hide a character is escaped. Any thread.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace engine {

enum class LogLevel {
    debug,  ///< what a developer follows
    info,   ///< start, stop, reload
    warn,   ///< odd but recovered
    error,  ///< someone must act
    off,
};
enum class LogFormat {
    json,  ///< one object a line
    text,  ///< `2026-05-04T08:00:00Z info  started listen=127.0.0.1:8080`
};

/// Fail with invalid_input naming the words that exist.
Result<LogLevel> parse_log_level(std::string_view name);
Result<LogFormat> parse_log_format(std::string_view name);
std::string_view name_of(LogLevel level);

struct LogOptions {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::json;
};
/// Sets level and format of the process's log. Until it is called: info and above, as JSON.
void set_log(const LogOptions& options);

/// A field's value. Texts are only looked at: they must outlive the call.
class LogValue {
public:
    LogValue(std::string_view text) : value_(text) {}
    LogValue(const std::string& text) : value_(std::string_view(text)) {}
    LogValue(const char* text) : value_(std::string_view(text)) {}
    LogValue(bool value) : value_(value) {}
    LogValue(double value) : value_(value) {}
    template <std::integral Number>
    requires(!std::same_as<Number, bool>) LogValue(Number value) : value_(static_cast<std::int64_t>(value)) {}

    const std::variant<std::string_view, std::int64_t, double, bool>& value() const { return value_; }

private:
    std::variant<std::string_view, std::int64_t, double, bool> value_;
};

struct LogField {
    std::string_view key;
    LogValue value;
};
using LogFields = std::initializer_list<LogField>;

void log_debug(std::string_view message, LogFields fields = {});
void log_info(std::string_view message, LogFields fields = {});
void log_warn(std::string_view message, LogFields fields = {});
void log_error(std::string_view message, LogFields fields = {});

/// The line as it is written, without its end.
std::string log_line(LogFormat format, LogLevel level, Instant time, std::string_view message,
                     LogFields fields);

}  // namespace engine
