#pragma once
/// Dry run: one decision with nothing sent or stored.

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/pipeline/engine.h"

namespace engine {

/// `{"event": envelope, "entity"?: {"ticket": {…}, "contact": {…}}, "at"?: time, "explain"?: true}` → one
/// replay line, with `trace` when explained. `entity` says what was known before the event; other kinds in it
/// are linked snapshots. Fails with invalid_input naming the member.
Result<Json> dry_run(const Tenant& tenant, const Json& request, Instant now);

}  // namespace engine
