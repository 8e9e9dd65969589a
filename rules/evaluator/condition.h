#pragma once
/// Evaluates conditions on what a rule can read.

#include <map>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/model/change.h"
#include "rules/rule_set.h"

namespace rules {

/// What a rule can read at one moment. Borrowed; lives as long as the evaluation.
struct Scope {
    /// By root: the entity's kind, other kinds, `event`, `steps`.
    std::map<std::string, const engine::Json*, std::less<>> roots;
    const std::vector<engine::Change>* changes = nullptr;  ///< what change conditions look at
    engine::Instant now{};

    const engine::Json* find(const FieldPath& path) const;
    const engine::Json* find(const engine::Path& path) const;
};

bool holds(const Condition& condition, const Scope& scope);
bool holds(const Comparison& comparison, const Scope& scope);

/// The same, with nothing left out: `{"all":[{"field","op","operand","value","result","note"?},…],"result"}`.
engine::Json explain(const Condition& condition, const Scope& scope);

}  // namespace rules
