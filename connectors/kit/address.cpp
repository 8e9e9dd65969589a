#include "connectors/kit/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/ensure.h"

namespace connectors {
namespace {

constexpr int v4_bits_offset = 96;

std::vector<Network> networks(std::initializer_list<std::string_view> texts) {
    std::vector<Network> all;
    for (const auto text : texts) {
        const auto network = parse_network(text);
        ENSURE(network.has_value());
        all.push_back(*network);
    }
    return all;
}

/// Never: no vendor lives there, and what does is not to be reached by a rule.
const std::vector<Network>& forbidden() {
    static const auto all = networks({"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32",
                                      "::/128", "fe80::/10", "ff00::/8"});
    return all;
}

/// IANA's special-purpose networks that are not reachable from everywhere.
const std::vector<Network>& private_networks() {
    static const auto all =
        networks({"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24",
                  "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
                  "240.0.0.0/4", "::1/128", "100::/64", "2001:db8::/32", "fc00::/7", "fec0::/10"});
    return all;
}

bool is_in(const std::vector<Network>& all, const Address& address) {
    return std::any_of(all.begin(), all.end(),
                       [&](const Network& network) { return contains(network, address); });
}

Address v4_at(const Address& address, std::size_t offset) {
    Address inner = *parse_address("0.0.0.0");
    std::copy_n(address.bytes.begin() + static_cast<std::ptrdiff_t>(offset), 4, inner.bytes.begin() + 12);
    return inner;
}

/// The IPv4 address a translating router would send this to.
std::optional<Address> embedded_v4(const Address& address) {
    static const auto nat64 = *parse_network("64:ff9b::/96");
    static const auto six_to_four = *parse_network("2002::/16");
    static const auto compatible = *parse_network("::/96");
    if (contains(nat64, address) || contains(compatible, address)) return v4_at(address, 12);
    if (contains(six_to_four, address)) return v4_at(address, 2);
    return std::nullopt;
}

}  // namespace

bool Address::is_v4() const {
    static constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

std::optional<Address> parse_address(std::string_view text) {
    const std::string copy(text);
    Address address;
    in_addr v4{};
    if (inet_pton(AF_INET, copy.c_str(), &v4) == 1) {
        address.bytes[10] = address.bytes[11] = 0xFF;
        std::memcpy(address.bytes.data() + 12, &v4, 4);
        return address;
    }
    in6_addr v6{};
    if (inet_pton(AF_INET6, copy.c_str(), &v6) != 1) return std::nullopt;
    std::memcpy(address.bytes.data(), &v6, 16);
    return address;
}

std::optional<Network> parse_network(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    Network network{*address, 128};
    if (slash == std::string_view::npos) return network;
    const auto digits = text.substr(slash + 1);
    int bits = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const bool v4 = address->is_v4() && text.find(':') == std::string_view::npos;
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || bits < 0 ||
        bits > (v4 ? 32 : 128))
        return std::nullopt;
    network.bits = v4 ? v4_bits_offset + bits : bits;
    return network;
}

bool contains(const Network& network, const Address& address) {
    for (int bit = 0; bit < network.bits; ++bit) {
        const auto byte = static_cast<std::size_t>(bit / 8);
        const int mask = 0x80 >> (bit % 8);
        if ((network.base.bytes[byte] & mask) != (address.bytes[byte] & mask)) return false;
    }
    return true;
}

bool may_connect(const Address& address, bool allow_private) {
    if (is_in(forbidden(), address)) return false;
    if (!allow_private && is_in(private_networks(), address)) return false;
    static const auto loopback = *parse_address("::1");
    if (address == loopback || address.is_v4()) return true;
    const auto inner = embedded_v4(address);
    return !inner || may_connect(*inner, allow_private);
}

}  // namespace connectors
