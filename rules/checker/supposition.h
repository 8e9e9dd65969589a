#pragma once
/// Supposition: a world in which literals hold together, or the certainty that there is none.

#include <optional>
#include <string>
#include <vector>

#include "rules/checker/event_types.h"
#include "rules/checker/field_values.h"
#include "rules/matcher/terms.h"

namespace rules {

/// What is supposed of one field.
struct SupposedField {
    FieldPath path;
    std::vector<engine::Json> values;  ///< any of them will do, the first is the best; null = absent
    bool asks_of_change = false;
    bool changed = false;
    engine::Json from;
};

struct Supposition {
    std::string event_type;
    std::vector<SupposedField> fields;
};

/// False only when no event of these types and no entity makes all literals hold, whatever the fields hold.
bool can_hold(const std::vector<Literal>& literals, const TypePatterns& types);

/// The field whose literals exclude each other; nothing when none does.
std::optional<std::vector<Literal>> contradiction_in(const std::vector<Literal>& literals,
                                                     const TypePatterns& types);

/// A world in which they hold, with values of the catalogue where those do; nothing when none was found,
/// which does not mean that there is none.
std::optional<Supposition> suppose(const std::vector<Literal>& literals, const TypePatterns& types,
                                   const Catalogue& catalogue);

/// Certain that the literal holds whenever all the others do.
bool implies(const std::vector<Literal>& literals, const Literal& literal, const TypePatterns& types);

}  // namespace rules
