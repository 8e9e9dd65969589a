#include "engine/pipeline/key_json.h"

#include <algorithm>

namespace engine {

Json key_to_json(const ApiKey& key) {
    Json json{{"id", key.id},
              {"name", key.name},
              {"secret_digest", to_hex(bytes_of(key.secret_digest))},
              {"scopes", key.scopes},
              {"created", to_text(key.created)}};
    if (key.expires) json["expires"] = to_text(*key.expires);
    return json;
}

Result<ApiKey> key_from_json(const TenantName& tenant, const Json& json) {
    ApiKey key;
    key.tenant = tenant;
    key.id = text_or(json, "id", "");
    key.name = text_or(json, "name", "");
    const auto digest = from_hex(text_or(json, "secret_digest", ""));
    if (key.id.empty() || !digest || digest->size() != key.secret_digest.size())
        return invalid("a key needs an id and the digest of its secret");
    std::copy(digest->begin(), digest->end(), key.secret_digest.begin());
    if (const auto* scopes = find(json, "scopes"); scopes != nullptr && scopes->is_array())
        for (const auto& scope : *scopes)
            if (scope.is_string()) key.scopes.push_back(scope.get<std::string>());
    const auto created = parse_instant(text_or(json, "created", ""));
    if (!created) return created.error();
    key.created = *created;
    if (json.contains("expires")) {
        const auto expires = parse_instant(text_or(json, "expires", ""));
        if (!expires) return expires.error();
        key.expires = *expires;
    }
    return key;
}

}  // namespace engine
