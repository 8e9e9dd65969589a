#include "rules/checker/supposition.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "rules/evaluator/change_condition.h"
#include "rules/evaluator/compare.h"
#include "rules/evaluator/fit.h"
#include "rules/matcher/matcher.h"

namespace rules {
namespace {

using engine::Json;

using ByField = std::map<std::string_view, std::vector<Literal>>;

ByField by_field(const std::vector<Literal>& literals) {
    ByField fields;
    for (const auto& literal : literals) fields[literal.comparison->field.text].push_back(literal);
    return fields;
}

bool all_hold(const std::vector<Literal>& literals, const Json& value) {
    return std::all_of(literals.begin(), literals.end(),
                       [&](const Literal& literal) { return holds_for(literal, value); });
}

constexpr std::string_view type_field = "event.type";

/// The event's type is a text that fits `on`; anything else it cannot be.
bool type_can_hold(const std::vector<Literal>& literals, const TypePatterns& types) {
    const bool any_glob = std::any_of(types.begin(), types.end(), [](const std::string& pattern) {
        return pattern.find('*') != std::string::npos;
    });
    const bool one_fits = std::any_of(types.begin(), types.end(),
                                      [&](const std::string& type) { return all_hold(literals, type); });
    if (one_fits || !any_glob) return one_fits;
    const auto values = values_of(literals);
    const bool fits = std::any_of(values.found.begin(), values.found.end(),
                                  [](const Json& value) { return value.is_string(); });
    return values.open || fits;
}

/// In one decision the same is counted once.
bool counts_contradict(const std::vector<Literal>& literals) {
    for (const auto& one : literals)
        for (const auto& other : literals)
            if (is_of_other_events(one) && is_of_other_events(other) && one.negated && !other.negated &&
                one.comparison->operand == other.comparison->operand)
                return true;
    return false;
}

bool field_can_hold(const std::vector<Literal>& literals, const TypePatterns& types) {
    const auto& field = literals.front().comparison->field;
    if (counts_contradict(literals)) return false;
    const bool asks_of_change = std::any_of(literals.begin(), literals.end(), is_change_condition);
    if (asks_of_change && !changes_of(literals).possible()) return false;
    if (field.text == type_field && !asks_of_change) return type_can_hold(literals, types);
    return values_of(literals).possible();
}

bool can_be_absent(const std::vector<Literal>& literals) {
    return std::all_of(literals.begin(), literals.end(), [](const Literal& literal) {
        return is_change_condition(literal) || holds_for(literal, Json());
    });
}

/// Whether the field may hold an object that the fields below it lie in.
bool can_be_object(const std::vector<Literal>& literals) {
    const auto values = values_of(literals);
    return values.open || std::any_of(values.found.begin(), values.found.end(),
                                      [](const Json& value) { return value.is_object(); });
}

/// A field that is there lies in an object.
std::optional<std::vector<Literal>> contradiction_between(const ByField& fields) {
    for (auto outer = fields.begin(); outer != fields.end(); ++outer)
        for (auto inner = std::next(outer); inner != fields.end(); ++inner) {
            if (!inner->first.starts_with(outer->first)) break;
            if (!is_below(inner->first, outer->first)) continue;
            if (can_be_absent(inner->second) || can_be_object(outer->second)) continue;
            auto both = outer->second;
            both.insert(both.end(), inner->second.begin(), inner->second.end());
            return both;
        }
    return std::nullopt;
}

// ---- worlds ----

void keep(std::vector<Json>& values, const std::vector<Literal>& literals) {
    std::erase_if(values, [&](const Json& value) {
        return !std::all_of(literals.begin(), literals.end(), [&](const Literal& literal) {
            return is_change_condition(literal) || holds_for(literal, value);
        });
    });
}

bool may_change_to(const std::vector<Literal>& literals, const Json& value) {
    const std::vector<engine::Change> changes{
        {literals.front().comparison->field.text, Json(), value, "", ""}};
    Scope scope;
    scope.changes = &changes;
    return std::all_of(literals.begin(), literals.end(), [&](const Literal& literal) {
        return literal.comparison->op != Operator::changed_to ||
               holds(*literal.comparison, scope) != literal.negated;
    });
}

/// A change whose end is the field's value.
bool suppose_change(const std::vector<Literal>& literals, const FieldChanges& changes, SupposedField& field) {
    field.asks_of_change = true;
    if (changes.unchanged) return true;
    field.changed = true;
    auto values = field.values;
    std::copy(changes.to.begin(), changes.to.end(), std::back_inserter(values));
    std::erase_if(values, [&](const Json& value) { return !may_change_to(literals, value); });
    keep(values, literals);
    for (const auto& from : changes.from)
        for (const auto& to : values)
            if (!same_value(&from, &to)) {
                field.from = from;
                field.values = {to};
                return true;
            }
    return false;
}

/// Puts what the catalogue knows of the field first: examples are for people.
void prefer_usual(std::vector<Json>& values, const FieldPath& path, const std::vector<Literal>& literals,
                  const Catalogue& catalogue) {
    const auto* declared = catalogue.find(path.text);
    if (declared == nullptr) return;
    std::vector<Json> listed(declared->values.begin(), declared->values.end());
    keep(listed, literals);
    values.insert(values.begin(), listed.begin(), listed.end());
    std::stable_partition(values.begin(), values.end(), [&](const Json& value) {
        return !value.is_null() && oddity_of(*declared, path.text, value).empty();
    });
}

std::optional<SupposedField> supposed(const std::vector<Literal>& literals, const Catalogue& catalogue) {
    // No single event shows it.
    if (std::any_of(literals.begin(), literals.end(), is_of_other_events)) return std::nullopt;
    SupposedField field{literals.front().comparison->field, values_of(literals).found, false, false, {}};
    prefer_usual(field.values, field.path, literals, catalogue);
    const bool asks_of_change = std::any_of(literals.begin(), literals.end(), is_change_condition);
    if (asks_of_change && !suppose_change(literals, changes_of(literals), field)) return std::nullopt;
    if (field.values.empty()) return std::nullopt;
    return field;
}

std::optional<std::string> supposed_type(const std::vector<Literal>& literals,
                                         const std::vector<std::string>& types) {
    for (const auto& type : types)
        if (all_hold(literals, type)) return type;
    return std::nullopt;
}

}  // namespace

bool can_hold(const std::vector<Literal>& literals, const TypePatterns& types) {
    return !contradiction_in(literals, types);
}

std::optional<std::vector<Literal>> contradiction_in(const std::vector<Literal>& literals,
                                                     const TypePatterns& types) {
    const auto fields = by_field(literals);
    for (const auto& [name, asked] : fields)
        if (!field_can_hold(asked, types)) return asked;
    return contradiction_between(fields);
}

std::optional<Supposition> suppose(const std::vector<Literal>& literals, const TypePatterns& types,
                                   const Catalogue& catalogue) {
    Supposition world;
    const auto fields = by_field(literals);
    const auto about_type = fields.find(type_field);
    const auto type = supposed_type(about_type == fields.end() ? std::vector<Literal>() : about_type->second,
                                    types_in_both(types, {"*"}));
    if (!type) return std::nullopt;
    world.event_type = *type;
    for (const auto& [name, asked] : fields) {
        if (name == type_field) continue;
        auto field = supposed(asked, catalogue);
        if (!field) return std::nullopt;
        world.fields.push_back(std::move(*field));
    }
    return world;
}

bool implies(const std::vector<Literal>& literals, const Literal& literal, const TypePatterns& types) {
    // What the other fields ask cannot exclude more than what lies on the way to this one.
    std::vector<Literal> near{{literal.comparison, !literal.negated}};
    const std::string_view name = literal.comparison->field.text;
    for (const auto& one : literals) {
        const std::string_view other = one.comparison->field.text;
        if (touches(other, name)) near.push_back(one);
    }
    return !can_hold(near, types);
}

}  // namespace rules
