#include "rules/matcher/code_slot.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "rules/evaluator/compare.h"
#include "rules/evaluator/comparison.h"
#include "rules/evaluator/words.h"

namespace rules {

using engine::Json;

void CodeSlot::learn(const Comparison& comparison) {
    if (coding == Coding::age) return ticks.add(comparison.span.count());
    if (comparison.op == Operator::starts_with) {
        for (const auto& word : comparison.words) prefixes.add(word);
        return;
    }
    for (const auto& operand : operands_of(comparison.operand)) learn_operand(operand);
}

void CodeSlot::learn_operand(const Json& operand) {
    switch (coding) {
        case Coding::text:
            texts.add(operand.get_ref<const std::string&>());
            return;
        case Coding::number:
        case Coding::order:
            return numbers.add(ExactNumber(operand));
        case Coding::instants:
            return ticks.add(*ticks_of(operand));
        default:
            return;
    }
}

void CodeSlot::freeze() {
    texts.freeze();
    numbers.sort();
    ticks.sort();
    prefixes.sort();
}

Code CodeSlot::codes() const {
    switch (coding) {
        case Coding::text:
            return first_listed + texts.size();
        case Coding::number:
            return first_listed + static_cast<Code>(numbers.size());
        case Coding::order:
            return first_listed + 2 * static_cast<Code>(numbers.size());
        case Coding::instants:
        case Coding::age:
            return first_listed + 2 * static_cast<Code>(ticks.size());
        case Coding::prefix:
        case Coding::exact_prefix:
            return first_listed + static_cast<Code>(prefixes.size());
        default:
            return true_code + 1;
    }
}

std::size_t CodeSlot::bytes() const {
    return sizeof *this + texts.bytes() + numbers.bytes() + ticks.bytes() + prefixes.bytes();
}

Code CodeSlot::other_code_of(const RawValue& value, engine::Instant now) const {
    switch (coding) {
        case Coding::presence:
            return other_code;
        case Coding::boolean:
            if (value.kind != RawValue::Kind::boolean) return clash_code;
            return value.flag ? true_code : false_code;
        case Coding::number: {
            if (value.kind != RawValue::Kind::number) return clash_code;
            const auto place = numbers.place(value.number);
            return place ? first_listed + static_cast<Code>(*place) : other_code;
        }
        case Coding::prefix:
            return value.kind == RawValue::Kind::text ? code_of_folded_prefix(value.text) : clash_code;
        default: {
            const auto at = ticks_of(value);
            if (!at) return clash_code;
            const auto age = engine::microseconds_of(now) - *at;
            return other_code + static_cast<Code>(ticks.rank(coding == Coding::age ? age : *at));
        }
    }
}

Code CodeSlot::code_of_folded_prefix(std::string_view text) const {
    auto beginning = text.substr(0, prefixes.longest());
    // An ASCII beginning folds to itself byte by byte, whatever comes after it.
    if (!is_ascii(beginning)) beginning = text;
    return other_code + static_cast<Code>(prefixes.rank(FoldedText(beginning, false).view()));
}

Code CodeSlot::listed(const Json& operand) const {
    if (coding == Coding::boolean) return operand.get<bool>() ? true_code : false_code;
    if (coding == Coding::text) {
        const auto number = texts.find(operand.get_ref<const std::string&>());
        ENSURE(number);
        return first_listed + *number;
    }
    const auto place = numbers.place(ExactNumber(operand));
    ENSURE(place);
    return first_listed + static_cast<Code>(*place);
}

CodeSet CodeSlot::ordered(Operator op, std::size_t bound) const {
    const auto at = first_listed + 2 * static_cast<Code>(bound);
    const auto above_all = codes() - 1;
    switch (op) {
        case Operator::gt:
            return CodeSet::of(at + 1, above_all);
        case Operator::gte:
            return CodeSet::of(at, above_all);
        case Operator::lt:
            return CodeSet::of(other_code, at - 1);
        default:
            return CodeSet::of(other_code, at);
    }
}

CodeSet CodeSlot::ordered(Operator op, const Json& bound) const {
    const auto place =
        coding == Coding::order ? numbers.place(ExactNumber(bound)) : ticks.place(*ticks_of(bound));
    ENSURE(place);
    return ordered(op, *place);
}

CodeSet CodeSlot::aged(const Comparison& comparison) const {
    const auto place = ticks.place(comparison.span.count());
    ENSURE(place);
    return ordered(comparison.op == Operator::older_than ? Operator::gt : Operator::lt, *place);
}

CodeSet CodeSlot::beginning_with(const Comparison& comparison) const {
    CodeSet begins;
    for (const auto& word : comparison.words) {
        const auto ranks = prefixes.ranks_of(word);
        begins = begins.united(CodeSet::of(other_code + static_cast<Code>(ranks.first),
                                           other_code + static_cast<Code>(ranks.last)));
    }
    return begins;
}

}  // namespace rules
