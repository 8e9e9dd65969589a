#pragma once
/// IP addresses and networks: who may call us, and whom we may call. The one place where both are decided.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace connectors {

/// IPv4 is kept as ::ffff:a.b.c.d, so that both ways of writing one address are the same.
struct Address {
    std::array<std::uint8_t, 16> bytes{};
    bool is_v4() const;
    friend bool operator==(const Address&, const Address&) = default;
};

struct Network {
    Address base;
    int bits = 128;  ///< of the 16 bytes
};

/// Strict: four decimal parts, or RFC 4291 text; no zone.
std::optional<Address> parse_address(std::string_view text);
/// `192.0.2.0/24`, `2001:db8::/32` or a single address.
std::optional<Network> parse_network(std::string_view text);
bool contains(const Network& network, const Address& address);

/// Whether a request may go to the address. Link-local (where clouds keep their metadata), unspecified,
/// multicast and broadcast never; loopback, private and other special networks when `allow_private`. An IPv4
/// address inside NAT64 or 6to4 counts as itself.
bool may_connect(const Address& address, bool allow_private);

}  // namespace connectors
