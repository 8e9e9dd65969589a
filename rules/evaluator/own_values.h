#pragma once
/// A tenant's own values, which scripts read and write: each is an entity `kv/<key>`.

#include <optional>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/model/subject.h"

namespace rules {

/// What a script needs when it reads one, with `key` among its params.
inline constexpr auto own_values = "kv";
/// The event that writes one, `{"kv":{"json"},"if_version"?}`. A null removes it. With another version it
/// comes too late: it is stale, and changes nothing.
inline constexpr auto value_set_type = "kv.set";

/// Fails with invalid_input when the key cannot be one.
engine::Result<engine::Subject> subject_of_value(const std::string& key);

/// The data of value_set_type; null removes. As text, as two objects are no third one here.
engine::Json data_of_value(const engine::Json& value);
/// What data_of_value wrote, of the entity's fields; nothing when there is none.
std::optional<engine::Json> value_of(const engine::Json& fields);

}  // namespace rules
