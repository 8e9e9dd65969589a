#pragma once
/// Matcher: finds the rules that fit an event, in evaluation order.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

struct PayloadReadings;

/// Immutable, shared by all threads.
class Matcher {
public:
    virtual ~Matcher() = default;
    /// `payload`, which may be null or another matcher's, says what the scope's values are where it speaks of
    /// the roots that the scope has: the payload lies over the state there.
    virtual std::unique_ptr<MatchCursor> open(std::string_view event_type, const Scope& scope,
                                              const PayloadReadings* payload = nullptr) const = 0;
    /// What the bytes of a payload, `{"ticket": {…}}`, say to the conditions; null when this matcher has no
    /// use for it. Behind them RawReader::padding() bytes can be read.
    virtual std::shared_ptr<const PayloadReadings> read_payload(std::string_view) const { return nullptr; }
    /// Some rule has the type under its `on`.
    virtual bool listens_to(std::string_view event_type) const = 0;
};

/// Looks at every rule: the measure the indexed one is held against. Borrows the rule set.
std::unique_ptr<const Matcher> naive_matcher(const RuleSet& rule_set);
/// The walk over some rules that looks at each.
std::unique_ptr<MatchCursor> naive_cursor(const std::vector<Rule>& rules, std::string_view event_type,
                                          const Scope& scope);
/// Finds them in an index over all conditions. Borrows the rule set. What `previous`, a matcher of a rule set
/// that still exists, knows of rules that stayed is shared.
std::unique_ptr<const Matcher> indexed_matcher(const RuleSet& rule_set, const Matcher* previous = nullptr);

/// Of an event by which a policy's own clock goes on: by itself nothing has happened to the entity.
bool is_clock_type(std::string_view event_type);
/// `pattern` is a type or a glob. Clocks are heard only by who names their types.
bool type_fits(std::string_view pattern, std::string_view event_type);
bool any_type_fits(const std::vector<std::string>& patterns, std::string_view event_type);
bool type_fits(const Rule& rule, std::string_view event_type);

}  // namespace rules
