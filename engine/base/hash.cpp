#include "engine/base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "engine/base/ensure.h"

namespace engine {
namespace {

const EVP_MD* method_of(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::sha1:
            return EVP_sha1();
        case Algorithm::sha256:
            return EVP_sha256();
        case Algorithm::sha512:
            return EVP_sha512();
    }
    ensure_failed("a known Algorithm", __FILE__, __LINE__);
}

constexpr std::array<std::int8_t, 256> make_hex_values() {
    std::array<std::int8_t, 256> values{};
    for (auto& value : values) value = -1;
    for (int i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
    for (int i = 0; i < 6; ++i) {
        values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
        values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
    }
    return values;
}
/// -1 for what is no digit. Rows of a journal are read by the hundred thousand.
constexpr auto hex_values = make_hex_values();

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}

}  // namespace

Digest sha256(std::string_view bytes) {
    return sha256({bytes});
}

// The streaming functions are marked deprecated in OpenSSL 3 in favour of EVP, whose context costs an
// allocation a digest; they stay supported, and rows are hashed by the hundred thousand.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
Digest sha256(std::initializer_list<std::string_view> parts) {
    SHA256_CTX context;
    SHA256_Init(&context);
    for (auto part : parts) SHA256_Update(&context, part.data(), part.size());
    Digest out;
    SHA256_Final(out.data(), &context);
    return out;
}
#pragma GCC diagnostic pop

std::string hmac(Algorithm algorithm, std::string_view key, std::string_view message) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out;
    unsigned int size = 0;
    // HMAC() refuses a null key pointer, which an empty view may have.
    const char* key_data = key.empty() ? "" : key.data();
    ENSURE(HMAC(method_of(algorithm), key_data, static_cast<int>(key.size()), octets(message), message.size(),
                out.data(), &size) != nullptr);
    return {reinterpret_cast<const char*>(out.data()), size};
}

std::string digest(Algorithm algorithm, std::string_view message) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out;
    unsigned int size = 0;
    ENSURE(EVP_Digest(message.data(), message.size(), out.data(), &size, method_of(algorithm), nullptr) == 1);
    return {reinterpret_cast<const char*>(out.data()), size};
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
    return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

const unsigned char* octets(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string_view bytes_of(const Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string to_hex(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out(bytes.size() * 2, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        out[2 * i] = digits[byte >> 4];
        out[2 * i + 1] = digits[byte & 15];
    }
    return out;
}

Result<std::string> from_hex(std::string_view text) {
    std::string out;
    if (const auto read = from_hex(text, out); !read) return read.error();
    return out;
}

Result<void> from_hex(std::string_view text, std::string& out) {
    if (text.size() % 2 != 0) return invalid("hex text has an odd length");
    out.resize(text.size() / 2);
    int wrong = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int high = hex_values[static_cast<unsigned char>(text[2 * i])];
        const int low = hex_values[static_cast<unsigned char>(text[2 * i + 1])];
        wrong |= high | low;
        out[i] = static_cast<char>(high * 16 + low);
    }
    if (wrong < 0) return invalid("text is not hex");
    return {};
}

std::string to_base64(std::string_view bytes) {
    std::string out(4 * ((bytes.size() + 2) / 3), '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), octets(bytes),
                    static_cast<int>(bytes.size()));
    return out;
}

Result<std::string> from_base64(std::string_view text) {
    while (!text.empty() && text.back() == '=') text.remove_suffix(1);
    if (text.size() % 4 == 1) return invalid("text is not base64");
    std::string out;
    out.reserve(text.size() * 3 / 4);
    unsigned bits = 0;
    int count = 0;
    for (char c : text) {
        const int value = base64_value(c);
        if (value < 0) return invalid("text is not base64");
        bits = (bits << 6) | static_cast<unsigned>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out.push_back(static_cast<char>((bits >> count) & 0xFF));
        }
    }
    return out;
}

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    ENSURE(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) == 1);
    return out;
}

}  // namespace engine
