#include "rules/evaluator/filters.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/base/text.h"
#include "rules/escapes.h"
#include "rules/evaluator/date_format.h"

namespace rules {
namespace {

using engine::Json;
using engine::Result;
using Arguments = std::vector<Json>;

constexpr int decimals_max = 15;  // more digits than a double holds

engine::Error cannot_take(std::string_view filter, const Json& value, std::string_view wanted) {
    return engine::invalid("the filter " + std::string(filter) + " takes " + std::string(wanted) + ", not " +
                           (value.is_array()    ? "a list"
                            : value.is_object() ? "an object"
                                                : text_of(value)));
}

const std::string& text_in(const Json& value) {
    return value.get_ref<const std::string&>();
}

// ---- what each filter does; the values are not null unless the table below says so ----

Result<Json> use_default(const Arguments& arguments, Json value) {
    const bool is_missing = value.is_null() || (value.is_string() && text_in(value).empty());
    return is_missing ? arguments[0] : std::move(value);
}

Result<Json> upper(const Arguments&, Json value) {
    if (!value.is_string()) return cannot_take("upper", value, "a text");
    return Json(engine::to_upper(text_in(value)));
}

Result<Json> lower(const Arguments&, Json value) {
    if (!value.is_string()) return cannot_take("lower", value, "a text");
    return Json(engine::fold_case(text_in(value)));
}

Result<Json> trim(const Arguments&, Json value) {
    if (!value.is_string()) return cannot_take("trim", value, "a text");
    return Json(engine::trim(text_in(value)));
}

Result<Json> truncate(const Arguments& arguments, Json value) {
    if (!value.is_string()) return cannot_take("truncate", value, "a text");
    const auto length_max = arguments[0].get<std::size_t>();
    if (engine::length_of(text_in(value)) <= length_max) return value;
    return Json(std::string(engine::first_of(text_in(value), length_max - 1)) + "…");
}

Result<Json> date(const Arguments& arguments, Json value) {
    if (!value.is_string()) return cannot_take("date", value, "a time such as 2026-05-04T08:00:00Z");
    const auto instant = engine::parse_instant(text_in(value));
    if (!instant) return cannot_take("date", value, "a time such as 2026-05-04T08:00:00Z");
    return Json(format_date(*instant, text_in(arguments[0])));
}

Result<Json> json(const Arguments&, Json value) {
    return Json(engine::canonical_json(value));
}

Result<Json> url_encode(const Arguments&, Json value) {
    if (value.is_structured()) return cannot_take("url_encode", value, "a text or number");
    return Json(url_encoded(text_of(value)));
}

Result<Json> slack_escape(const Arguments&, Json value) {
    if (value.is_structured()) return cannot_take("slack_escape", value, "a text or number");
    return Json(slack_escaped(text_of(value)));
}

Result<Json> round(const Arguments& arguments, Json value) {
    if (!value.is_number()) return cannot_take("round", value, "a number");
    if (value.is_number_integer()) return value;
    const double scale = std::pow(10.0, arguments.empty() ? 0 : arguments[0].get<int>());
    const double scaled = std::round(value.get<double>() * scale);
    if (!std::isfinite(scaled) || std::abs(scaled) >= 0x1p53) return value;  // has no decimals to lose
    if (scale == 1.0) return Json(static_cast<std::int64_t>(scaled));
    return Json(scaled / scale);
}

Result<Json> join(const Arguments& arguments, Json value) {
    if (!value.is_array()) return cannot_take("join", value, "a list");
    const std::string separator = arguments.empty() ? ", " : text_in(arguments[0]);
    std::string joined;
    bool is_first = true;
    for (const auto& item : value) {
        if (item.is_structured()) return cannot_take("join", item, "a list of texts and numbers");
        if (!is_first) joined += separator;
        joined += text_of(item);
        is_first = false;
    }
    return Json(std::move(joined));
}

std::string_view last_code_point(std::string_view whole) {
    const auto length = engine::length_of(whole);
    return length == 0 ? whole : whole.substr(engine::first_of(whole, length - 1).size());
}

Result<Json> first(const Arguments&, Json value) {
    if (value.is_string()) return Json(std::string(engine::first_of(text_in(value), 1)));
    if (!value.is_array()) return cannot_take("first", value, "a list or text");
    return value.empty() ? Json() : Json(value.front());
}

Result<Json> last(const Arguments&, Json value) {
    if (value.is_string()) return Json(std::string(last_code_point(text_in(value))));
    if (!value.is_array()) return cannot_take("last", value, "a list or text");
    return value.empty() ? Json() : Json(value.back());
}

Result<Json> size(const Arguments&, Json value) {
    if (value.is_string()) return Json(engine::length_of(text_in(value)));
    if (!value.is_structured() && !value.is_null())
        return cannot_take("size", value, "a list, object or text");
    return Json(value.size());
}

// ---- what arguments they take ----

std::optional<std::string> any_scalar(const Json&) {
    return std::nullopt;
}

std::optional<std::string> any_text(const Json& argument) {
    if (argument.is_string()) return std::nullopt;
    return "takes a quoted text";
}

std::optional<std::string> a_length(const Json& argument) {
    if (argument.is_number_unsigned() && argument.get<std::uint64_t>() >= 1) return std::nullopt;
    return "takes a whole number from 1 up";
}

std::optional<std::string> decimals(const Json& argument) {
    if (argument.is_number_unsigned() && argument.get<std::uint64_t>() <= decimals_max) return std::nullopt;
    return "takes a whole number from 0 to " + std::to_string(decimals_max);
}

std::optional<std::string> a_date_format(const Json& argument) {
    if (!argument.is_string()) return "takes a quoted format such as \"%Y-%m-%d\"";
    return date_format_problem(text_in(argument));
}

// ---- what declared types they can take ----

struct Taken {
    std::string_view words;
    bool (*fits)(FieldType type);
};

bool is_textual(FieldType type) {
    return type == FieldType::text || type == FieldType::instant;
}
bool is_listed(FieldType type) {
    return type == FieldType::tags || type == FieldType::list;
}
bool is_structured(FieldType type) {
    return is_listed(type) || type == FieldType::object;
}

constexpr Taken anything{"anything", [](FieldType) { return true; }};
constexpr Taken a_text{"a text", is_textual};
constexpr Taken a_time{"a time", is_textual};
constexpr Taken a_number{"a number", [](FieldType type) { return type == FieldType::number; }};
constexpr Taken a_scalar{"a text or number", [](FieldType type) { return !is_structured(type); }};
constexpr Taken a_list{"a list", is_listed};
constexpr Taken a_list_or_text{"a list or text",
                               [](FieldType type) { return is_listed(type) || is_textual(type); }};
constexpr Taken what_has_a_size{"a list, object or text",
                                [](FieldType type) { return is_structured(type) || is_textual(type); }};

struct Filter {
    std::string_view name;
    Result<Json> (*apply)(const Arguments&, Json);
    Taken takes;
    std::size_t arguments_min = 0;
    std::size_t arguments_max = 0;
    std::optional<std::string> (*check)(const Json& argument) = any_scalar;
    bool takes_null = false;
};

constexpr Filter filters[] = {
    {"default", use_default, anything, 1, 1, any_scalar, true},
    {"upper", upper, a_text},
    {"lower", lower, a_text},
    {"trim", trim, a_text},
    {"truncate", truncate, a_text, 1, 1, a_length},
    {"date", date, a_time, 1, 1, a_date_format},
    {"json", json, anything, 0, 0, any_scalar, true},
    {"url_encode", url_encode, a_scalar},
    {"slack_escape", slack_escape, a_scalar},
    {"round", round, a_number, 0, 1, decimals},
    {"join", join, a_list, 0, 1, any_text},
    {"first", first, a_list_or_text},
    {"last", last, a_list_or_text},
    {"size", size, what_has_a_size, 0, 0, any_scalar, true},
};

const Filter* find_filter(std::string_view name) {
    const auto* found = std::find_if(std::begin(filters), std::end(filters),
                                     [&](const Filter& filter) { return filter.name == name; });
    return found == std::end(filters) ? nullptr : found;
}

std::string count_problem(const Filter& filter) {
    if (filter.arguments_max == 0) return "takes no argument";
    return filter.arguments_min == 0 ? "takes one argument at most" : "takes one argument";
}

}  // namespace

std::vector<std::string> filter_names() {
    std::vector<std::string> names;
    for (const auto& filter : filters) names.emplace_back(filter.name);
    return names;
}

bool is_filter(std::string_view name) {
    return find_filter(name) != nullptr;
}

std::optional<std::string> argument_problem(const FilterCall& call) {
    const auto& filter = *find_filter(call.name);
    const auto count = call.arguments.size();
    if (count < filter.arguments_min || count > filter.arguments_max) return count_problem(filter);
    for (const auto& argument : call.arguments)
        if (auto problem = filter.check(argument)) return problem;
    return std::nullopt;
}

std::optional<std::string_view> wanted_instead(const FilterCall& call, FieldType type) {
    const auto& filter = *find_filter(call.name);
    if (type == FieldType::any || filter.takes.fits(type)) return std::nullopt;
    return filter.takes.words;
}

Result<Json> apply_filter(const FilterCall& call, Json value) {
    const auto& filter = *find_filter(call.name);
    if (value.is_null() && !filter.takes_null) return value;
    return filter.apply(call.arguments, std::move(value));
}

std::string text_of(const Json& value) {
    if (value.is_null()) return "";
    if (value.is_string()) return text_in(value);
    if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
    if (value.is_number()) return engine::number_text(value);
    return engine::canonical_json(value);
}

}  // namespace rules
