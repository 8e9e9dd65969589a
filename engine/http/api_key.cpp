#include "engine/http/api_key.h"

#include <algorithm>

#include "engine/base/diagnostic.h"
#include "engine/base/hash.h"

namespace engine::http {
namespace {

constexpr std::string_view prefix = "sbx_live_";
constexpr std::size_t id_letters = 12;
constexpr std::size_t secret_letters = 32;  // 190 bits
constexpr std::size_t check_letters = 6;
constexpr std::size_t key_letters = prefix.size() + id_letters + 1 + secret_letters + check_letters;
constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Letters of the alphabet, all equally likely: bytes that would favour some are thrown away.
std::string random_letters(std::size_t count) {
    std::string letters;
    while (letters.size() < count)
        for (const char byte : random_bytes(count))
            if (const auto value = static_cast<unsigned char>(byte); value < 248 && letters.size() < count)
                letters += alphabet[value % alphabet.size()];
    return letters;
}

std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = 0xFFFFFFFFu;
    for (const char byte : bytes) {
        crc ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

std::string check_of(std::string_view text) {
    std::string letters(check_letters, '0');
    auto rest = crc32(text);
    for (auto letter = letters.rbegin(); letter != letters.rend(); ++letter, rest /= 62)
        *letter = alphabet[rest % 62];
    return letters;
}

bool all_letters(std::string_view text) {
    return text.find_first_not_of(alphabet) == std::string_view::npos;
}

}  // namespace

Result<void> check_scopes(const std::vector<std::string>& wanted) {
    for (const auto& scope : wanted) {
        if (std::find(scopes.begin(), scopes.end(), scope) != scopes.end()) continue;
        return invalid("there is no scope \"" + scope + "\"" + hint(scope, {scopes.begin(), scopes.end()}));
    }
    return {};
}

NewKey make_key(const TenantName& tenant, const std::string& name, const std::vector<std::string>& scopes,
                std::optional<Instant> expires, Instant now) {
    NewKey made;
    made.key.id = random_letters(id_letters);
    made.key.tenant = tenant;
    made.key.name = name;
    made.key.scopes = scopes;
    made.key.created = now;
    made.key.expires = expires;
    const auto secret = random_letters(secret_letters);
    made.key.secret_digest = sha256(secret);
    made.text = std::string(prefix) + made.key.id + '_' + secret;
    made.text += check_of(made.text);
    return made;
}

Result<PresentedKey> parse_key(std::string_view text) {
    const Error no_key = denied("this is no API key");
    if (text.size() != key_letters || !text.starts_with(prefix)) return no_key;
    const auto body = text.substr(0, key_letters - check_letters);
    if (!equal_in_constant_time(text.substr(body.size()), check_of(body))) return no_key;
    const auto id = body.substr(prefix.size(), id_letters);
    const auto secret = body.substr(prefix.size() + id_letters + 1);
    if (!all_letters(id) || !all_letters(secret) || body[prefix.size() + id_letters] != '_') return no_key;
    return PresentedKey{std::string(id), sha256(secret)};
}

KeyVerdict judge(const PresentedKey& presented, const ApiKey* stored, Instant now) {
    static const Digest nobody{};
    const auto& digest = stored ? stored->secret_digest : nobody;
    const bool same = equal_in_constant_time(bytes_of(presented.secret_digest), bytes_of(digest));
    const bool live = stored && !stored->revoked && (!stored->expires || now < *stored->expires);
    return same && live ? KeyVerdict::good : KeyVerdict::refused;
}

bool allows(const ApiKey& key, std::string_view scope) {
    return std::find(key.scopes.begin(), key.scopes.end(), scope) != key.scopes.end();
}

}  // namespace engine::http
