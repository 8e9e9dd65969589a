#include "rules/matcher/set_slot.h"

#include "rules/evaluator/compare.h"
#include "rules/evaluator/comparison.h"

namespace rules {
namespace {

// Ids of items: false and true, then numbers, then texts.
constexpr Code false_id = SetSlot::clash_id + 1;
constexpr Code true_id = SetSlot::clash_id + 2;
constexpr Code first_number_id = SetSlot::clash_id + 3;

constexpr Code first_probe_id = SetSlot::clash_id + 1;

}  // namespace

void SetSlot::learn(const Comparison& comparison) {
    for (const auto& word : comparison.words) probes.add(comparison.op, comparison.case_sensitive, word);
    for (const auto& pattern : comparison.patterns) probes.add(pattern, comparison.case_sensitive);
    if (listing == Listing::probes) return;
    for (const auto& operand : operands_of(comparison.operand)) {
        if (operand.is_string()) texts.add(operand.get_ref<const std::string&>());
        if (operand.is_number()) numbers.add(ExactNumber(operand));
    }
}

void SetSlot::freeze() {
    texts.freeze();
    numbers.sort();
    probes.freeze();
}

Code SetSlot::ids() const {
    if (listing == Listing::probes) return first_probe_id + probes.count();
    return first_number_id + static_cast<Code>(numbers.size()) + texts.size();
}

std::size_t SetSlot::bytes() const {
    return sizeof *this + texts.bytes() + numbers.bytes() + probes.bytes();
}

/// Nothing when nobody looks for it.
std::optional<Code> SetSlot::item(const RawValue& value) const {
    if (value.kind == RawValue::Kind::boolean) return value.flag ? true_id : false_id;
    if (value.kind == RawValue::Kind::number) {
        const auto place = numbers.place(value.number);
        return place ? std::optional(first_number_id + static_cast<Code>(*place)) : std::nullopt;
    }
    if (value.kind != RawValue::Kind::text) return std::nullopt;
    const auto number = texts.find(value.text);
    return number ? std::optional(first_number_id + static_cast<Code>(numbers.size()) + *number)
                  : std::nullopt;
}

std::optional<std::vector<Code>> SetSlot::ids_of(const Comparison& comparison) const {
    std::vector<Code> ids;
    if (listing == Listing::items) {
        for (const auto& operand : operands_of(comparison.operand)) {
            const auto id = item(raw(&operand));
            if (!id) return std::nullopt;
            ids.push_back(*id);
        }
        return ids;
    }
    for (const auto& word : comparison.words)
        ids.push_back(first_probe_id + probes.number_of(comparison.op, comparison.case_sensitive, word));
    for (const auto& pattern : comparison.patterns)
        ids.push_back(first_probe_id +
                      probes.number_of(Operator::matches, comparison.case_sensitive, pattern.pattern()));
    return ids;
}

void SetSlot::find(const RawValue& value, std::vector<Code>& found) const {
    if (value.kind == RawValue::Kind::absent) return;
    const bool is_text = value.kind == RawValue::Kind::text;
    if (listing == Listing::probes)
        return is_text ? probes.find(value.text, first_probe_id, found) : found.push_back(clash_id);
    const auto add = [&](const RawValue& one) {
        if (const auto id = item(one)) found.push_back(*id);
    };
    if (is_text && field.type == FieldType::tags) return add(value);
    if (value.kind != RawValue::Kind::list) return found.push_back(clash_id);
    for (const auto& one : value.items) add(one);
}

void SetSlot::find(const engine::Json* value, std::vector<Code>& found) const {
    auto whole = raw(value);
    std::vector<RawValue> items;
    if (whole.kind == RawValue::Kind::list && listing == Listing::items) {
        for (const auto& one : *value) items.push_back(raw(&one));
        whole.items = items;
    }
    find(whole, found);
}

}  // namespace rules
