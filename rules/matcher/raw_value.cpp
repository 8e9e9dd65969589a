#include "rules/matcher/raw_value.h"

#include <string>

#include "engine/base/time.h"
#include "rules/evaluator/compare.h"

namespace rules {

using engine::Json;
namespace {

/// Of x87's 64 bits a double has 53.
ExactNumber exactly(long double number) {
    ExactNumber exact(static_cast<double>(number));
    exact.rest = static_cast<double>(number - static_cast<long double>(exact.value));
    return exact;
}

}  // namespace

ExactNumber::ExactNumber(std::int64_t number) : ExactNumber(exactly(static_cast<long double>(number))) {}
ExactNumber::ExactNumber(std::uint64_t number) : ExactNumber(exactly(static_cast<long double>(number))) {}
ExactNumber::ExactNumber(const Json& number) : ExactNumber(exactly(exact_number(number))) {}

RawValue raw(const Json* value) {
    RawValue raw;
    if (is_absent(value)) return raw;
    if (value->is_string()) {
        raw.kind = RawValue::Kind::text;
        raw.text = value->get_ref<const std::string&>();
    } else if (value->is_number()) {
        raw.kind = RawValue::Kind::number;
        raw.number = ExactNumber(*value);
    } else if (value->is_boolean()) {
        raw.kind = RawValue::Kind::boolean;
        raw.flag = value->get<bool>();
    } else {
        raw.kind = value->is_array() ? RawValue::Kind::list : RawValue::Kind::object;
    }
    return raw;
}

std::optional<std::int64_t> ticks_of(const RawValue& value) {
    if (value.kind != RawValue::Kind::text) return std::nullopt;
    const auto instant = engine::parse_instant(value.text);
    if (!instant) return std::nullopt;
    return engine::microseconds_of(*instant);
}
std::optional<std::int64_t> ticks_of(const Json& value) {
    return ticks_of(raw(&value));
}

}  // namespace rules
