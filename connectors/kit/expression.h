#pragma once
/// The small language of connector definitions: expressions that read a value, templates that write one into
/// text, shapes that write many into JSON, and conditions. Compiled when a definition loads; evaluation is
/// pure.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/yaml.h"

namespace connectors {

using engine::Json;

/// Translation tables by name: `{status: {hold: on_hold}}`. A value without an entry takes that of `*`, else
/// stays.
using Table = std::map<std::string, Json>;
using Tables = std::map<std::string, std::shared_ptr<const Table>>;

/// Absent, or a value that may be null: a definition treats "not said" and "said to be nothing" differently.
using Value = std::optional<Json>;

/// What a function of the connector's own script makes of a value.
using RunFunction = std::function<Value(const std::string& function, const Json& value)>;

/// What expressions may read, by root. Holds pointers only: what they point at must outlive the scope.
class Scope {
public:
    using Lookup = std::function<const std::string*(std::string_view name)>;

    Scope& with(std::string_view root, const Json& value);
    /// A root whose one step is a name that ignores case, such as a header.
    Scope& with(std::string_view root, Lookup lookup);
    /// What runs the functions of the connector's own script; null = nobody does.
    Scope& with_functions(const RunFunction* functions);
    const RunFunction* functions() const { return functions_; }
    const Json* find(std::string_view root) const;
    const std::string* find(std::string_view root, std::string_view name) const;

private:
    std::vector<std::pair<std::string_view, const Json*>> values_;
    std::vector<std::pair<std::string_view, Lookup>> lookups_;
    const RunFunction* functions_ = nullptr;
};

/// One step of a path: `.name`, `['name']`, `[0]`, `[-1]`, `[*]` (each element), `[key='text']` (the first
/// such).
struct PathStep {
    enum class Kind { name, index, each, where };
    Kind kind = Kind::name;
    std::string name;
    long index = 0;
    std::string equals;
};

/// What a filter does; listed in filters().
struct FilterSpec {
    std::string name;
    enum class Argument { none, text, number, table, setting, function } argument = Argument::none;
    std::string meaning;
    /// With the argument; of a `setting` with that setting's value, null when it is not set.
    Value (*apply)(const Json& value, const Json& argument) = nullptr;  ///< null for `table` and `lua`
};
const std::vector<FilterSpec>& filters();

/// Functions by name, and where each is named first.
using FunctionUses = std::map<std::string, engine::Place>;

/// What an expression may name when it is compiled.
struct Names {
    std::vector<std::string> roots;
    const Tables* tables = nullptr;
    /// Gets what compiled paths read of an item or its body; may be null.
    std::shared_ptr<engine::JsonMask> reads = nullptr;
    /// Gets the functions of the connector's script that are named; null = none may be.
    std::shared_ptr<FunctionUses> functions = nullptr;
};

class Template;

/// `a.b[0] ?? c.d | lower | table:status`. An operand is a path, a 'text', a number, `true false null`, a
/// parenthesised expression, or a template in backquotes.
class Expression {
public:
    /// Fails with invalid_input; the message says at which character and names what is near.
    static engine::Result<Expression> compile(std::string_view text, const Names& names);
    static Expression literal(Json value);

    /// The first operand that is not null; null when one was there and null; else absent.
    Value evaluate(const Scope& scope) const;
    /// The value itself when the expression is one path without filters; saves copying whole documents.
    const Json* view(const Scope& scope) const;
    /// Whether every operand is a path under this root.
    bool reads_only(std::string_view root) const;
    /// The names that follow a root directly: `settings.token` gives `token`.
    std::vector<std::string> names_under(std::string_view root) const;
    const std::string& text() const { return text_; }

private:
    friend class ExpressionParser;
    struct Operand {
        std::optional<Json> literal;
        std::shared_ptr<const Expression> group;
        std::shared_ptr<const Template> text;
        std::string root;
        std::vector<PathStep> steps;
    };
    struct Filter {
        const FilterSpec* spec = nullptr;
        Json argument;
        std::shared_ptr<const Table> table;
    };
    static Value read(const Operand& operand, const Scope& scope);
    static const Json& setting(const Json& name, const Scope& scope);

    std::vector<Operand> operands_;
    std::vector<Filter> filters_;
    std::string text_;
};

/// Text with `{expression}` in it; `{{` and `}}` stand for braces. A text that is one expression keeps the
/// value's type. A text with an absent or null part is absent as a whole.
class Template {
public:
    static engine::Result<Template> compile(std::string_view text, const Names& names);

    Value render(const Scope& scope) const;
    /// As text; numbers in their shortest form.
    std::optional<std::string> render_text(const Scope& scope) const;
    /// As a URL: what does not come from `settings` is percent-encoded, and may not be empty, `.` or `..`.
    std::optional<std::string> render_url(const Scope& scope) const;
    std::vector<std::string> names_under(std::string_view root) const;
    const std::string& text() const { return text_; }

private:
    std::vector<std::variant<std::string, Expression>> parts_;
    std::string text_;
};

/// A JSON document with templates as its leaves. Members and elements that render to nothing are left out,
/// and so is an object or list all of whose members are.
class Shape {
public:
    /// Problems go to `diagnostics` as `bad-expression`.
    static Shape compile(const engine::YamlNode& node, const Names& names, engine::Diagnostics& diagnostics);
    Value render(const Scope& scope) const;
    std::vector<std::string> names_under(std::string_view root) const;
    /// Of an object; else none.
    std::vector<std::string> member_names() const;

private:
    enum class Kind { constant, text, object, list };
    Kind kind_ = Kind::constant;
    Json constant_;
    std::optional<Template> template_;
    std::vector<std::pair<std::string, Shape>> members_;  ///< of an object; the names of a list's are empty
};

/// Tests that must all hold: `{item.type: "ticket.*", item.user: {exists: true}}`.
class Condition {
public:
    /// Problems go to `diagnostics` as `bad-expression`, `bad-value` or `wrong-type`.
    static Condition compile(const engine::YamlNode& node, const Names& names,
                             engine::Diagnostics& diagnostics);
    bool holds(const Scope& scope) const;
    bool empty() const { return tests_.empty(); }
    std::vector<std::string> names_under(std::string_view root) const;
    /// For people, in Markdown: "`item.type` is `a` or `b`, and `item.c` is there".
    std::string words() const;

private:
    struct Test {
        enum class Kind { one_of, exists, same_as };
        Expression subject;
        Kind kind = Kind::one_of;
        std::vector<Json> values;  ///< texts are globs
        bool wanted = true;
        std::optional<Expression> other;
    };
    static void compile_test(Condition& into, const engine::YamlNode::Entry& entry, const Names& names,
                             engine::Diagnostics& diagnostics);
    static bool passes(const Test& test, const Scope& scope);
    static std::string words_of(const Test& test);
    std::vector<Test> tests_;
};

/// A scalar as people write it: texts as they are, numbers shortest, booleans as words; nothing for the rest.
std::optional<std::string> as_text(const Json& value);

}  // namespace connectors
