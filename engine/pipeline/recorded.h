#pragma once
/// Recorded: the world as a journaled decision saw it, and the decision made again in it.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/model/decision.h"
#include "engine/pipeline/decide_event.h"
#include "engine/pipeline/projector.h"

namespace engine {

/// The tenant's versions, compiled when first asked for; keeps those used last. Fails with not_found when the
/// store does not have the version, with corrupt when it does not compile any more. Their scripts are run by
/// that host.
TenantAt tenants_of(Store& store, const TenantName& name,
                    std::shared_ptr<rules::ScriptHost> scripts = nullptr);

/// Finds another entity as a version left it.
using EntityAt = std::function<Result<Entity>(const Subject& subject, std::uint64_t version)>;

/// Decides the event again: under the rule set of then, on `before`, the entity as it was, on the linked
/// entities at the versions that the decision names, and by its clock. What the owner of the store gave
/// (`placed`) is taken as recorded, so that to_json(…, true) of both can be compared. Fails as the functions
/// given fail.
Result<Decision> decide_again(const std::shared_ptr<const Event>& event, const Decision& decision,
                              const Entity& before, const TenantAt& tenant_at, const EntityAt& entity_at,
                              bool trace = false);

}  // namespace engine
