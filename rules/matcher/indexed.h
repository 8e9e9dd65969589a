#pragma once
/// IndexedMatcher: an index over all conditions of a rule set (docs/decisions/0030-matching.md).

#include <memory>
#include <vector>

#include "rules/matcher/block_index.h"
#include "rules/matcher/matcher.h"
#include "rules/matcher/slots.h"
#include "rules/matcher/terms.h"

namespace rules {

/// Borrows the rules.
class IndexedMatcher final : public Matcher {
public:
    explicit IndexedMatcher(const std::vector<Rule>& rules);

    std::unique_ptr<MatchCursor> open(std::string_view event_type, const Scope& scope) const override;

    const std::vector<Rule>& rules() const { return rules_; }
    const Slots& slots() const { return slots_; }
    const BlockIndex& index() const { return index_; }

private:
    IndexedTerm indexed_term(std::size_t rule, const Term& term, bool exact) const;

    const std::vector<Rule>& rules_;
    Slots slots_;
    BlockIndex index_;
};

}  // namespace rules
