#pragma once
/// Equality and order of JSON values as rules mean them: numbers by value, absent and null as one, tags as
/// sets.

#include <compare>
#include <optional>
#include <span>

#include "engine/base/json.h"
#include "rules/catalogue.h"

namespace rules {

inline bool is_absent(const engine::Json* value) {
    return value == nullptr || value->is_null();
}

/// Whether both are texts, both numbers, …; 5 and 5.0 are of one kind.
bool same_kind(const engine::Json& left, const engine::Json& right);
/// "text", "number", "boolean", "list", "object" or "nothing".
const char* kind_name(const engine::Json& value);

/// 5 equals 5.0; a member that is null equals a member that is missing; lists go by order.
bool same_value(const engine::Json& left, const engine::Json& right);
/// Null pointers stand for absent.
bool same_value(const engine::Json* left, const engine::Json* right);
/// The number, exactly, whatever JSON holds.
long double exact_number(const engine::Json& number);
/// Both numbers. Exact, also between integers and floating point beyond 2^53.
std::partial_ordering compare_numbers(const engine::Json& left, const engine::Json& right);
/// Numbers, or texts that both read as instants; nothing for anything else.
std::optional<std::partial_ordering> compare_order(const engine::Json& left, const engine::Json& right);

/// The items of a list; of a field of type tags, a single text is a list of one. Nothing for anything else.
std::optional<std::span<const engine::Json>> items_of(const engine::Json& value, FieldType type);
bool has_item(std::span<const engine::Json> items, const engine::Json& wanted);
bool same_set(std::span<const engine::Json> left, std::span<const engine::Json> right);

}  // namespace rules
