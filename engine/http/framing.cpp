#include "engine/http/framing.h"

#include <algorithm>
#include <array>
#include <optional>

namespace engine::http {
namespace {

using Check = std::optional<Refusal>;

constexpr std::array<bool, 256> token_characters = [] {
    std::array<bool, 256> table{};
    for (int c = '0'; c <= '9'; ++c) table[c] = true;
    for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = true;
    for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
        table[static_cast<unsigned char>(c)] = true;
    return table;
}();

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return token_characters[static_cast<unsigned char>(c)];
    });
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

Refusal line_too_long(bool first_line) {
    if (first_line) return {414, "target-too-long", "the request line is longer than the server takes"};
    return {431, "header-too-long", "a header line is longer than the server takes"};
}

/// Takes the next line, without its CRLF, off `bytes`.
std::string_view next_line(std::string_view& bytes) {
    const auto end = bytes.find('\n');
    const auto line = bytes.substr(0, end - 1);
    bytes.remove_prefix(end + 1);
    return line;
}

Check check_target(std::string_view target, const FramingLimits& limits) {
    if (target.size() > limits.target_bytes_max) return line_too_long(true);
    const bool good = std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (!good) return Refusal{400, "bad-target", "the request target holds a character that must be escaped"};
    if (target.find('#') != std::string_view::npos)
        return Refusal{400, "bad-target", "the request target holds a fragment"};
    return {};
}

Check read_version(std::string_view version, RequestHead& head) {
    if (version == "HTTP/1.1" || version == "HTTP/1.0") {
        head.minor = version.back() - '0';
        return {};
    }
    const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
                             version[5] >= '0' && version[5] <= '9' && version[7] >= '0' && version[7] <= '9';
    if (!well_formed) return Refusal{400, "bad-request-line", "the request line ends in no HTTP version"};
    return Refusal{505, "unknown-version", "the server speaks HTTP/1.1 and HTTP/1.0"};
}

Check read_request_line(std::string_view line, const FramingLimits& limits, RequestHead& head) {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last)
        return Refusal{400, "bad-request-line", "the request line is not \"method target version\""};
    head.method = line.substr(0, first);
    head.target = line.substr(first + 1, last - first - 1);
    if (!is_token(head.method)) return Refusal{400, "bad-method", "the method is not a token"};
    if (auto bad = read_version(line.substr(last + 1), head)) return bad;
    if (auto bad = check_target(head.target, limits)) return bad;
    const bool asterisk = head.target == "*" && head.method == "OPTIONS";
    if (head.target.empty() || (head.target.front() != '/' && !asterisk))
        return Refusal{400, "bad-target", "the request target is not a path"};
    const auto question = head.target.find('?');
    head.path = head.target.substr(0, question);
    head.query = question == std::string_view::npos ? std::string_view{} : head.target.substr(question + 1);
    return {};
}

Check read_header(std::string_view line, RequestHead& head) {
    if (line.front() == ' ' || line.front() == '\t')
        return Refusal{400, "folded-header", "a header goes on in a second line"};
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return Refusal{400, "bad-header", "a header line has no colon"};
    const auto name = line.substr(0, colon);
    if (!is_token(name))
        return Refusal{400, "bad-header", "a header's name is not a token right before its colon"};
    head.headers.emplace_back(name, trimmed(line.substr(colon + 1)));
    return {};
}

Check read_headers(std::string_view bytes, const FramingLimits& limits, RequestHead& head) {
    for (auto line = next_line(bytes); !line.empty(); line = next_line(bytes)) {
        if (head.headers.size() == limits.headers_max)
            return Refusal{431, "too-many-headers", "the head has more headers than the server takes"};
        if (auto bad = read_header(line, head)) return bad;
    }
    return {};
}

/// The headers that say where the request ends, whom it is for and who sends what; each may come once.
struct FramingHeaders {
    std::optional<std::string_view> host, length, coding, authorization, type;
};

Check once(std::optional<std::string_view>& slot, std::string_view value, Refusal repeated) {
    if (slot) return repeated;
    slot = value;
    return {};
}

Check collect(const RequestHead& head, FramingHeaders& found) {
    for (const auto& [name, value] : head.headers) {
        Check bad;
        if (equal_ignoring_case(name, "host"))
            bad = once(found.host, value, {400, "repeated-host", "Host is given more than once"});
        else if (equal_ignoring_case(name, "content-length"))
            bad =
                once(found.length, value, {400, "repeated-length", "Content-Length is given more than once"});
        else if (equal_ignoring_case(name, "transfer-encoding"))
            bad = once(found.coding, value,
                       {400, "repeated-coding", "Transfer-Encoding is given more than once"});
        else if (equal_ignoring_case(name, "authorization"))
            bad = once(found.authorization, value,
                       {400, "repeated-key", "Authorization is given more than once"});
        else if (equal_ignoring_case(name, "content-type"))
            bad = once(found.type, value, {400, "repeated-type", "Content-Type is given more than once"});
        if (bad) return bad;
    }
    return {};
}

Check check_host(const std::optional<std::string_view>& host, const RequestHead& head) {
    if (!host && head.minor == 1) return Refusal{400, "no-host", "an HTTP/1.1 request needs a Host"};
    const auto odd = [](char c) {
        return c <= ' ' || c > '~' || std::string_view("/?#@,\\\"<>").find(c) != std::string_view::npos;
    };
    if (host && std::any_of(host->begin(), host->end(), odd))
        return Refusal{400, "bad-host", "Host is not a name or address with an optional port"};
    return {};
}

Check read_length(std::string_view text, RequestHead& head) {
    const bool digits = !text.empty() && text.size() <= 18 &&
                        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return Refusal{400, "bad-length", "Content-Length is not a plain decimal number"};
    for (const char c : text) head.body.length = head.body.length * 10 + static_cast<std::uint64_t>(c - '0');
    return {};
}

Check read_framing(const FramingHeaders& found, RequestHead& head) {
    if (found.coding) {
        if (head.minor == 0) return Refusal{400, "coding-on-1.0", "HTTP/1.0 has no Transfer-Encoding"};
        if (found.length)
            return Refusal{400, "length-and-coding",
                           "Content-Length and Transfer-Encoding exclude each other"};
        if (!equal_ignoring_case(*found.coding, "chunked"))
            return Refusal{400, "unknown-coding", "the only Transfer-Encoding taken is chunked"};
        head.body.chunked = true;
    } else if (found.length) {
        return read_length(*found.length, head);
    }
    return {};
}

/// Whether a comma separated list holds the word.
bool lists(std::string_view value, std::string_view word) {
    while (!value.empty()) {
        const auto comma = value.find(',');
        if (equal_ignoring_case(trimmed(value.substr(0, comma)), word)) return true;
        if (comma == std::string_view::npos) break;
        value.remove_prefix(comma + 1);
    }
    return false;
}

Check read_connection(RequestHead& head) {
    head.keep_alive = head.minor == 1;
    for (const auto& [name, value] : head.headers) {
        if (equal_ignoring_case(name, "connection")) {
            if (lists(value, "close")) head.keep_alive = false;
            // Keeping an HTTP/1.0 connection would need the answer to say so; closing is always right.
        } else if (equal_ignoring_case(name, "expect")) {
            if (!equal_ignoring_case(value, "100-continue"))
                return Refusal{417, "unknown-expectation", "the only expectation taken is 100-continue"};
            head.expects_continue = head.minor == 1;
        }
    }
    return {};
}

void reset(RequestHead& head) {
    head.headers.clear();
    head.body = {};
    head.keep_alive = true;
    head.expects_continue = false;
}

Check parse(std::string_view bytes, const FramingLimits& limits, RequestHead& head) {
    reset(head);
    auto rest = bytes;
    if (auto bad = read_request_line(next_line(rest), limits, head)) return bad;
    if (auto bad = read_headers(rest, limits, head)) return bad;
    FramingHeaders found;
    if (auto bad = collect(head, found)) return bad;
    if (auto bad = check_host(found.host, head)) return bad;
    if (auto bad = read_framing(found, head)) return bad;
    return read_connection(head);
}

}  // namespace

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

bool equal_ignoring_case(std::string_view left, std::string_view right) {
    return left.size() == right.size() && std::equal(left.begin(), left.end(), right.begin(),
                                                     [](char a, char b) { return lower(a) == lower(b); });
}

std::optional<std::string_view> RequestHead::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (equal_ignoring_case(key, name)) return value;
    return {};
}

HeadFinder::Answer HeadFinder::look(std::string_view bytes) {
    while (true) {
        const auto rest = bytes.substr(line_start_);
        const auto newline = rest.find('\n');
        const auto line = rest.substr(0, newline);
        const bool first_line = line_start_ == 0;
        if (line.size() > limits_.line_bytes_max + 1) return line_too_long(first_line);
        if (line_start_ + line.size() > limits_.head_bytes_max)
            return Refusal{431, "head-too-long", "the head is longer than the server takes"};
        if (newline == std::string_view::npos) return NeedMore{};
        if (line.empty() || line.back() != '\r') return Refusal{400, "bare-lf", "a line ends without CR"};
        const auto content = line.substr(0, line.size() - 1);
        if (std::any_of(content.begin(), content.end(), is_control))
            return Refusal{400, "control-character", "the head holds a control character"};
        if (content.empty() && first_line)
            return Refusal{400, "bad-request-line", "the request starts with an empty line"};
        line_start_ += newline + 1;
        if (content.empty()) return Found{line_start_};
    }
}

std::variant<std::monostate, Refusal> parse_head(std::string_view bytes, const FramingLimits& limits,
                                                 RequestHead& head) {
    if (auto bad = parse(bytes, limits, head)) return *bad;
    return std::monostate{};
}

}  // namespace engine::http
