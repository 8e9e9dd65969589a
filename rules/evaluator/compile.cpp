#include "engine/base/text.h"
#include "rules/policies/rates.h"
#include "rules/rule_set.h"

namespace rules {
namespace {

using engine::Json;
using engine::Result;

/// The operand as a list of texts: one text stands for a list of one.
Result<std::vector<std::string>> texts_of(const Comparison& comparison) {
    const auto wrong =
        engine::invalid(std::string(name_of(comparison.op)) + " takes a text or a list of texts");
    std::vector<std::string> texts;
    if (const auto* text = comparison.operand.get_ptr<const Json::string_t*>()) texts.push_back(*text);
    if (!texts.empty()) return texts;
    if (!comparison.operand.is_array()) return wrong;
    for (const auto& item : comparison.operand) {
        if (!item.is_string()) return wrong;
        texts.push_back(item.get_ref<const std::string&>());
    }
    return texts;
}

Result<void> compile_words(Comparison& comparison) {
    auto texts = texts_of(comparison);
    if (!texts) return texts.error();
    comparison.words = std::move(*texts);
    if (comparison.case_sensitive) return {};
    for (auto& word : comparison.words) word = engine::fold_case(word);
    return {};
}

Result<void> compile_patterns(Comparison& comparison) {
    const auto texts = texts_of(comparison);
    if (!texts) return texts.error();
    comparison.patterns.clear();
    for (const auto& text : *texts) {
        auto pattern = Regex::compile(text, comparison.case_sensitive);
        if (!pattern) return pattern.error();
        comparison.patterns.push_back(std::move(*pattern));
    }
    return {};
}

Result<void> compile_networks(Comparison& comparison) {
    const auto texts = texts_of(comparison);
    if (!texts) return texts.error();
    comparison.networks.clear();
    for (const auto& text : *texts) {
        const auto network = parse_network(text);
        if (!network) return network.error();
        comparison.networks.push_back(*network);
    }
    return {};
}

Result<void> compile_span(Comparison& comparison) {
    const auto* text = comparison.operand.get_ptr<const Json::string_t*>();
    if (!text) return engine::invalid(std::string(name_of(comparison.op)) + " takes a span such as 2h or 3d");
    const auto span = engine::parse_duration(*text);
    if (!span) return span.error();
    comparison.span = *span;
    return {};
}

/// `{"at_least": 3, "within": "1h", "on": ["ticket.created"]}`, or `more_than`, as the reader of rules leaves
/// it.
Result<void> compile_rate(Comparison& comparison) {
    const auto wrong = engine::invalid("count_over takes at_least or more_than, within and on");
    const auto& operand = comparison.operand;
    const auto* at_least = engine::find(operand, "at_least");
    const auto* more_than = engine::find(operand, "more_than");
    const auto* limit = at_least != nullptr ? at_least : more_than;
    const auto* within = engine::find(operand, "within");
    const auto* on = engine::find(operand, "on");
    if (limit == nullptr || !limit->is_number_integer() || *limit < 0 || on == nullptr || !on->is_array() ||
        within == nullptr || !within->is_string())
        return wrong;
    std::vector<std::string> types;
    for (const auto& type : *on) {
        if (!type.is_string()) return wrong;
        types.push_back(type.get<std::string>());
    }
    const auto span = engine::parse_duration(within->get_ref<const std::string&>());
    if (!span) return span.error();
    comparison.span = *span;
    comparison.needed = limit->get<std::size_t>() + (at_least != nullptr ? 0 : 1);
    comparison.rate = rate_id(comparison.field, types);
    return {};
}

}  // namespace

Result<void> compile(Comparison& comparison) {
    switch (comparison.op) {
        case Operator::contains:
        case Operator::not_contains:
        case Operator::starts_with:
        case Operator::ends_with:
        case Operator::any_word:
            return compile_words(comparison);
        case Operator::matches:
            return compile_patterns(comparison);
        case Operator::cidr:
            return compile_networks(comparison);
        case Operator::older_than:
        case Operator::newer_than:
            return compile_span(comparison);
        case Operator::count_over:
            return compile_rate(comparison);
        default:
            return {};
    }
}

}  // namespace rules
