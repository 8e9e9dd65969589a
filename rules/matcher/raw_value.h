#pragma once
/// RawValue: a value wherever it comes from, a tree of JSON or its bytes.

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/base/json.h"

namespace rules {

/// A number, exactly, whatever JSON holds: the nearest double, and what is missing to it. 64 bits of an
/// integer fit, and processors compare it as fast as doubles.
struct ExactNumber {
    double value = 0;
    double rest = 0;
    ExactNumber() = default;
    explicit ExactNumber(double number) : value(number) {}
    explicit ExactNumber(std::int64_t number);
    explicit ExactNumber(std::uint64_t number);
    explicit ExactNumber(const engine::Json& number);
    auto operator<=>(const ExactNumber&) const = default;
};

/// Borrows texts and items.
struct RawValue {
    enum class Kind { absent, boolean, number, text, list, object };
    Kind kind = Kind::absent;
    bool flag = false;
    bool is_padded = false;  ///< 8 bytes behind the text can be read
    std::string_view text;
    ExactNumber number;
    std::span<const RawValue> items;
};

/// Null, the pointer and the value, is absent. The items of a list are left out.
RawValue raw(const engine::Json* value);

/// Microseconds since 1970, when the value is a text that reads as an instant.
std::optional<std::int64_t> ticks_of(const RawValue& value);
std::optional<std::int64_t> ticks_of(const engine::Json& value);

}  // namespace rules
