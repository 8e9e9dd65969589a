#include "rules/checker/wording.h"

#include <algorithm>

#include "engine/base/text.h"
#include "rules/evaluator/comparison.h"

namespace rules {
namespace {

using engine::Json;

constexpr std::size_t items_max = 5;
constexpr std::size_t words_max = 200;

std::string cut(std::string text) {
    if (engine::length_of(text) <= words_max) return text;
    return std::string(engine::first_of(text, words_max)) + "…";
}

std::string listed_values(const Json& operand, std::string_view last) {
    std::vector<std::string> items;
    const auto operands = operands_of(operand);
    for (std::size_t i = 0; i < operands.size() && i < items_max; ++i) items.push_back(words_of(operands[i]));
    if (operands.size() > items_max) items.push_back(std::to_string(operands.size() - items_max) + " more");
    return listed(items, operands.size() > items_max ? "and" : last);
}

/// `is none of a, b`: of one the plain word, of several the other.
std::string none_of(const Json& operand, const std::string& of_one, const std::string& of_several) {
    const bool is_one = operands_of(operand).size() == 1;
    return is_one ? of_one + listed_values(operand, "") : of_several + listed_values(operand, "nor");
}

std::string predicate(const Comparison& comparison) {
    const auto& operand = comparison.operand;
    const bool asks = flag_of(operand);
    const bool is_time = operand.is_string();
    switch (comparison.op) {
        case Operator::eq:
            return "is " + words_of(operand);
        case Operator::ne:
            return "is not " + words_of(operand);
        case Operator::in:
            return "is " + listed_values(operand, "or");
        case Operator::not_in:
            return none_of(operand, "is not ", "is neither ");
        case Operator::gt:
            return (is_time ? "is later than " : "is greater than ") + words_of(operand);
        case Operator::gte:
            return (is_time ? "is not earlier than " : "is at least ") + words_of(operand);
        case Operator::lt:
            return (is_time ? "is earlier than " : "is less than ") + words_of(operand);
        case Operator::lte:
            return (is_time ? "is not later than " : "is at most ") + words_of(operand);
        case Operator::between:
            return "lies between " + listed_values(operand, "and");
        case Operator::contains:
            return "contains " + listed_values(operand, "or");
        case Operator::not_contains:
            return none_of(operand, "does not contain ", "contains neither ");
        case Operator::starts_with:
            return "begins with " + listed_values(operand, "or");
        case Operator::ends_with:
            return "ends with " + listed_values(operand, "or");
        case Operator::matches:
            return "matches " + listed_values(operand, "or");
        case Operator::any_word:
            return "has the word " + listed_values(operand, "or");
        case Operator::has:
        case Operator::has_all:
            return "has " + listed_values(operand, "and");
        case Operator::has_any:
            return "has " + listed_values(operand, "or");
        case Operator::has_none:
            return none_of(operand, "does not have ", "has neither ");
        case Operator::exists:
            return asks ? "is there" : "is absent";
        case Operator::changed:
            return asks ? "changed" : "did not change";
        case Operator::changed_from:
            return "changed from " + listed_values(operand, "or");
        case Operator::changed_to:
            return "changed to " + listed_values(operand, "or");
        case Operator::older_than:
            return "is older than " + engine::to_text(comparison.span);
        case Operator::newer_than:
            return "is newer than " + engine::to_text(comparison.span);
        case Operator::cidr:
            return "is an address of " + listed_values(operand, "or");
        case Operator::within_hours:
            return "is within the hours of " + listed_values(operand, "or");
        case Operator::count_over:
            return "counts " + std::to_string(comparison.needed) + " or more of " +
                   listed_values(engine::value_or_null(engine::find(operand, "on")), "or") + " within " +
                   engine::to_text(comparison.span);
        case Operator::lua:
            break;  // words_of says it
    }
    return std::string(name_of(comparison.op));
}

std::string raw_words(const Condition& condition) {
    if (condition.kind == Condition::Kind::comparison) return words_of(Literal{&condition.comparison, false});
    std::vector<std::string> children;
    for (const auto& child : condition.children) {
        const bool nested = child.kind != Condition::Kind::comparison && child.children.size() > 1;
        children.push_back(nested ? "(" + raw_words(child) + ")" : raw_words(child));
    }
    const bool is_any = condition.kind == Condition::Kind::any || condition.kind == Condition::Kind::none;
    const auto all = listed(children, is_any ? "or" : "and");
    const bool is_negative =
        condition.kind == Condition::Kind::none || condition.kind == Condition::Kind::negation;
    return is_negative ? "not: " + all : all;
}

const engine::Place* find_place(const Condition& condition, const Comparison* comparison) {
    if (&condition.comparison == comparison) return &condition.place;
    for (const auto& child : condition.children)
        if (const auto* place = find_place(child, comparison)) return place;
    return nullptr;
}

}  // namespace

std::string rule_named(const Rule& rule) {
    return "rule " + engine::in_quotes(rule.id);
}

std::string words_of(const Literal& literal) {
    const auto& comparison = *literal.comparison;
    const auto words = comparison.op == Operator::lua
                           ? "the script " + words_of(comparison.operand) + " says yes"
                           : comparison.field.text + " " + predicate(comparison);
    return cut(literal.negated ? "not: " + words : words);
}

std::string words_of(const Condition& condition) {
    return cut(raw_words(condition));
}

std::string words_of(const Json& value) {
    if (value.is_null()) return "nothing";
    if (value.is_string()) return engine::in_quotes(value.get_ref<const std::string&>());
    return cut(engine::canonical_json(value));
}

std::string listed(const std::vector<std::string>& items, std::string_view last) {
    std::string text;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) text += i + 1 == items.size() ? " " + std::string(last) + " " : ", ";
        text += items[i];
    }
    return text;
}

engine::Place place_of(const Condition& condition, const Comparison* comparison) {
    const auto* place = find_place(condition, comparison);
    return place != nullptr ? *place : condition.place;
}

}  // namespace rules
