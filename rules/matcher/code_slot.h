#pragma once
/// CodeSlot: one aspect of a field, whose values are divided into classes: codes.

#include <cstdint>
#include <string_view>

#include "engine/base/time.h"
#include "rules/matcher/bounds.h"
#include "rules/matcher/code_set.h"
#include "rules/matcher/raw_value.h"
#include "rules/matcher/text_codes.h"
#include "rules/rule_set.h"

namespace rules {

struct CodeSlot {
    enum class Source { value, changed, from, to };
    enum class Coding {
        presence,
        text,
        number,
        boolean,
        prefix,        ///< of the folded text
        exact_prefix,  ///< of the text as it is
        order,
        instants,
        age,
    };

    // Codes that every slot has.
    static constexpr Code absent_code = 0;
    static constexpr Code clash_code = 1;  ///< a value of another type than the slot's
    /// Of the type, and none of those listed; in an order, below the first bound.
    static constexpr Code other_code = 2;
    /// The listed ones by their place; of an order, at a bound and then above it.
    static constexpr Code first_listed = 3;
    // Of some.
    static constexpr Code unchanged_code = 2;
    static constexpr Code changed_code = 3;
    static constexpr Code false_code = 3;
    static constexpr Code true_code = 4;

    // What every value is asked about comes first, on one cache line.
    Coding coding = Coding::presence;
    Source source = Source::value;
    TextCodes texts;              ///< of `text`
    Bounds<ExactNumber> numbers;  ///< of `number` and `order`
    Bounds<std::int64_t> ticks;   ///< of `instants` and `age`: microseconds
    Prefixes prefixes;            ///< of `prefix` and `exact_prefix`
    FieldPath field;

    /// What the comparison names has to be told apart.
    void learn(const Comparison& comparison);
    void freeze();

    /// Larger than every code.
    Code codes() const;
    std::size_t bytes() const;

    Code code_of(const RawValue& value, engine::Instant now) const {
        if (value.kind == RawValue::Kind::absent) return absent_code;
        switch (coding) {
            case Coding::text: {
                if (value.kind != RawValue::Kind::text) return clash_code;
                if (value.is_padded) return code_of_padded(value.text);
                const auto known = texts.find(value.text);
                return known ? first_listed + *known : other_code;
            }
            case Coding::order:
                if (value.kind != RawValue::Kind::number) return clash_code;
                return other_code + static_cast<Code>(numbers.rank(value.number));
            case Coding::exact_prefix:
                if (value.kind != RawValue::Kind::text) return clash_code;
                return other_code + static_cast<Code>(value.is_padded ? prefixes.rank_padded(value.text)
                                                                      : prefixes.rank(value.text));
            default:
                return other_code_of(value, now);
        }
    }

    /// Of a slot of texts, for one behind which 8 bytes can be read.
    Code code_of_padded(std::string_view text) const {
        return texts.code_of_padded(text, first_listed, other_code);
    }

    // Sets of codes on which something holds; what is named was learned.
    Code listed(const engine::Json& operand) const;
    CodeSet ordered(Operator op, const engine::Json& bound) const;
    CodeSet aged(const Comparison& comparison) const;
    CodeSet beginning_with(const Comparison& comparison) const;

private:
    void learn_operand(const engine::Json& operand);
    Code other_code_of(const RawValue& value, engine::Instant now) const;
    Code code_of_folded_prefix(std::string_view text) const;
    CodeSet ordered(Operator op, std::size_t bound) const;
};

}  // namespace rules
