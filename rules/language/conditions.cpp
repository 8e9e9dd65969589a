#include "rules/language/conditions.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/base/time.h"
#include "rules/language/operands.h"
#include "rules/language/reading.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

Condition group_of(Condition::Kind kind, const engine::Place& place) {
    Condition group;
    group.kind = kind;
    group.place = place;
    return group;
}

/// A group of one stands for its only child.
Condition all_of(std::vector<Condition> children, const engine::Place& place) {
    if (children.size() == 1) return std::move(children.front());
    Condition group = group_of(Condition::Kind::all, place);
    group.children = std::move(children);
    return group;
}

Condition::Kind kind_of(const std::string& name) {
    if (name == "all") return Condition::Kind::all;
    return name == "any" ? Condition::Kind::any : Condition::Kind::none;
}

Condition read_group(const YamlNode::Entry& entry, RuleContext& context) {
    Condition group = group_of(kind_of(entry.key), entry.place);
    if (entry.value.is_map()) {
        group.children.push_back(read_condition(entry.value, context));
        return group;
    }
    if (!expect_list(entry.value, entry.key, context.problems)) return group;
    for (const auto& item : entry.value.items) group.children.push_back(read_condition(item, context));
    if (group.children.empty())
        context.problems.warning("empty-condition", entry.place,
                                 in_quotes(entry.key) + " without conditions is always " +
                                     (entry.key == "any" ? "false" : "true"));
    return group;
}

Condition read_negation(const YamlNode::Entry& entry, RuleContext& context) {
    Condition negation = group_of(Condition::Kind::negation, entry.place);
    if (entry.value.is_list())
        context.problems.error("wrong-type", entry.value.place,
                               "not takes one condition: write none for \"not one of these\"");
    else
        negation.children.push_back(read_condition(entry.value, context));
    return negation;
}

bool is_about_changes(Operator op) {
    return op == Operator::changed || op == Operator::changed_from || op == Operator::changed_to;
}

void report_unknown_operator(const YamlNode::Entry& entry, const FieldPath& field, RuleContext& context) {
    auto candidates = operator_names();
    candidates.push_back("case");
    const auto inner = field.text + "." + entry.key;
    auto hint = context.problems.hint(entry.key, candidates);
    if (hint.empty() && context.catalogue.find(inner) != nullptr)
        hint = ", did you mean the field " + in_quotes(inner) + "?";
    context.problems.error("unknown-operator", entry.place,
                           "unknown operator " + in_quotes(entry.key) + hint);
}

/// Reads `case`, and reports it where no operator looks at it.
bool read_case(const YamlNode& operators, RuleContext& context) {
    const YamlNode* flag = operators.find("case");
    if (flag == nullptr) return false;
    const bool used = std::any_of(operators.entries.begin(), operators.entries.end(), [](const auto& entry) {
        const auto op = parse_operator(entry.key);
        return op && folds_case(*op);
    });
    if (!used)
        context.problems.error(
            "bad-value", flag->place,
            "case is for contains, not_contains, starts_with, ends_with, any_word and matches only");
    return read_flag(*flag, "case", context.problems).value_or(false);
}

Condition comparison_at(const engine::Place& place, Comparison comparison) {
    Condition condition = group_of(Condition::Kind::comparison, place);
    condition.comparison = std::move(comparison);
    return condition;
}

void read_operator(const YamlNode::Entry& entry, const FieldPath& field, bool case_sensitive,
                   std::vector<Condition>& into, RuleContext& context) {
    if (entry.key == "case") return;
    const auto op = parse_operator(entry.key);
    if (!op) {
        report_unknown_operator(entry, field, context);
    } else if (is_about_changes(*op) && !context.hears_changes) {
        context.problems.error("bad-value", entry.place,
                               "a service level looks at what the " + field.root +
                                   " is, not at what changed: " + in_quotes(entry.key) +
                                   " never holds here; compare the field, as with { " +
                                   "eq: … }, and let a rule follow changes");
    } else {
        Comparison comparison;
        comparison.field = field;
        comparison.op = *op;
        comparison.case_sensitive = case_sensitive;
        if (read_operand(entry, comparison, context))
            into.push_back(comparison_at(entry.place, std::move(comparison)));
    }
}

Condition read_operators(const YamlNode::Entry& entry, const FieldPath& field, RuleContext& context) {
    std::vector<Condition> children;
    const bool case_sensitive = read_case(entry.value, context);
    for (const auto& op : entry.value.entries) read_operator(op, field, case_sensitive, children, context);
    if (entry.value.entries.empty())
        context.problems.error("bad-value", entry.value.place, in_quotes(entry.key) + " has no operator");
    return all_of(std::move(children), entry.place);
}

/// `field: scalar` is eq, `field: [list]` is in.
Condition read_shorthand(const YamlNode::Entry& entry, const FieldPath& field, RuleContext& context) {
    Comparison comparison;
    comparison.field = field;
    comparison.op = entry.value.is_list() ? Operator::in : Operator::eq;
    read_operand(entry, comparison, context);
    return comparison_at(entry.place, std::move(comparison));
}

Condition read_field(const YamlNode::Entry& entry, RuleContext& context) {
    // An unknown field's operators are still checked, as if it could hold anything.
    const auto known = read_path(entry.key, entry.place, context);
    const FieldPath field = known.value_or(FieldPath{entry.key, "", {}, FieldType::any});
    if (entry.value.is_map()) return read_operators(entry, field, context);
    if (!entry.value.is_null()) return read_shorthand(entry, field, context);
    context.problems.error(
        "bad-value", entry.place,
        in_quotes(entry.key) + " has no value to compare with: write { exists: false } for an absent field");
    return group_of(Condition::Kind::all, entry.place);
}

Condition read_entry(const YamlNode::Entry& entry, RuleContext& context) {
    if (entry.key == "not") return read_negation(entry, context);
    if (has(group_names(), entry.key)) return read_group(entry, context);
    if (entry.key != "lua") return read_field(entry, context);
    context.problems.error("not-in-this-version", entry.place, "lua conditions are not in this version");
    return group_of(Condition::Kind::all, entry.place);
}

}  // namespace

Condition read_condition(const YamlNode& node, RuleContext& context) {
    std::vector<Condition> children;
    if (!expect_map(node, "a condition", context.problems)) return group_of(Condition::Kind::all, node.place);
    for (const auto& entry : node.entries) children.push_back(read_entry(entry, context));
    if (node.entries.empty())
        context.problems.warning("empty-condition", node.place, "a condition without fields is always true");
    return all_of(std::move(children), node.place);
}

std::vector<std::string> group_names() {
    return {"all", "any", "none", "not"};
}

}  // namespace rules
