#include "rules/evaluator/change_condition.h"

#include <string_view>

#include "rules/evaluator/compare.h"

namespace rules {
namespace {

using engine::Change;
using engine::Json;

const Json* leaf(const Json& value, std::string_view rest) {
    return rest.empty() ? &value : engine::find(value, rest);
}

/// The change as the field `rest` below (or at) the changed field sees it.
void see(FieldChange& seen, const Change& change, std::string_view rest) {
    const auto* from = leaf(change.from, rest);
    const auto* to = leaf(change.to, rest);
    if (!rest.empty() && same_value(from, to)) return;
    if (!seen.changed) seen.from = from;
    seen.changed = true;
    seen.to = to;
}

}  // namespace

FieldChange change_of(const FieldPath& field, const std::vector<Change>* changes) {
    FieldChange seen;
    bool changed_below = false;
    if (!changes) return seen;
    for (const auto& change : *changes) {
        if (change.field == field.text)
            see(seen, change, "");
        else if (is_below(field.text, change.field))
            see(seen, change, std::string_view(field.text).substr(change.field.size() + 1));
        else if (is_below(change.field, field.text))
            changed_below = true;
    }
    seen.changed = seen.changed || changed_below;
    return seen;
}

}  // namespace rules
