#pragma once
/// Matcher: finds the rules that fit an event, in evaluation order.

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "rules/evaluator/condition.h"
#include "rules/rule_set.h"

namespace rules {

/// One evaluation's walk over the rules. One thread; the scope outlives it.
class MatchCursor {
public:
    virtual ~MatchCursor() = default;
    /// The first rule at or after `from` whose `on` and `when` hold on the scope as it is now.
    virtual std::optional<std::size_t> next(std::size_t from) = 0;
    /// The scope's field got another value (its `changes` included).
    virtual void field_changed(std::string_view dotted_field) = 0;
};

/// Immutable, shared by workers.
class Matcher {
public:
    virtual ~Matcher() = default;
    virtual std::unique_ptr<MatchCursor> open(std::string_view event_type, const Scope& scope) const = 0;
};

/// Looks at every rule: the measure the indexed one is held against. Borrows the rule set.
std::unique_ptr<const Matcher> naive_matcher(const RuleSet& rule_set);
/// Finds them in an index over all conditions. Borrows the rule set.
std::unique_ptr<const Matcher> indexed_matcher(const RuleSet& rule_set);

/// `pattern` is a type or a glob.
bool type_fits(std::string_view pattern, std::string_view event_type);
bool type_fits(const Rule& rule, std::string_view event_type);

}  // namespace rules
