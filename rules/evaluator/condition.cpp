#include "rules/evaluator/condition.h"

#include <algorithm>

#include "rules/evaluator/change_condition.h"
#include "rules/evaluator/compare.h"
#include "rules/evaluator/comparison.h"
#include "rules/evaluator/scripting.h"
#include "rules/policies/rates.h"

namespace rules {
namespace {

using engine::Json;
using Kind = Condition::Kind;

bool combine(Kind kind, const auto& children, const auto& is_true) {
    switch (kind) {
        case Kind::any:
            return std::any_of(children.begin(), children.end(), is_true);
        case Kind::none:
            return std::none_of(children.begin(), children.end(), is_true);
        case Kind::negation:
            return !std::all_of(children.begin(), children.end(), is_true);
        default:
            return std::all_of(children.begin(), children.end(), is_true);
    }
}

const char* key_of(Kind kind) {
    switch (kind) {
        case Kind::any:
            return "any";
        case Kind::none:
            return "none";
        case Kind::negation:
            return "not";
        default:
            return "all";
    }
}

std::string type_clash(const Comparison& comparison, const Json& value) {
    const auto* operand = &comparison.operand;
    if (operand->is_array() && !operand->empty()) operand = &operand->front();
    return std::string("type clash: the field holds a ") + kind_name(value) + ", " +
           std::string(name_of(comparison.op)) + " compares with a " + kind_name(*operand);
}

std::string note(Oddity oddity, const Comparison& comparison, const Json& value) {
    switch (oddity) {
        case Oddity::absent:
            return "the field is absent";
        case Oddity::list:
            return "type clash: the field holds a list; use has, has_any or has_none";
        case Oddity::not_a_time:
            return "type clash: the field holds no time such as 2026-05-04T08:00:00Z";
        case Oddity::not_countable:
            return "type clash: events are counted by a text, a number, true or false";
        case Oddity::not_an_address:
            return "type clash: the field holds no IP address";
        default:
            return type_clash(comparison, value);
    }
}

/// The value as the operator saw it: for change conditions what it was and became, for rates the count.
Json seen_value(const Comparison& comparison, const Scope& scope) {
    if (comparison.op == Operator::count_over && scope.rates != nullptr &&
        !scope.rates->key_of(comparison.field).is_null())
        return scope.rates->count(comparison);
    if (!looks_at_changes(comparison.op)) return engine::value_or_null(scope.find(comparison.field));
    const auto change = change_of(comparison.field, scope.changes);
    if (!change.changed) return Json();
    return {{"from", engine::value_or_null(change.from)}, {"to", engine::value_or_null(change.to)}};
}

Json explained(const Comparison& comparison, Json value, bool result, const std::string& note) {
    Json explained = {{"field", comparison.field.text},
                      {"op", std::string(name_of(comparison.op))},
                      {"operand", comparison.operand},
                      {"value", std::move(value)},
                      {"result", result}};
    if (!note.empty()) explained["note"] = note;
    return explained;
}

/// Asked aside: an explanation changes nothing of the decision.
Json explain_script(const Comparison& comparison, const Scope& scope) {
    const auto said = scope.scripts ? scope.scripts->would_say(*comparison.script, scope)
                                    : Scripting::Said{false, "scripts are not asked here"};
    return explained(comparison, Json(), said.yes, said.failure);
}

Json explain(const Comparison& comparison, const Scope& scope) {
    if (comparison.op == Operator::lua) return explain_script(comparison, scope);
    const auto verdict = judge(comparison, scope);
    const auto value = seen_value(comparison, scope);
    return explained(comparison, value, verdict.result,
                     verdict.oddity == Oddity::none ? "" : note(verdict.oddity, comparison, value));
}

}  // namespace

bool holds(const Comparison& comparison, const Scope& scope) {
    return judge(comparison, scope).result;
}

bool holds(const Condition& condition, const Scope& scope) {
    if (condition.kind == Kind::comparison) return holds(condition.comparison, scope);
    return combine(condition.kind, condition.children,
                   [&](const Condition& child) { return holds(child, scope); });
}

std::optional<bool> holds_still(const Condition& condition, const Scope& scope) {
    if (condition.kind == Kind::comparison) {
        if (looks_at_changes(condition.comparison.op) || condition.comparison.field.root == "event")
            return std::nullopt;
        return holds(condition.comparison, scope);
    }
    if (condition.children.empty()) return holds(condition, scope);
    std::vector<bool> known;
    for (const auto& child : condition.children)
        if (const auto result = holds_still(child, scope)) known.push_back(*result);
    if (known.empty()) return std::nullopt;
    return combine(condition.kind, known, [](bool result) { return result; });
}

std::optional<bool> holds_if_known(const Condition& condition, const Scope& scope) {
    if (condition.kind == Kind::comparison) {
        const auto& comparison = condition.comparison;
        const auto& root = comparison.field.root;
        const bool is_known = !looks_at_changes(comparison.op) && comparison.op != Operator::count_over &&
                              root != "changes" && (root == "now" || scope.has(root));
        return is_known ? std::optional(holds(comparison, scope)) : std::nullopt;
    }
    bool all = true, any = false, is_known = true;
    for (const auto& child : condition.children) {
        const auto result = holds_if_known(child, scope);
        is_known = is_known && result;
        all = all && result.value_or(true);
        any = any || result.value_or(false);
    }
    switch (condition.kind) {
        case Kind::any:
            return any || is_known ? std::optional(any) : std::nullopt;
        case Kind::none:
            return any || is_known ? std::optional(!any) : std::nullopt;
        case Kind::negation:
            return !all || is_known ? std::optional(!all) : std::nullopt;
        default:
            return !all || is_known ? std::optional(all) : std::nullopt;
    }
}

Json explain(const Condition& condition, const Scope& scope) {
    if (condition.kind == Kind::comparison) return explain(condition.comparison, scope);
    Json children = Json::array();
    for (const auto& child : condition.children) children.push_back(explain(child, scope));
    const bool result =
        combine(condition.kind, children, [](const Json& child) { return child.at("result").get<bool>(); });
    Json explained = {{key_of(condition.kind), std::move(children)}, {"result", result}};
    return explained;
}

}  // namespace rules
