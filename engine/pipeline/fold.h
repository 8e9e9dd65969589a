#pragma once
/// Fold: what an entity was at some point, from the journal alone.

#include "engine/base/result.h"
#include "engine/model/entity.h"
#include "engine/pipeline/projector.h"
#include "engine/store/store.h"

namespace engine {

/// The entity as it was before the journal row `stream_seq` of its stream, or (with `version`) as that
/// version left it. An erasure is a new beginning. Fails with not_found when the journal does not reach that
/// version, or when what it takes was erased or taken away; with exhausted when the history is too long to be
/// read at once.
Result<Entity> entity_before(Store& store, const TenantName& tenant, const Subject& subject,
                             std::uint64_t stream_seq, const TenantAt& tenant_at);
Result<Entity> entity_at(Store& store, const TenantName& tenant, const Subject& subject,
                         std::uint64_t version, const TenantAt& tenant_at);

}  // namespace engine
