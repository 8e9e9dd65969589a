#pragma once
/// One comparison judged: its truth, and what was odd about it.

#include <span>
#include <string_view>

#include "rules/evaluator/condition.h"
#include "rules/rule_set.h"

namespace rules {

enum class Oddity {
    none,
    absent,          ///< the field is not there
    clash,           ///< the field's value is of another type than the operator or the operand
    list,            ///< a text operator met a list
    not_a_time,      ///< an age was asked of what is no time
    not_an_address,  ///< a network was asked of what is no address
    not_countable,   ///< events were to be counted by a list or a map
};

struct Verdict {
    bool result = false;
    Oddity oddity = Oddity::none;
};

/// It judges what happened to the field and not what it is.
bool looks_at_changes(Operator op);
/// A flag such as `exists: false`; anything but false asks for true.
bool flag_of(const engine::Json& operand);
/// A scalar operand stands for a list of one.
std::span<const engine::Json> operands_of(const engine::Json& operand);
/// What one of the operators `contains starts_with ends_with any_word` asks of a text, both folded or
/// neither.
bool word_found(Operator op, std::string_view text, std::string_view word);

/// Allocates nothing but for folding long or non-ASCII texts.
Verdict judge(const Comparison& comparison, const Scope& scope);

}  // namespace rules
