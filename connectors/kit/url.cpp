#include "connectors/kit/url.h"

#include <algorithm>
#include <charconv>

namespace connectors {
namespace {

using engine::Result;

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_address_character(char c) {
    return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

Result<std::uint16_t> read_port(std::string_view text) {
    unsigned port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || port == 0 || port > 65535)
        return engine::invalid("the port of the URL is no number from 1 to 65535");
    return static_cast<std::uint16_t>(port);
}

/// Splits `host:port` and `[address]:port`.
Result<std::string_view> read_host(Url& url, std::string_view authority) {
    const bool bracketed = authority.starts_with('[');
    const auto close = bracketed ? authority.find(']') : authority.find(':');
    if (bracketed && close == std::string_view::npos)
        return engine::invalid("the URL's host lacks its \"]\"");
    url.host = lower(bracketed ? authority.substr(1, close - 1) : authority.substr(0, close));
    const bool good = bracketed ? std::all_of(url.host.begin(), url.host.end(), is_address_character)
                                : std::all_of(url.host.begin(), url.host.end(), is_host_character);
    if (!good || url.host.empty() || url.host.size() > 253)
        return engine::invalid("the URL's host is not valid");
    if (close == std::string_view::npos) return std::string_view{};
    return authority.substr(bracketed ? close + 1 : close);
}

Result<void> read_authority(Url& url, std::string_view authority) {
    if (authority.find('@') != std::string_view::npos)
        return engine::invalid("the URL has user information before its host");
    const auto rest = read_host(url, authority);
    if (!rest) return rest.error();
    if (rest->empty()) return {};
    if (!rest->starts_with(':')) return engine::invalid("the URL's host is not valid");
    const auto port = read_port(rest->substr(1));
    if (!port) return port.error();
    url.port = *port;
    return {};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
    if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= 0x20 || c >= 0x7F; }))
        return engine::invalid("the URL holds a space, a control character or a letter that is not encoded");
    const auto colon = text.find("://");
    Url url;
    if (colon != std::string_view::npos) url.scheme = lower(text.substr(0, colon));
    if (url.scheme != "http" && url.scheme != "https")
        return engine::invalid("the URL does not start with http:// or https://");
    text.remove_prefix(colon + 3);
    if (text.find('#') != std::string_view::npos || text.find('\\') != std::string_view::npos)
        return engine::invalid("the URL holds a fragment or a backslash");
    url.port = url.is_https() ? 443 : 80;
    const auto end = std::min(text.find_first_of("/?"), text.size());
    if (const auto read = read_authority(url, text.substr(0, end)); !read) return read.error();
    url.target = text.substr(end);
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    return url;
}

std::string authority_of(const Url& url) {
    const bool is_address = url.host.find(':') != std::string::npos;
    const auto host = is_address ? "[" + url.host + "]" : url.host;
    const bool default_port = url.port == (url.is_https() ? 443 : 80);
    return default_port ? host : host + ":" + std::to_string(url.port);
}

}  // namespace connectors
