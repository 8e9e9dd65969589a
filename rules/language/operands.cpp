#include "rules/language/operands.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/base/time.h"
#include "rules/language/moments.h"
#include "rules/language/reading.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::Json;
using engine::YamlNode;

/// What an operator wants behind it.
enum class Operand {
    value,      ///< one value of the field's type
    values,     ///< a list of them
    bound,      ///< a number or a time
    range,      ///< two of them
    words,      ///< a text or a list of texts
    element,    ///< one value that a list may hold
    elements,   ///< a list of them
    any_value,  ///< one value, or a list of which any will do
    flag,
    span,
    calendar,
    rate,  ///< how many events, in what time
};

constexpr int events_most = 1'000;
constexpr engine::Duration within_least = std::chrono::seconds(1);
constexpr engine::Duration within_most = std::chrono::days(30);

Operand operand_of(Operator op) {
    switch (op) {
        case Operator::eq:
        case Operator::ne:
            return Operand::value;
        case Operator::changed_from:
        case Operator::changed_to:
            return Operand::any_value;
        case Operator::in:
        case Operator::not_in:
            return Operand::values;
        case Operator::gt:
        case Operator::gte:
        case Operator::lt:
        case Operator::lte:
            return Operand::bound;
        case Operator::between:
            return Operand::range;
        case Operator::contains:
        case Operator::not_contains:
        case Operator::starts_with:
        case Operator::ends_with:
        case Operator::any_word:
        case Operator::matches:
        case Operator::cidr:
            return Operand::words;
        case Operator::has:
            return Operand::element;
        case Operator::has_any:
        case Operator::has_all:
        case Operator::has_none:
            return Operand::elements;
        case Operator::exists:
        case Operator::changed:
            return Operand::flag;
        case Operator::older_than:
        case Operator::newer_than:
            return Operand::span;
        case Operator::within_hours:
            return Operand::calendar;
        case Operator::count_over:
            return Operand::rate;
        case Operator::lua:
            break;  // no field has it
    }
    return Operand::value;
}

bool is_one_of(FieldType type, std::initializer_list<FieldType> types) {
    return type == FieldType::any || std::find(types.begin(), types.end(), type) != types.end();
}

bool fits(Operator op, FieldType type) {
    switch (operand_of(op)) {
        case Operand::bound:
        case Operand::range:
            return is_one_of(type, {FieldType::number, FieldType::instant});
        case Operand::words:
            return is_one_of(type, {FieldType::text, FieldType::instant});
        case Operand::element:
        case Operand::elements:
            return is_one_of(type, {FieldType::tags, FieldType::list});
        case Operand::span:
        case Operand::calendar:
            return is_one_of(type, {FieldType::instant});
        case Operand::rate:
            return is_one_of(type,
                             {FieldType::text, FieldType::number, FieldType::boolean, FieldType::instant});
        case Operand::value:
        case Operand::values:
        case Operand::any_value:
        case Operand::flag:
            return true;
    }
    return true;
}

std::string compared_by(Operator op) {
    switch (operand_of(op)) {
        case Operand::bound:
        case Operand::range:
            return "compares numbers and times";
        case Operand::words:
            return "looks into texts";
        case Operand::element:
        case Operand::elements:
            return "looks into lists";
        case Operand::span:
        case Operand::calendar:
            return "compares times";
        case Operand::rate:
            return "counts by one value";
        default:
            return "compares";
    }
}

/// The operator that the author of this one on that type most likely wants.
std::string better_operator(Operator op, FieldType type) {
    const bool list = type == FieldType::tags || type == FieldType::list;
    if (operand_of(op) == Operand::words && list) return ": use has_any or has_none";
    if (operand_of(op) == Operand::element && type == FieldType::text) return ": use eq or contains";
    if (operand_of(op) == Operand::elements && type == FieldType::text) return ": use in or not_in";
    return "";
}

Expected expected_by(const FieldPath& field, const RuleContext& context) {
    const Field* declared = context.catalogue.find(field.text);
    return {field.text, field.type, declared != nullptr ? declared->values : std::vector<std::string>()};
}

bool report(const std::string& kind, const YamlNode& node, std::string message, RuleContext& context) {
    context.problems.error(kind, node.place, std::move(message));
    return false;
}

bool read_one(const YamlNode& node, const Expected& expected, Json& operand, RuleContext& context) {
    const bool list_field = expected.type == FieldType::tags || expected.type == FieldType::list;
    if (list_field && node.is_scalar())
        return report("wrong-type", node,
                      expected.what + " is a list, found " + description_of(node) + ": use has or has_any",
                      context);
    auto value = read_constant(node, expected, context.problems);
    if (value) operand = std::move(*value);
    return value.has_value();
}

bool read_many(const YamlNode::Entry& entry, const Expected& each, Json& operand, RuleContext& context) {
    const auto& node = entry.value;
    if (!node.is_list())
        return report("wrong-type", node, entry.key + " takes a list, found " + description_of(node),
                      context);
    if (node.items.empty()) return report("bad-value", node, entry.key + " has an empty list", context);
    operand = Json::array();
    bool good = true;
    for (const auto& item : node.items) {
        Json value;
        const bool read = read_one(item, each, value, context);
        if (read) operand.push_back(std::move(value));
        good = good && read;
    }
    return good;
}

/// A list is several values, unless it is what the field itself holds.
bool read_any_value(const YamlNode::Entry& entry, const Expected& expected, Json& operand,
                    RuleContext& context) {
    const bool holds_lists = is_one_of(expected.type, {FieldType::tags, FieldType::list});
    if (entry.value.is_list() && !holds_lists) return read_many(entry, expected, operand, context);
    return read_one(entry.value, expected, operand, context);
}

bool is_bound(const Json& value) {
    return value.is_number() || (value.is_string() && engine::parse_instant(value.get<std::string>()));
}

bool read_bound(const YamlNode& node, const Expected& expected, Json& operand, RuleContext& context) {
    if (!read_one(node, expected, operand, context)) return false;
    if (is_bound(operand)) return true;
    return report("wrong-type", node,
                  expected.what + " is compared with " + description_of(node) +
                      ": it must be a number or a time such as 2026-05-04T08:00:00Z",
                  context);
}

bool in_order(const Json& low, const Json& high) {
    if (low.is_number() && high.is_number()) return low <= high;
    if (!low.is_string() || !high.is_string()) return false;
    return *engine::parse_instant(low.get<std::string>()) <= *engine::parse_instant(high.get<std::string>());
}

bool read_range(const YamlNode& node, const Expected& expected, Json& operand, RuleContext& context) {
    if (!node.is_list() || node.items.size() != 2)
        return report("wrong-type", node, "between takes a list of two, the least and the most", context);
    Json low, high;
    const bool low_read = read_bound(node.items[0], expected, low, context);
    const bool high_read = read_bound(node.items[1], expected, high, context);
    if (!low_read || !high_read) return false;
    if (!in_order(low, high))
        return report("bad-value", node, "between has its bounds in the wrong order", context);
    operand = Json::array({low, high});
    return true;
}

bool read_words(const YamlNode::Entry& entry, Json& operand, RuleContext& context) {
    auto texts = read_texts(entry.value, entry.key, context.problems);
    if (!texts) return false;
    operand = entry.value.is_list() ? Json(std::move(*texts)) : Json(std::move(texts->front()));
    return true;
}

bool read_span(const YamlNode& node, const std::string& what, Json& operand, RuleContext& context) {
    if (!node.is_scalar())
        return report("wrong-type", node,
                      what + " takes a span of time such as 2h, found " + description_of(node), context);
    operand = node.text;
    return true;
}

bool read_calendar(const YamlNode& node, Comparison& comparison, RuleContext& context) {
    comparison.calendar = read_calendar_name(node, "within_hours", context);
    if (comparison.calendar) comparison.operand = node.text;
    return comparison.calendar != nullptr;
}

/// `at_least: 3` or `more_than: 2`, one of the two.
bool read_how_many(const YamlNode& node, Json& operand, RuleContext& context) {
    const auto* at_least = node.find("at_least");
    const auto* more_than = node.find("more_than");
    if ((at_least == nullptr) == (more_than == nullptr))
        return report(at_least == nullptr ? "missing-key" : "bad-value", node,
                      "count_over takes at_least or more_than, with a number of events", context);
    const auto count = at_least != nullptr
                           ? read_integer(*at_least, "at_least", 1, events_most, context.problems)
                           : read_integer(*more_than, "more_than", 0, events_most - 1, context.problems);
    if (count) operand[at_least != nullptr ? "at_least" : "more_than"] = *count;
    return count.has_value();
}

bool read_within(const YamlNode& node, Json& operand, RuleContext& context) {
    const auto* within = node.find("within");
    if (within == nullptr)
        return report("missing-key", node, "count_over has no within, a span of time such as 1h", context);
    if (!read_span(*within, "within", operand["within"], context)) return false;
    const auto span = engine::parse_duration(within->text);
    if (!span) return report("bad-value", *within, span.error().message, context);
    if (*span < within_least || *span > within_most)
        return report("bad-value", *within,
                      "within is " + within->text + ", it must be from " + engine::to_text(within_least) +
                          " to " + engine::to_text(within_most),
                      context);
    operand["within"] = engine::to_text(*span);
    return true;
}

/// Without `on` the rule's own events are counted.
bool read_counted(const YamlNode& node, Json& operand, RuleContext& context) {
    auto types = context.counted;
    if (const auto* on = node.find("on")) {
        auto read = read_event_types(*on, "on", context.awaited, context.problems);
        if (!read) return false;
        types = *std::move(read);
    }
    if (types.empty())
        return report("missing-key", node, "count_over has no on, the types of the events that it counts",
                      context);
    std::sort(types.begin(), types.end());
    types.erase(std::unique(types.begin(), types.end()), types.end());
    operand["on"] = std::move(types);
    return true;
}

/// Its events are counted with the entity that they are about.
bool is_own_field(const FieldPath& field, const RuleContext& context) {
    const auto& kinds = context.subject_kinds;
    return context.catalogue.is_entity(field.root) && !field.keys.empty() &&
           (kinds.empty() || kinds.contains(field.root));
}

bool read_rate(const YamlNode::Entry& entry, Comparison& comparison, RuleContext& context) {
    if (!context.counts)
        return report("bad-value", entry.value,
                      "count_over is for the conditions of rules: when, and if among their steps", context);
    // A field that is not known is reported as such.
    if (!comparison.field.root.empty() && !is_own_field(comparison.field, context))
        return report("bad-value", entry.value,
                      "count_over counts by a field of the event's own entity, " +
                          in_quotes(comparison.field.text) + " is none",
                      context);
    if (!expect_map(entry.value, "count_over", context.problems)) return false;
    check_keys(entry.value, {"at_least", "more_than", "within", "on"}, "count_over", context.problems);
    comparison.operand = Json::object();
    const bool has_count = read_how_many(entry.value, comparison.operand, context);
    const bool has_within = read_within(entry.value, comparison.operand, context);
    return read_counted(entry.value, comparison.operand, context) && has_count && has_within;
}

bool read_flag_operand(const YamlNode::Entry& entry, Json& operand, RuleContext& context) {
    const auto flag = read_flag(entry.value, entry.key, context.problems);
    if (flag) operand = *flag;
    return flag.has_value();
}

bool read_by_kind(const YamlNode::Entry& entry, Comparison& comparison, RuleContext& context) {
    const auto expected = expected_by(comparison.field, context);
    Json& operand = comparison.operand;
    switch (operand_of(comparison.op)) {
        case Operand::value:
            return read_one(entry.value, expected, operand, context);
        case Operand::values:
            return read_many(entry, expected, operand, context);
        case Operand::any_value:
            return read_any_value(entry, expected, operand, context);
        case Operand::bound:
            return read_bound(entry.value, expected, operand, context);
        case Operand::range:
            return read_range(entry.value, expected, operand, context);
        case Operand::words:
            return read_words(entry, operand, context);
        case Operand::element:
            return read_one(entry.value, element_of(expected), operand, context);
        case Operand::elements:
            return read_many(entry, element_of(expected), operand, context);
        case Operand::flag:
            return read_flag_operand(entry, operand, context);
        case Operand::span:
            return read_span(entry.value, entry.key, operand, context);
        case Operand::calendar:
            return read_calendar(entry.value, comparison, context);
        case Operand::rate:
            return read_rate(entry, comparison, context);
    }
    return false;
}

/// Change conditions look at what this decision's own entity has become.
void check_can_change(const YamlNode::Entry& entry, const Comparison& comparison, RuleContext& context) {
    const bool change = comparison.op == Operator::changed || comparison.op == Operator::changed_from ||
                        comparison.op == Operator::changed_to;
    const auto& root = comparison.field.root;
    const auto& kinds = context.subject_kinds;
    const bool own = context.catalogue.is_entity(root) && (kinds.empty() || kinds.contains(root));
    if (!change || root.empty() || own) return;
    context.problems.warning("never-true", entry.place,
                             entry.key + " is never true for " + in_quotes(comparison.field.text) +
                                 ": only the decision's own entity changes");
}

bool compile_operand(const YamlNode& node, Comparison& comparison, RuleContext& context) {
    const auto compiled = compile(comparison);
    if (compiled) return true;
    const std::string kind = comparison.op == Operator::matches ? "bad-regex" : "bad-value";
    return report(kind, node, compiled.error().message, context);
}

}  // namespace

bool read_operand(const YamlNode::Entry& entry, Comparison& comparison, RuleContext& context) {
    const auto type = comparison.field.type;
    if (!fits(comparison.op, type)) {
        context.problems.error("wrong-type", entry.place,
                               std::string(name_of(comparison.op)) + " " + compared_by(comparison.op) + ", " +
                                   comparison.field.text + " is " + article_of(type) +
                                   better_operator(comparison.op, type));
        return false;
    }
    check_can_change(entry, comparison, context);
    return read_by_kind(entry, comparison, context) && compile_operand(entry.value, comparison, context);
}

bool folds_case(Operator op) {
    return operand_of(op) == Operand::words && op != Operator::cidr;
}

}  // namespace rules
