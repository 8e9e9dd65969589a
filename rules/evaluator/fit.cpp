#include "rules/evaluator/fit.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/base/text.h"
#include "engine/base/time.h"
#include "rules/evaluator/compare.h"

namespace rules {
namespace {

using engine::Json;

bool is_text_list(const Json& value) {
    return value.is_array() &&
           std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_string(); });
}

bool is_instant(const Json& value) {
    return value.is_string() && engine::parse_instant(value.get_ref<const std::string&>());
}

bool is_finite_number(const Json& value) {
    return value.is_number() && (!value.is_number_float() || std::isfinite(value.get<double>()));
}

bool is_of(FieldType type, const Json& value) {
    switch (type) {
        case FieldType::text:
            return value.is_string();
        case FieldType::number:
            return is_finite_number(value);
        case FieldType::boolean:
            return value.is_boolean();
        case FieldType::instant:
            return is_instant(value);
        case FieldType::tags:
            return is_text_list(value);
        case FieldType::list:
            return value.is_array();
        case FieldType::object:
            return value.is_object();
        case FieldType::any:
            return true;
    }
    return false;
}

const char* wanted(FieldType type) {
    switch (type) {
        case FieldType::text:
            return "a text";
        case FieldType::number:
            return "a number";
        case FieldType::boolean:
            return "true or false";
        case FieldType::instant:
            return "a time such as 2026-05-04T08:00:00Z";
        case FieldType::tags:
            return "a list of texts";
        case FieldType::list:
            return "a list";
        default:
            return "an object";
    }
}

std::string shown(const Json& value) {
    // A text of a payload may be long; its beginning tells enough.
    constexpr std::size_t shown_max = 60;
    if (value.is_string())
        return "the text \"" + std::string(engine::first_of(value.get_ref<const std::string&>(), shown_max)) +
               "\"";
    if (value.is_number()) return "the number " + engine::number_text(value);
    return "a " + std::string(kind_name(value));
}

engine::Error does_not_fit(const FieldPath& field, const std::string& takes, const Json& value) {
    return engine::invalid(field.text + " takes " + takes + ", not " + shown(value));
}

/// A number of an enum is declared as its text.
bool is_listed(const std::vector<std::string>& values, const Json& value) {
    const auto text = value.is_number() ? engine::number_text(value) : value.get<std::string>();
    return std::find(values.begin(), values.end(), text) != values.end();
}

Json without_repetitions(const Json& tags) {
    Json unique = Json::array();
    for (const auto& tag : tags)
        if (!has_item(unique.get_ref<const Json::array_t&>(), tag)) unique.push_back(tag);
    return unique;
}

/// Why the value is none for the field; of tags each may be any.
std::optional<engine::Error> own_misfit(const FieldPath& field, const Field* declared, const Json& value) {
    if (value.is_null()) return std::nullopt;
    if (!is_of(field.type, value)) return does_not_fit(field, wanted(field.type), value);
    const bool is_enum = field.type != FieldType::tags && declared != nullptr && !declared->values.empty();
    if (is_enum && !is_listed(declared->values, value))
        return does_not_fit(field, "one of " + engine::join(declared->values, ", "), value);
    return std::nullopt;
}

/// The same of each declared field that the object has: `ticket.custom.seats` in what is written to
/// `ticket.custom`.
std::optional<engine::Error> misfit_below(const Catalogue& catalogue, const std::string& top,
                                          const Json& value) {
    if (!value.is_object()) return std::nullopt;
    for (const auto* declared : catalogue.below(top)) {
        const auto* part = engine::find(value, declared->path.substr(top.size() + 1));
        if (part == nullptr) continue;
        if (auto error = own_misfit({declared->path, {}, {}, declared->type}, declared, *part)) return error;
    }
    return std::nullopt;
}

}  // namespace

engine::Result<Json> fit(const Catalogue& catalogue, const FieldPath& field, Json value) {
    // What is read from others is no deeper; what is kept has to be read again.
    const auto levels = engine::JsonLimits().depth_max;
    if (field.keys.size() > levels || engine::is_deeper(value, levels - field.keys.size()))
        return engine::exhausted(std::string(engine::first_of(field.text, 80)) + " is nested deeper than " +
                                 std::to_string(levels) + " levels");
    if (auto error = own_misfit(field, catalogue.find(field.text), value)) return *std::move(error);
    if (auto error = misfit_below(catalogue, field.text, value)) return *std::move(error);
    return field.type == FieldType::tags && !value.is_null() ? without_repetitions(value) : value;
}

std::string oddity_of(const Field& declared, const std::string& field, const Json& value) {
    const auto error = own_misfit({field, {}, {}, declared.type}, &declared, value);
    return error ? error->message : "";
}

}  // namespace rules
