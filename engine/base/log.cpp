#include "engine/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <memory>

#include "engine/base/text.h"

namespace engine {
namespace {

constexpr std::array<std::string_view, 5> level_names{"debug", "info", "warn", "error", "off"};
constexpr std::array<std::string_view, 2> format_names{"json", "text"};

/// A process has one stderr, so its log is the one thing that is global here.
struct ProcessLog {
    std::atomic<LogLevel> level{LogLevel::info};
    std::atomic<LogFormat> format{LogFormat::json};
    std::unique_ptr<spdlog::logger> logger;

    ProcessLog()
        : logger(std::make_unique<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
        logger->set_pattern("%v");
        logger->set_level(spdlog::level::trace);
    }
};

ProcessLog& process_log() {
    static ProcessLog log;
    return log;
}

void append_escape(std::string& out, std::uint32_t code_point) {
    static constexpr char digits[] = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += digits[(code_point >> shift) & 15];
}

/// Controls (C0, DEL, C1), line separators and the marks that turn the direction of writing.
bool is_unsafe(std::uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0x200E || c == 0x200F ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

std::uint32_t code_point_of(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) return first;
    std::uint32_t code_point = first & (0xFFu >> (character.size() + 1));
    for (std::size_t i = 1; i < character.size(); ++i)
        code_point = code_point << 6 | (static_cast<unsigned char>(character[i]) & 0x3Fu);
    return code_point;
}

/// Appends the first character of `text` and returns its length.
std::size_t append_character(std::string& out, std::string_view text) {
    const std::string_view character = first_of(text, 1);
    if (!is_utf8(character)) {
        out += "\xEF\xBF\xBD";
        return character.size();
    }
    const auto code_point = code_point_of(character);
    if (code_point == '"' || code_point == '\\') {
        out += '\\';
        out += character;
    } else if (is_unsafe(code_point)) {
        append_escape(out, code_point);
    } else {
        out += character;
    }
    return character.size();
}

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) text.remove_prefix(append_character(out, text));
    out += '"';
}

bool is_plain(std::string_view text) {
    if (text.empty()) return false;
    for (const char c : text)
        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') return false;
    return true;
}

void append_number(std::string& out, auto number) {
    std::array<char, 32> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
    out.append(buffer.data(), end);
}

void append_value(std::string& out, const LogValue& value, bool quote_always) {
    if (const auto* text = std::get_if<std::string_view>(&value.value())) {
        if (quote_always || !is_plain(*text))
            append_quoted(out, *text);
        else
            out += *text;
    } else if (const auto* whole = std::get_if<std::int64_t>(&value.value())) {
        append_number(out, *whole);
    } else if (const auto* real = std::get_if<double>(&value.value())) {
        if (std::isfinite(*real))
            append_number(out, *real);
        else
            out += "null";
    } else {
        out += std::get<bool>(value.value()) ? "true" : "false";
    }
}

std::string json_line(LogLevel level, Instant time, std::string_view message, LogFields fields) {
    std::string line = "{\"time\":\"" + to_text(time) + "\",\"level\":\"";
    line += name_of(level);
    line += "\",\"message\":";
    append_quoted(line, message);
    for (const auto& field : fields) {
        line += ',';
        append_quoted(line, field.key);
        line += ':';
        append_value(line, field.value, true);
    }
    line += '}';
    return line;
}

std::string text_line(LogLevel level, Instant time, std::string_view message, LogFields fields) {
    std::string line = to_text(time) + ' ';
    line += name_of(level);
    line.append(6 - name_of(level).size(), ' ');
    for (std::string_view rest = message; !rest.empty();) rest.remove_prefix(append_character(line, rest));
    for (const auto& field : fields) {
        line += ' ';
        for (std::string_view rest = field.key; !rest.empty();)
            rest.remove_prefix(append_character(line, rest));
        line += '=';
        append_value(line, field.value, false);
    }
    return line;
}

void write(LogLevel level, std::string_view message, LogFields fields) {
    auto& log = process_log();
    if (level < log.level.load(std::memory_order_relaxed)) return;
    const auto line =
        log_line(log.format.load(std::memory_order_relaxed), level, SystemClock().now(), message, fields);
    log.logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view name) {
    for (std::size_t i = 0; i < level_names.size(); ++i)
        if (level_names[i] == name) return static_cast<LogLevel>(i);
    return invalid("log level \"" + std::string(name) + "\" is none of debug, info, warn, error, off");
}

Result<LogFormat> parse_log_format(std::string_view name) {
    for (std::size_t i = 0; i < format_names.size(); ++i)
        if (format_names[i] == name) return static_cast<LogFormat>(i);
    return invalid("log format \"" + std::string(name) + "\" is none of json, text");
}

std::string_view name_of(LogLevel level) {
    return level_names[static_cast<std::size_t>(level)];
}

void set_log(const LogOptions& options) {
    process_log().level = options.level;
    process_log().format = options.format;
}

void log_debug(std::string_view message, LogFields fields) {
    write(LogLevel::debug, message, fields);
}
void log_info(std::string_view message, LogFields fields) {
    write(LogLevel::info, message, fields);
}
void log_warn(std::string_view message, LogFields fields) {
    write(LogLevel::warn, message, fields);
}
void log_error(std::string_view message, LogFields fields) {
    write(LogLevel::error, message, fields);
}

std::string log_line(LogFormat format, LogLevel level, Instant time, std::string_view message,
                     LogFields fields) {
    return format == LogFormat::json ? json_line(level, time, message, fields)
                                     : text_line(level, time, message, fields);
}

}  // namespace engine
