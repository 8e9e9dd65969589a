#pragma once
/// Absolute http and https addresses: parsing strictly, so that what is checked is what is connected to.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace connectors {

struct Url {
    std::string scheme;  ///< `http` or `https`
    std::string host;    ///< lower case; an IPv6 address without its brackets
    std::uint16_t port = 0;
    std::string target;  ///< path and query, at least `/`
    bool is_https() const { return scheme == "https"; }
};

/// Fails with invalid_input for other schemes, user information, a fragment, white space or control
/// characters, an IPv6 zone, or a port that is none. The message does not repeat the address: it may hold a
/// secret.
engine::Result<Url> parse_url(std::string_view text);
/// What the Host header says: the port only when it is not the scheme's own.
std::string authority_of(const Url& url);

}  // namespace connectors
