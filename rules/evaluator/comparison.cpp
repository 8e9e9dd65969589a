#include "rules/evaluator/comparison.h"

#include <algorithm>

#include "rules/calendar/calendar.h"
#include "rules/evaluator/change_condition.h"
#include "rules/evaluator/compare.h"
#include "rules/evaluator/scripting.h"
#include "rules/evaluator/words.h"
#include "rules/policies/rates.h"

namespace rules {
namespace {

using engine::Json;
using Items = std::span<const Json>;

constexpr Verdict clash{false, Oddity::clash};

bool holds_on_absent(Operator op) {
    return op == Operator::ne || op == Operator::not_in || op == Operator::has_none ||
           op == Operator::not_contains;
}

/// A clash stays false under the negative operators too.
Verdict negated(Verdict verdict) {
    return {verdict.oddity == Oddity::none && !verdict.result, verdict.oddity};
}

// ---- equality ----

Verdict equal(const Comparison& comparison, const Json& value) {
    if (comparison.field.type == FieldType::tags && comparison.operand.is_array()) {
        const auto items = items_of(value, FieldType::tags);
        if (!items) return clash;
        return {same_set(*items, operands_of(comparison.operand))};
    }
    if (!same_kind(value, comparison.operand)) return clash;
    return {same_value(value, comparison.operand)};
}

Verdict one_of(const Comparison& comparison, const Json& value) {
    const auto operands = operands_of(comparison.operand);
    const bool comparable = std::any_of(operands.begin(), operands.end(),
                                        [&](const Json& operand) { return same_kind(value, operand); });
    if (!comparable) return clash;
    return {has_item(operands, value)};
}

// ---- order ----

Verdict ordered(const Comparison& comparison, const Json& value) {
    const auto order = compare_order(value, comparison.operand);
    if (!order) return clash;
    switch (comparison.op) {
        case Operator::gt:
            return {*order > 0};
        case Operator::gte:
            return {*order >= 0};
        case Operator::lt:
            return {*order < 0};
        default:
            return {*order <= 0};
    }
}

Verdict between(const Comparison& comparison, const Json& value) {
    const auto bounds = operands_of(comparison.operand);
    if (bounds.size() != 2) return clash;
    const auto low = compare_order(value, bounds[0]);
    const auto high = compare_order(value, bounds[1]);
    if (!low || !high) return clash;
    return {*low >= 0 && *high <= 0};
}

// ---- text ----

Verdict not_a_text(const Json& value) {
    return {false, value.is_array() ? Oddity::list : Oddity::clash};
}

Verdict any_found(const Comparison& comparison, const Json& value) {
    if (!value.is_string()) return not_a_text(value);
    const FoldedText text(value.get_ref<const std::string&>(), comparison.case_sensitive);
    return {std::any_of(comparison.words.begin(), comparison.words.end(),
                        [&](const auto& word) { return word_found(comparison.op, text.view(), word); })};
}

Verdict any_matches(const Comparison& comparison, const Json& value) {
    if (!value.is_string()) return not_a_text(value);
    const auto& text = value.get_ref<const std::string&>();
    return {std::any_of(comparison.patterns.begin(), comparison.patterns.end(),
                        [&](const auto& pattern) { return pattern.found_in(text); })};
}

// ---- lists ----

Verdict lists(const Comparison& comparison, const Json& value) {
    const auto items = items_of(value, comparison.field.type);
    if (!items) return clash;
    const auto wanted = operands_of(comparison.operand);
    const auto has = [&](const Json& item) { return has_item(*items, item); };
    switch (comparison.op) {
        case Operator::has_any:
            return {std::any_of(wanted.begin(), wanted.end(), has)};
        case Operator::has_none:
            return {std::none_of(wanted.begin(), wanted.end(), has)};
        default:
            return {std::all_of(wanted.begin(), wanted.end(), has)};
    }
}

// ---- time and network ----

Verdict aged(const Comparison& comparison, const Json& value, engine::Instant now) {
    if (!value.is_string()) return {false, Oddity::not_a_time};
    const auto instant = engine::parse_instant(value.get_ref<const std::string&>());
    if (!instant) return {false, Oddity::not_a_time};
    const auto age = now - *instant;
    return {comparison.op == Operator::older_than ? age > comparison.span : age < comparison.span};
}

Verdict in_hours(const Comparison& comparison, const Json& value) {
    if (!value.is_string()) return {false, Oddity::not_a_time};
    const auto instant = engine::parse_instant(value.get_ref<const std::string&>());
    if (!instant || !comparison.calendar) return {false, Oddity::not_a_time};
    return {comparison.calendar->is_open(*instant)};
}

bool within(const Network& network, const std::array<std::uint8_t, 16>& address) {
    const int whole_bytes = network.prefix / 8;
    const int rest = network.prefix % 8;
    if (!std::equal(address.begin(), address.begin() + whole_bytes, network.address.begin())) return false;
    if (rest == 0) return true;
    const int mask = 0xFF00 >> rest & 0xFF;
    return ((address[whole_bytes] ^ network.address[whole_bytes]) & mask) == 0;
}

Verdict in_network(const Comparison& comparison, const Json& value) {
    if (!value.is_string()) return {false, Oddity::not_an_address};
    const auto address = parse_address(value.get_ref<const std::string&>());
    if (!address) return {false, Oddity::not_an_address};
    return {std::any_of(comparison.networks.begin(), comparison.networks.end(),
                        [&](const Network& network) { return within(network, *address); })};
}

// ---- changes ----

/// A list of operands means any of them, unless the field itself holds a list.
bool is_operand(const Comparison& comparison, const Json* value) {
    if (is_absent(value)) return false;
    const bool is_whole = value->is_array() && comparison.operand.is_array();
    if (is_whole && comparison.field.type == FieldType::tags)
        return same_set(operands_of(*value), operands_of(comparison.operand));
    return is_whole ? same_value(*value, comparison.operand)
                    : has_item(operands_of(comparison.operand), *value);
}

Verdict judge_change(const Comparison& comparison, const Scope& scope) {
    const auto change = change_of(comparison.field, scope.changes);
    if (comparison.op == Operator::changed) return {change.changed == flag_of(comparison.operand)};
    return {is_operand(comparison, comparison.op == Operator::changed_from ? change.from : change.to)};
}

/// By what stood in the field when the decision began.
Verdict judge_count(const Comparison& comparison, const Scope& scope) {
    if (scope.rates != nullptr && !scope.rates->key_of(comparison.field).is_null())
        return {scope.rates->count(comparison) >= comparison.needed};
    const auto* value = scope.find(comparison.field);
    return {false, is_absent(value) || !value->is_structured() ? Oddity::absent : Oddity::not_countable};
}

Verdict judge_script(const Comparison& comparison, const Scope& scope) {
    return {scope.scripts != nullptr && scope.scripts->says_yes(*comparison.script, scope)};
}

Verdict judge_present(const Comparison& comparison, const Json& value, engine::Instant now) {
    switch (comparison.op) {
        case Operator::eq:
            return equal(comparison, value);
        case Operator::ne:
            return negated(equal(comparison, value));
        case Operator::in:
            return one_of(comparison, value);
        case Operator::not_in:
            return negated(one_of(comparison, value));
        case Operator::gt:
        case Operator::gte:
        case Operator::lt:
        case Operator::lte:
            return ordered(comparison, value);
        case Operator::between:
            return between(comparison, value);
        case Operator::contains:
        case Operator::starts_with:
        case Operator::ends_with:
        case Operator::any_word:
            return any_found(comparison, value);
        case Operator::not_contains:
            return negated(any_found(comparison, value));
        case Operator::matches:
            return any_matches(comparison, value);
        case Operator::has:
        case Operator::has_any:
        case Operator::has_all:
        case Operator::has_none:
            return lists(comparison, value);
        case Operator::older_than:
        case Operator::newer_than:
            return aged(comparison, value, now);
        case Operator::cidr:
            return in_network(comparison, value);
        case Operator::within_hours:
            return in_hours(comparison, value);
        default:
            return clash;  // the others are judged before the value is looked at
    }
}

}  // namespace

bool looks_at_changes(Operator op) {
    return op == Operator::changed || op == Operator::changed_from || op == Operator::changed_to;
}

bool flag_of(const Json& operand) {
    return !operand.is_boolean() || operand.get<bool>();
}

std::span<const Json> operands_of(const Json& operand) {
    if (const auto* list = operand.get_ptr<const Json::array_t*>()) return *list;
    return Items(&operand, 1);
}

bool word_found(Operator op, std::string_view text, std::string_view word) {
    switch (op) {
        case Operator::starts_with:
            return text.starts_with(word);
        case Operator::ends_with:
            return text.ends_with(word);
        case Operator::any_word:
            return contains_word(text, word);
        default:
            return text.find(word) != std::string_view::npos;
    }
}

Verdict judge(const Comparison& comparison, const Scope& scope) {
    if (looks_at_changes(comparison.op)) return judge_change(comparison, scope);
    if (comparison.op == Operator::count_over) return judge_count(comparison, scope);
    if (comparison.op == Operator::lua) return judge_script(comparison, scope);
    const auto* value = scope.find(comparison.field);
    const bool is_missing = is_absent(value);
    if (comparison.op == Operator::exists) return {is_missing != flag_of(comparison.operand)};
    if (is_missing) return {holds_on_absent(comparison.op), Oddity::absent};
    return judge_present(comparison, *value, scope.now);
}

}  // namespace rules
