#pragma once
/// FieldValues: what the value of one field can be when some comparisons of it have to hold and others not.

#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"
#include "rules/matcher/terms.h"

namespace rules {

/// Beyond it neighbouring whole numbers cannot be told apart by a number between them.
inline constexpr double exact_number_max = 4503599627370496.0;  // 2^52

/// The clock of suppositions and of the events made of them.
engine::Instant supposed_now();

/// Whether the literal looks at other events than the one that is decided: it may hold or not, whatever the
/// field's value is.
bool is_of_other_events(const Literal& literal);
/// Whether the literal holds, or may hold, when its field has the value (null = absent). Not for change
/// conditions.
bool holds_for(const Literal& literal, const engine::Json& value);
bool is_change_condition(const Literal& literal);

/// Whether the change condition may hold when its field has just got the value.
bool holds_after_change(const Literal& literal, const engine::Json& to);

/// Values a field can have. What is neither listed in `found` nor left `open` is impossible, whatever event
/// comes: values are of no type and no enum until the conditions say so.
struct FieldValues {
    std::vector<engine::Json> found;  ///< some that fit; null = absent
    bool open = false;                ///< others may fit that were not found
    bool possible() const { return open || !found.empty(); }
};

/// All literals are of one field. Change conditions among them are left out, and those of other events.
FieldValues values_of(const std::vector<Literal>& literals);

/// What change conditions of one field can see.
struct FieldChanges {
    bool unchanged = false;          ///< they hold when nothing changed
    bool changed = false;            ///< they hold when it changed in some way
    std::vector<engine::Json> from;  ///< values before that fit
    std::vector<engine::Json> to;    ///< values after that fit
    bool possible() const { return unchanged || changed; }
};

/// All literals are of one field; only the change conditions among them count.
FieldChanges changes_of(const std::vector<Literal>& literals);

}  // namespace rules
