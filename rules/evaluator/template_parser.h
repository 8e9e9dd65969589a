#pragma once
/// Reads what stands between `{{` and `}}`.

#include <cstddef>
#include <string_view>
#include <variant>

#include "rules/evaluator/template.h"

namespace rules {

/// Reads the expression whose `{{` is at `open`, and moves `open` behind its `}}`.
std::variant<Expression, TemplateError> parse_expression(std::string_view text, std::size_t& open);

}  // namespace rules
