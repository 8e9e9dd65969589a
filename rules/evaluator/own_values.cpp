#include "rules/evaluator/own_values.h"

#include "engine/base/diagnostic.h"

namespace rules {
namespace {

using engine::Json;

constexpr std::size_t key_bytes_max = 256;

}  // namespace

engine::Result<engine::Subject> subject_of_value(const std::string& key) {
    if (key.empty() || key.size() > key_bytes_max)
        return engine::invalid("the key of a value has 1 to " + std::to_string(key_bytes_max) + " bytes");
    auto subject = engine::Subject::parse(own_values + ("/" + key));
    if (!subject) return engine::invalid(engine::in_quotes(key) + " cannot be the key of a value");
    return subject;
}

Json data_of_value(const Json& value) {
    return {{"kv", {{"json", value.is_null() ? Json() : Json(engine::canonical_json(value))}}}};
}

std::optional<Json> value_of(const Json& fields) {
    const auto* text = engine::find(fields, "json");
    if (text == nullptr || !text->is_string()) return std::nullopt;
    auto value = engine::parse_json(text->get_ref<const std::string&>());
    return value ? std::optional(*std::move(value)) : std::nullopt;
}

}  // namespace rules
