#include "rules/checker/condition_facts.h"

#include <algorithm>
#include <utility>

#include "rules/checker/step_text.h"
#include "rules/checker/supposition.h"

namespace rules {
namespace {

bool way_implies(const Term& narrow, const ConditionFacts& wide, const TypePatterns& types) {
    return std::any_of(wide.ways.begin(), wide.ways.end(), [&](const Term& way) {
        return std::all_of(way.literals.begin(), way.literals.end(),
                           [&](const Literal& literal) { return implies(narrow.literals, literal, types); });
    });
}

/// No way of the one goes together with a way in which the other does not hold.
bool way_excludes_opposite(const Term& narrow, const ConditionFacts& wide, const TypePatterns& types) {
    return !wide.opposite.empty() &&
           std::none_of(wide.opposite.begin(), wide.opposite.end(), [&](const Term& way) {
               auto literals = narrow.literals;
               literals.insert(literals.end(), way.literals.begin(), way.literals.end());
               return can_hold(literals, types);
           });
}

}  // namespace

ConditionFacts ConditionReader::facts_of(const Condition& condition, const TypePatterns& types) {
    ConditionFacts facts;
    facts.condition = &condition;
    facts.types = &types;
    auto terms = terms_of(condition, terms_max_);
    facts.exact = terms.exact;
    for (auto& way : terms.any)
        if (can_hold(way.literals, types)) facts.ways.push_back(std::move(way));
    if (facts.ways.size() > 1) facts.opposite = opposite_of(condition);
    return facts;
}

std::vector<Term> ConditionReader::opposite_of(const Condition& condition) {
    Condition negation;
    negation.kind = Condition::Kind::negation;
    negation.children.push_back(condition);
    negated_.push_back(std::move(negation));
    return terms_of(negated_.back(), terms_max_).any;
}

bool implies(const ConditionFacts& narrow, const ConditionFacts& wide) {
    if (!types_within(*narrow.types, *wide.types)) return false;
    // Ways that say less than the conditions still have the same text when they are the same.
    if (!wide.exact) return text_of(*narrow.condition) == text_of(*wide.condition);
    return std::all_of(narrow.ways.begin(), narrow.ways.end(), [&](const Term& way) {
        return way_implies(way, wide, *narrow.types) || way_excludes_opposite(way, wide, *narrow.types);
    });
}

}  // namespace rules
