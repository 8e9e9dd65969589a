#pragma once
/// Whether a value may be written to a field. Nothing is coerced.

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "rules/rule_set.h"

namespace rules {

/// The value as it will be written: tags without repetitions, everything else as it is. Null always fits;
/// of an object each declared field in it is held to its own type.
/// Fails with invalid_input naming the field, what it takes and what came.
engine::Result<engine::Json> fit(const Catalogue& catalogue, const FieldPath& field, engine::Json value);

/// What is odd about a value that came in for a declared field, in words; empty when nothing is. Null never
/// is.
std::string oddity_of(const Field& declared, const std::string& field, const engine::Json& value);

}  // namespace rules
