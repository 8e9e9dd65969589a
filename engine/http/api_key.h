#pragma once
/// API keys: making, reading and checking their text, `sbx_live_<id>_<secret><crc>`.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"
#include "engine/store/store.h"

namespace engine::http {

/// What a key may be allowed; it may do nothing else.
inline constexpr std::array<std::string_view, 5> scopes{"events:write", "events:read", "rules:read",
                                                        "dlq:write", "audit:read"};

/// Fails with invalid_input naming the scope that does not exist and the nearest one.
Result<void> check_scopes(const std::vector<std::string>& wanted);

struct NewKey {
    std::string text;  ///< shown once and kept nowhere
    ApiKey key;        ///< what the store keeps: the digest of the secret only
};
NewKey make_key(const TenantName& tenant, const std::string& name, const std::vector<std::string>& scopes,
                std::optional<Instant> expires, Instant now);

/// What a caller showed. The check sum says only that nothing was mistyped.
struct PresentedKey {
    std::string id;
    Digest secret_digest{};
};
/// Fails with denied when the text is no key at all.
Result<PresentedKey> parse_key(std::string_view text);

enum class KeyVerdict {
    good,
    refused,  ///< unknown, another secret, expired or revoked: callers are not told which
};
/// `stored` null = no such key; takes as long as with one.
KeyVerdict judge(const PresentedKey& presented, const ApiKey* stored, Instant now);

bool allows(const ApiKey& key, std::string_view scope);

}  // namespace engine::http
