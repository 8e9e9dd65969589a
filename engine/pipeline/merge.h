#pragma once
/// Merges an event's payload into its entity: RFC 7396 with a vendor time per field. Pure.

#include <string>
#include <vector>

#include "engine/model/change.h"
#include "engine/model/decision.h"
#include "engine/model/entity.h"
#include "engine/model/event.h"
#include "rules/catalogue.h"

namespace engine {

struct Merged {
    Entity entity;                ///< version not raised yet
    std::vector<Change> changes;  ///< what rules see as changed
    /// Every value of the payload that is neither null nor an object stands in the fields as it came.
    bool as_said = false;
    bool stale = false;          ///< the payload held only older values: nothing was taken
    bool fields_differ = false;  ///< the fields or the tombstone changed: a new version is due
    std::vector<std::string> notes;
};

/// `before` has version 0 when the entity was never seen.
Merged merge(const Entity& before, const Event& event, const rules::Catalogue& catalogue);

/// Whether the two values of a field are the same: absent is null, tags are sets.
bool same_value(const Json& left, const Json& right, bool as_set);

/// Writes a rule's change into the entity; the fields' vendor times stay what they were.
void apply(Entity& entity, const Change& change);

/// Remembers what the entity's owner does not know until the write-back `key` is delivered.
void note_own_writes(Entity& entity, const Decision& decision, const DeliveryKey& key);

/// Who did it: the connector's word, else `data.actor`.
std::string actor_of(const Event& event);

}  // namespace engine
