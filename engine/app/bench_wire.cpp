#include "engine/app/bench_wire.h"

#include <algorithm>
#include <charconv>

namespace engine::app {
namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view length_name = "content-length:";

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_letters(std::string_view text, std::string_view lower_case) {
    return text.size() >= lower_case.size() &&
           std::equal(lower_case.begin(), lower_case.end(), text.begin(),
                      [](char wanted, char c) { return wanted == lower(c); });
}

std::size_t length_in(std::string_view head) {
    for (auto line = head.find("\r\n"); line != std::string_view::npos; line = head.find("\r\n", line + 2)) {
        auto rest = head.substr(line + 2);
        if (!same_letters(rest, length_name)) continue;
        rest.remove_prefix(length_name.size());
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        std::size_t length = 0;
        std::from_chars(rest.data(), rest.data() + rest.size(), length);
        return length;
    }
    return 0;
}

}  // namespace

std::optional<WireMessage> first_message(std::string_view bytes) {
    const auto end = bytes.find(head_end);
    if (end == std::string_view::npos) return std::nullopt;
    WireMessage message;
    message.head = bytes.substr(0, end + head_end.size());
    const auto length = length_in(message.head);
    if (bytes.size() - message.head.size() < length) return std::nullopt;
    message.body = bytes.substr(message.head.size(), length);
    return message;
}

int status_of(const WireMessage& message) {
    const auto space = message.head.find(' ');
    if (!message.head.starts_with("HTTP/") || space == std::string_view::npos) return 0;
    int status = 0;
    std::from_chars(message.head.data() + space + 1, message.head.data() + message.head.size(), status);
    return status;
}

std::string post_request(const std::string& target, const std::string& header, const std::string& body) {
    return "POST " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + header +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace engine::app
