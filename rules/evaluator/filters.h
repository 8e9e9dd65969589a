#pragma once
/// The filters of templates: which there are, what arguments they take, what they make of a value.

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "rules/catalogue.h"
#include "rules/evaluator/template.h"

namespace rules {

bool is_filter(std::string_view name);

/// What is wrong with the arguments of a known filter; nothing when they will do.
std::optional<std::string> argument_problem(const FilterCall& call);

/// What a known filter takes, in words, when a value of that type is not it.
std::optional<std::string_view> wanted_instead(const FilterCall& call, FieldType type);

/// Applies a known filter with checked arguments. Null passes through all but `default`, `json` and `size`.
/// Fails with invalid_input when the filter cannot take the value.
engine::Result<engine::Json> apply_filter(const FilterCall& call, engine::Json value);

/// The value as it stands inside a text: "" for null, numbers at their shortest, lists and objects as JSON.
std::string text_of(const engine::Json& value);

}  // namespace rules
