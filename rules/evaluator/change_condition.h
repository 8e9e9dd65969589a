#pragma once
/// What a list of changes says of one field.

#include <vector>

#include "engine/base/json.h"
#include "engine/model/change.h"
#include "rules/rule_set.h"

namespace rules {

/// Borrowed from the changes.
struct FieldChange {
    bool changed = false;
    const engine::Json* from = nullptr;  ///< before the first change; null when absent or not known
    const engine::Json* to = nullptr;    ///< after the last one; null when absent or not known
};

/// A change below the field changes it, without telling its whole values. A change of an object above it
/// counts when the field's own value differs.
FieldChange change_of(const FieldPath& field, const std::vector<engine::Change>* changes);

}  // namespace rules
