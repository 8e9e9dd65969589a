#include "rules/matcher/same_condition.h"

#include <algorithm>

namespace rules {
namespace {

/// Words, patterns, networks and spans are made of the operand. As text, because numbers that are equal as
/// doubles may be two.
bool same_comparison(const Comparison& left, const Comparison& right) {
    return left.field.text == right.field.text && left.field.type == right.field.type &&
           left.op == right.op && left.case_sensitive == right.case_sensitive &&
           left.operand.dump() == right.operand.dump();
}

bool same_condition(const Condition& left, const Condition& right) {
    if (left.kind != right.kind) return false;
    if (left.kind == Condition::Kind::comparison) return same_comparison(left.comparison, right.comparison);
    return std::equal(left.children.begin(), left.children.end(), right.children.begin(),
                      right.children.end(), same_condition);
}

}  // namespace

bool same_match(const Rule& left, const Rule& right) {
    return left.on == right.on && same_condition(left.when, right.when);
}

}  // namespace rules
