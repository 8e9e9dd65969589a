/// Conditions of definitions: which webhook is which event, which answer means what.

#include <algorithm>

#include "connectors/kit/expression.h"
#include "engine/base/text.h"

namespace connectors {
namespace {

using engine::Diagnostics;
using engine::YamlNode;

bool equals(const Json& value, const Json& wanted) {
    if (!wanted.is_string()) return value == wanted;
    const auto text = as_text(value);
    return text && engine::glob_matches(wanted.get_ref<const std::string&>(), *text);
}

std::vector<Json> values_of(const YamlNode& node, Diagnostics& diagnostics) {
    std::vector<Json> values;
    if (node.is_scalar()) return {engine::to_json(node)};
    for (const auto& item : node.items) {
        if (item.is_scalar())
            values.push_back(engine::to_json(item));
        else
            diagnostics.error("wrong-type", item.place,
                              "a condition compares with texts, numbers and booleans");
    }
    return values;
}

std::optional<Expression> compile_at(std::string_view text, const engine::Place& place, const Names& names,
                                     Diagnostics& diagnostics) {
    auto expression = Expression::compile(text, names);
    if (expression) return std::move(*expression);
    diagnostics.error("bad-expression", place, expression.error().message);
    return std::nullopt;
}

}  // namespace

Condition Condition::compile(const YamlNode& node, const Names& names, Diagnostics& diagnostics) {
    Condition condition;
    if (!node.is_map()) {
        diagnostics.error("wrong-type", node.place, "a condition is a map of expression: value");
        return condition;
    }
    for (const auto& entry : node.entries) compile_test(condition, entry, names, diagnostics);
    return condition;
}

void Condition::compile_test(Condition& into, const YamlNode::Entry& entry, const Names& names,
                             Diagnostics& diagnostics) {
    auto subject = compile_at(entry.key, entry.place, names, diagnostics);
    Test test;
    if (!entry.value.is_map()) {
        test.values = values_of(entry.value, diagnostics);
        if (test.values.empty())
            diagnostics.error("bad-value", entry.value.place, "a condition needs a value");
    } else if (entry.value.entries.size() != 1) {
        diagnostics.error("bad-value", entry.value.place, "a test is one of exists, not, same_as");
    } else {
        const auto& operation = entry.value.entries.front();
        if (operation.key == "exists") {
            test.kind = Test::Kind::exists;
            test.wanted = engine::to_json(operation.value) != Json(false);
        } else if (operation.key == "not") {
            test.wanted = false;
            test.values = values_of(operation.value, diagnostics);
        } else if (operation.key == "same_as") {
            test.kind = Test::Kind::same_as;
            test.other = compile_at(operation.value.text, operation.value.place, names, diagnostics);
        } else {
            diagnostics.error("bad-value", operation.place,
                              "unknown test \"" + operation.key + "\" (there is exists, not, same_as)");
        }
    }
    if (!subject) return;
    test.subject = std::move(*subject);
    into.tests_.push_back(std::move(test));
}

std::vector<std::string> Condition::names_under(std::string_view root) const {
    std::vector<std::string> names;
    for (const auto& test : tests_) {
        const auto read = test.subject.names_under(root);
        names.insert(names.end(), read.begin(), read.end());
    }
    return names;
}

std::string Condition::words_of(const Test& test) {
    const auto subject = "`" + test.subject.text() + "` is ";
    const std::string negated = test.wanted ? "" : "not ";
    if (test.kind == Test::Kind::exists) return subject + negated + "there";
    if (test.kind == Test::Kind::same_as) return subject + "`" + (test.other ? test.other->text() : "") + "`";
    std::vector<std::string> values;
    for (const auto& value : test.values) values.push_back("`" + as_text(value).value_or("null") + "`");
    return subject + negated + engine::join(values, " or ");
}

std::string Condition::words() const {
    std::vector<std::string> all;
    for (const auto& test : tests_) all.push_back(words_of(test));
    return engine::join(all, ", and ");
}

bool Condition::passes(const Test& test, const Scope& scope) {
    const auto value = test.subject.evaluate(scope);
    const bool there = value && !value->is_null();
    if (test.kind == Test::Kind::exists) return there == test.wanted;
    if (!there) return !test.wanted;
    if (test.kind == Test::Kind::same_as) return test.other && test.other->evaluate(scope) == value;
    const bool found = std::any_of(test.values.begin(), test.values.end(),
                                   [&](const Json& wanted) { return equals(*value, wanted); });
    return found == test.wanted;
}

bool Condition::holds(const Scope& scope) const {
    return std::all_of(tests_.begin(), tests_.end(), [&](const Test& test) { return passes(test, scope); });
}

}  // namespace connectors
