#pragma once
/// Reads values that may hold templates, and checks what the templates read.

#include <utility>

#include "rules/language/context.h"
#include "rules/language/reading.h"

namespace rules {

/// A constant of the expected type, or a template that may render to it. `null` is read where it is allowed.
std::optional<ValueTemplate> read_value(const engine::YamlNode& node, const Expected& expected,
                                        RuleContext& context);

/// A text that may hold templates.
std::optional<Template> read_template(const engine::YamlNode& node, const std::string& what,
                                      RuleContext& context);

/// The value of a field that is written: typed, its enum checked, null = removed.
std::optional<ValueTemplate> read_field_value(const engine::YamlNode& node, const FieldPath& field,
                                              RuleContext& context);

}  // namespace rules
