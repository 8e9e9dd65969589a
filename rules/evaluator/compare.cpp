#include "rules/evaluator/compare.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "engine/base/time.h"

namespace rules {
namespace {

using engine::Json;

static_assert(std::numeric_limits<long double>::digits >= 64,
              "compare_numbers needs a type that holds every integer and every double exactly");

bool same_list(const Json& left, const Json& right) {
    return left.size() == right.size() &&
           std::equal(left.begin(), left.end(), right.begin(),
                      [](const Json& one, const Json& other) { return same_value(one, other); });
}

/// Every member of `left` that is there has its equal in `right`.
bool covers(const Json& right, const Json& left) {
    const auto& members = right.get_ref<const Json::object_t&>();
    for (const auto& [key, value] : left.get_ref<const Json::object_t&>()) {
        const auto other = members.find(key);
        if (!same_value(&value, other == members.end() ? nullptr : &other->second)) return false;
    }
    return true;
}

}  // namespace

const char* kind_name(const Json& value) {
    if (value.is_null()) return "nothing";
    if (value.is_string()) return "text";
    if (value.is_number()) return "number";
    if (value.is_boolean()) return "boolean";
    return value.is_array() ? "list" : "object";
}

bool same_kind(const Json& left, const Json& right) {
    return left.is_number() ? right.is_number() : left.type() == right.type();
}

bool same_value(const Json& left, const Json& right) {
    if (!same_kind(left, right)) return false;
    if (left.is_number()) return compare_numbers(left, right) == 0;
    if (left.is_array()) return same_list(left, right);
    if (left.is_object()) return covers(left, right) && covers(right, left);
    return left == right;
}

bool same_value(const Json* left, const Json* right) {
    if (is_absent(left) || is_absent(right)) return is_absent(left) && is_absent(right);
    return same_value(*left, *right);
}

long double exact_number(const Json& number) {
    if (number.is_number_unsigned()) return number.get<std::uint64_t>();
    if (number.is_number_integer()) return number.get<std::int64_t>();
    return number.get<double>();
}

std::partial_ordering compare_numbers(const Json& left, const Json& right) {
    return exact_number(left) <=> exact_number(right);
}

std::optional<std::partial_ordering> compare_order(const Json& left, const Json& right) {
    if (left.is_number() && right.is_number()) return compare_numbers(left, right);
    if (!left.is_string() || !right.is_string()) return std::nullopt;
    const auto one = engine::parse_instant(left.get_ref<const std::string&>());
    if (!one) return std::nullopt;
    const auto other = engine::parse_instant(right.get_ref<const std::string&>());
    if (!other) return std::nullopt;
    return *one <=> *other;
}

std::optional<std::span<const Json>> items_of(const Json& value, FieldType type) {
    if (const auto* list = value.get_ptr<const Json::array_t*>()) return std::span<const Json>(*list);
    if (type == FieldType::tags && value.is_string()) return std::span<const Json>(&value, 1);
    return std::nullopt;
}

bool has_item(std::span<const Json> items, const Json& wanted) {
    return std::any_of(items.begin(), items.end(),
                       [&](const Json& item) { return same_value(item, wanted); });
}

bool same_set(std::span<const Json> left, std::span<const Json> right) {
    const auto within = [](std::span<const Json> some, std::span<const Json> all) {
        return std::all_of(some.begin(), some.end(), [&](const Json& item) { return has_item(all, item); });
    };
    return within(left, right) && within(right, left);
}

}  // namespace rules
