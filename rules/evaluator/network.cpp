#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "rules/rule_set.h"

namespace rules {
namespace {

constexpr int mapped_bits = 96;  // ::ffff:0:0/96 holds the IPv4 addresses

std::optional<int> parse_prefix(std::string_view digits, int bits_max) {
    int value = 0;
    const auto* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc() || stop != end || value < 0 || value > bits_max) return std::nullopt;
    return value;
}

engine::Error not_a_network(std::string_view text) {
    return engine::invalid("\"" + std::string(text) + "\" is no network such as 10.0.0.0/8 or 2001:db8::/32");
}

}  // namespace

std::optional<std::array<std::uint8_t, 16>> parse_address(std::string_view text) {
    char buffer[INET6_ADDRSTRLEN + 1] = {};
    if (text.empty() || text.size() > INET6_ADDRSTRLEN) return std::nullopt;
    std::memcpy(buffer, text.data(), text.size());
    std::array<std::uint8_t, 16> address{};
    if (text.find(':') != std::string_view::npos) {
        if (inet_pton(AF_INET6, buffer, address.data()) != 1) return std::nullopt;
        return address;
    }
    address[10] = address[11] = 0xff;
    if (inet_pton(AF_INET, buffer, address.data() + 12) != 1) return std::nullopt;
    return address;
}

engine::Result<Network> parse_network(std::string_view text) {
    const auto slash = text.find('/');
    const auto host = text.substr(0, slash);
    const auto address = parse_address(host);
    if (!address) return not_a_network(text);
    if (slash == std::string_view::npos) return Network{*address, 128};
    const bool is_ipv4 = host.find(':') == std::string_view::npos;
    const auto prefix = parse_prefix(text.substr(slash + 1), is_ipv4 ? 32 : 128);
    if (!prefix) return not_a_network(text);
    return Network{*address, is_ipv4 ? mapped_bits + *prefix : *prefix};
}

}  // namespace rules
