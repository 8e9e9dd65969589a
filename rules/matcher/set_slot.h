#pragma once
/// SetSlot: a field in which several things may be found at once: items of a list, words of a text. Each that
/// rules look for has an id.

#include <cstdint>
#include <optional>
#include <vector>

#include "rules/matcher/bounds.h"
#include "rules/matcher/code_set.h"
#include "rules/matcher/raw_value.h"
#include "rules/matcher/text_codes.h"
#include "rules/matcher/text_probes.h"
#include "rules/rule_set.h"

namespace rules {

struct SetSlot {
    enum class Listing { items, probes };

    /// The value is there and nothing can be found in it.
    static constexpr Code clash_id = 0;

    Listing listing = Listing::items;
    FieldPath field;
    TextCodes texts;  ///< of `items`
    Bounds<ExactNumber> numbers;
    TextProbes probes;

    void learn(const Comparison& comparison);
    void freeze();

    /// Larger than every id.
    Code ids() const;
    std::size_t bytes() const;

    /// Adds what is found, in no order.
    void find(const RawValue& value, std::vector<Code>& found) const;
    void find(const engine::Json* value, std::vector<Code>& found) const;

    /// What the comparison looks for; nothing when one of it has no id.
    std::optional<std::vector<Code>> ids_of(const Comparison& comparison) const;

private:
    std::optional<Code> item(const RawValue& value) const;
};

}  // namespace rules
