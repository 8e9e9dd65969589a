#pragma once
/// Templates: `{{ path | filter: arg }}` inside text, and values that hold such texts.

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace rules {

struct TemplateError {
    std::size_t offset = 0;  ///< byte in the text
    enum class Kind { syntax, unknown_filter, filter_arguments } kind = Kind::syntax;
    std::string message;
};

struct FilterCall {
    std::string name;
    std::vector<engine::Json> arguments;
};

struct Expression {
    engine::Path path;  ///< with the root: {"ticket","priority"}
    std::vector<FilterCall> filters;
};

/// Looks a path up; null when there is nothing.
using Lookup = std::function<const engine::Json*(const engine::Path&)>;

/// One text, compiled. Immutable.
class Template {
public:
    Template() = default;
    static std::variant<Template, TemplateError> parse(std::string_view text);

    /// The value: of the expression itself when the text is exactly one template, else a text. Absent renders
    /// as "" inside text and is null alone. Fails with invalid_input when a filter cannot take the value and
    /// with exhausted when the text grows over `bytes_max`.
    engine::Result<engine::Json> render(const Lookup& lookup, std::size_t bytes_max) const;

    bool is_constant() const;
    /// All expressions, for checks.
    std::vector<Expression> expressions() const;
    const std::string& source() const { return source_; }

private:
    using Part = std::variant<std::string, Expression>;
    std::string source_;
    std::vector<Part> parts_;
};

std::vector<std::string> filter_names();

/// A JSON value with templates at its leaves; keys are constant. Immutable.
struct ValueTemplate {
    std::variant<engine::Json,  ///< a constant
                 Template, std::vector<ValueTemplate>, std::vector<std::pair<std::string, ValueTemplate>>>
        value = engine::Json();

    /// Members whose template renders to null are left out of objects.
    engine::Result<engine::Json> render(const Lookup& lookup, std::size_t bytes_max) const;
    std::vector<Expression> expressions() const;
};

}  // namespace rules
