#include "rules/matcher/indexed.h"

#include <algorithm>
#include <utility>

namespace rules {
namespace {

/// What a rule's conditions may be taken apart into; the rest is looked at when the index leads to the rule.
constexpr std::size_t terms_max = 16;

class IndexedCursor final : public MatchCursor {
public:
    IndexedCursor(const IndexedMatcher& matcher, std::string_view event_type, const Scope& scope)
        : matcher_(matcher), scope_(scope) {
        matcher_.slots().read(event_type, scope_, readings_);
    }

    std::optional<std::size_t> next(std::size_t from) override {
        if (stale_) match();
        auto hit =
            std::lower_bound(hits_.begin(), hits_.end(), from,
                             [](const BlockIndex::Hit& one, std::size_t rule) { return one.rule < rule; });
        for (; hit != hits_.end(); ++hit)
            if (hit->exact || holds(matcher_.rules()[hit->rule].when, scope_)) return hit->rule;
        return std::nullopt;
    }

    void field_changed(std::string_view field) override {
        stale_ = matcher_.slots().read_changed(field, scope_, readings_) || stale_;
    }

private:
    void match() {
        stale_ = false;
        hits_.clear();
        matcher_.index().match(readings_, hits_);
        std::sort(hits_.begin(), hits_.end());
    }

    const IndexedMatcher& matcher_;
    const Scope& scope_;
    Readings readings_;
    std::vector<BlockIndex::Hit> hits_;  ///< by rule
    bool stale_ = true;
};

}  // namespace

IndexedMatcher::IndexedMatcher(const std::vector<Rule>& rules) : rules_(rules) {
    std::vector<Terms> terms;
    terms.reserve(rules.size());
    for (const auto& rule : rules) {
        for (const auto& pattern : rule.on) slots_.learn_type(pattern);
        terms.push_back(terms_of(rule.when, terms_max));
        for (const auto& term : terms.back().any)
            for (const auto& literal : term.literals) slots_.learn(*literal.comparison);
    }
    slots_.freeze();
    std::vector<IndexedTerm> indexed;
    for (std::size_t rule = 0; rule < rules.size(); ++rule)
        for (const auto& term : terms[rule].any)
            indexed.push_back(indexed_term(rule, term, terms[rule].exact));
    index_ = BlockIndex(std::move(indexed), slots_);
}

IndexedTerm IndexedMatcher::indexed_term(std::size_t rule, const Term& term, bool exact) const {
    IndexedTerm indexed{static_cast<std::uint32_t>(rule), {}, exact};
    indexed.demands.push_back(slots_.type_demand(rules_[rule].on));
    for (const auto& literal : term.literals) {
        auto demands = slots_.demands_of(*literal.comparison, literal.negated);
        indexed.exact = indexed.exact && demands.exact;
        std::move(demands.all.begin(), demands.all.end(), std::back_inserter(indexed.demands));
    }
    return indexed;
}

std::unique_ptr<MatchCursor> IndexedMatcher::open(std::string_view event_type, const Scope& scope) const {
    return std::make_unique<IndexedCursor>(*this, event_type, scope);
}

std::unique_ptr<const Matcher> indexed_matcher(const RuleSet& rule_set) {
    return std::make_unique<IndexedMatcher>(rule_set.rules);
}

}  // namespace rules
