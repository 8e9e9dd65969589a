#include "rules/matcher/index_part.h"

#include <algorithm>
#include <utility>

namespace rules {
namespace {

/// What a rule's conditions may be taken apart into; the rest is looked at when the index leads to the rule.
constexpr std::size_t terms_max = 16;

}  // namespace

IndexPart::IndexPart(const std::vector<const Rule*>& rules) {
    std::vector<Terms> terms;
    terms.reserve(rules.size());
    for (const auto* rule : rules) {
        for (const auto& pattern : rule->on) slots_.learn_type(pattern);
        terms.push_back(terms_of(rule->when, terms_max));
        for (const auto& term : terms.back().any)
            for (const auto& literal : term.literals) slots_.learn(*literal.comparison);
    }
    slots_.freeze();
    reader_.emplace(slots_);
    std::vector<Constraints> constraints;
    for (std::uint32_t number = 0; number < rules.size(); ++number)
        for (const auto& term : terms[number].any) {
            auto one =
                constraints_of(indexed_term(number, *rules[number], term, terms[number].exact), slots_);
            if (one) constraints.push_back(std::move(*one));
        }
    joint_keys_ = JointKeys(constraints, slots_);
    blocks_ = BlockIndex(std::move(constraints), slots_);
}

IndexedTerm IndexPart::indexed_term(std::uint32_t number, const Rule& rule, const Term& term,
                                    bool exact) const {
    IndexedTerm indexed{number, {}, exact};
    // What every type fits need not be asked.
    if (std::find(rule.on.begin(), rule.on.end(), "*") == rule.on.end())
        indexed.demands.push_back(slots_.type_demand(rule.on));
    for (const auto& literal : term.literals) {
        auto demands = slots_.demands_of(*literal.comparison, literal.negated);
        indexed.exact = indexed.exact && demands.exact;
        std::move(demands.all.begin(), demands.all.end(), std::back_inserter(indexed.demands));
    }
    return indexed;
}

void IndexPart::match(const Readings& readings, BlockIndex::Matching& into) const {
    into.hits.clear();
    joint_keys_.match(readings, into.hits);
    blocks_.match(readings, into);
    if (into.hits.size() > 1) std::sort(into.hits.begin(), into.hits.end());
}

}  // namespace rules
