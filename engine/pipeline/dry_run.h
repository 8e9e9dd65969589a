#pragma once
/// Dry run: one decision with nothing sent or stored.

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/pipeline/engine.h"
#include "engine/store/store.h"

namespace engine {

/// `{"event": envelope, "entity"?: {"ticket": {…}, "contact": {…}}, "at"?: time, "explain"?: true}` → one
/// replay line, with `trace` when explained. `entity` says what was known before the event; other kinds in it
/// are linked snapshots. What was counted before, of this entity and of others, is taken from the store; null
/// = nothing was. Fails with invalid_input naming the member, and as the store fails.
Result<Json> dry_run(const Tenant& tenant, const Json& request, Instant now, Store* store = nullptr);

}  // namespace engine
