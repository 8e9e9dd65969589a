#pragma once
/// Digests, message authentication and their texts. With tls.h the home of OpenSSL.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace engine {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view bytes);
/// SHA-256 over the parts one after another, without joining them.
Digest sha256(std::initializer_list<std::string_view> parts);

enum class Algorithm { sha1, sha256, sha512 };
/// The raw bytes of the HMAC (RFC 2104).
std::string hmac(Algorithm algorithm, std::string_view key, std::string_view message);
/// The raw bytes of the plain digest.
std::string digest(Algorithm algorithm, std::string_view message);

/// Compares in a time that depends only on the lengths.
bool equal_in_constant_time(std::string_view left, std::string_view right);

std::string_view bytes_of(const Digest& digest);
/// The bytes as OpenSSL takes them.
const unsigned char* octets(std::string_view bytes);
std::string to_hex(std::string_view bytes);
/// Reads upper and lower case. Fails with invalid_input.
Result<std::string> from_hex(std::string_view text);
/// The same into memory that is used again.
Result<void> from_hex(std::string_view text, std::string& out);
/// RFC 4648 with padding.
std::string to_base64(std::string_view bytes);
/// Padding may be left out; the URL alphabet is read too. Fails with invalid_input.
Result<std::string> from_base64(std::string_view text);

/// Bytes from the operating system's generator: salts and keys.
std::string random_bytes(std::size_t count);

}  // namespace engine
