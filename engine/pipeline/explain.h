#pragma once
/// Explain: why a decision came out as it did, computed again from journal and rule set.

#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/pipeline/engine.h"
#include "engine/store/store.h"

namespace engine {

/// `{"event": envelope, "decision": as journaled, "trace": every rule with its conditions and the values they
/// saw, and under `lookups` what scripts asked for and were told, "reproduced": whether deciding again gave
/// the same}`. With several events of that id, the source must be said. Fails with not_found, with conflict
/// when the id is not enough, with corrupt.
Result<Json> explain(Store& store, const TenantName& tenant, const EventId& id, const std::string& source,
                     std::shared_ptr<rules::ScriptHost> scripts = nullptr);

/// The journaled decision of an event, with `"pending": true` while there is none.
Result<Json> decision_of(Store& store, const TenantName& tenant, const EventId& id,
                         const std::string& source);

/// The events of that id with their whole keys: a look-up by id alone does not know sources, the journal
/// does. The source is empty when the event's content was erased.
Result<std::vector<SeenEvent>> events_of_id(Store& store, const TenantName& tenant, const EventId& id);

}  // namespace engine
