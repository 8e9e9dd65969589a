#pragma once
/// How values are written into columns, the same way in every backend.

#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/store/store.h"

namespace engine {

/// JSON text that reads back equal, large integers included (canonical bytes would make them texts).
std::string stored_text(const Json& value);
/// Reads what stored_text wrote; `what` names it in the message. Fails with corrupt.
Result<Json> parse_stored(std::string_view text, std::string_view what);

/// stored_text(to_json(delivery)), without making the JSON value: one is written for every action.
std::string stored_delivery(const Delivery& delivery);

/// 16 bytes of SHA-256(tenant NUL id). No two ids are known, or can be made, that share them by less than
/// 2^64 tries.
std::string id_key(const TenantName& tenant, const EventId& id);
/// id_key, then 16 bytes of SHA-256(source).
std::string event_key(const EventKey& key);

/// Trimmed and lower case.
std::string normal_email(std::string_view email);
/// The normalised `email` of a living entity's fields; empty when it has none.
std::string email_of(const Entity& entity);

/// Fails with corrupt unless the bytes are a digest.
Result<Digest> digest_from(std::string_view bytes, std::string_view what);

/// The entity as stored. Fails with corrupt.
Result<Entity> entity_from(const TenantName& tenant, std::string_view subject, std::uint64_t version,
                           std::string_view fields, std::string_view meta);
Result<Subject> subject_from(std::string_view text);

/// The event that a conflict of the step is said to be of.
std::string event_named_by(const Step& step);
/// Subjects of a kind are those from `kind/` to before `kind0`: '0' follows '/'. No kind is all of them.
std::string first_subject(std::string_view kind);
std::string end_of_subjects(std::string_view kind);
/// Of a key, stored as a JSON list. Fails with corrupt.
Result<std::vector<std::string>> scopes_from(std::string_view text);

}  // namespace engine
