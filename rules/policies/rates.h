#pragma once
/// Rates: how many events with the same value in a field came in the time before, of one entity or of many.
/// Pure: what is found follows from what the entity keeps, what is known of others, and the event's time.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"
#include "rules/rule_set.h"

namespace rules {

/// The same text for the same field and the same types, in whatever order they stand.
std::string rate_id(const FieldPath& field, std::vector<std::string> on);

/// What the `when` and the `if` of the rules ask for, by id. That of a `wait_for` is not looked at.
std::vector<Rate> rates_of(const std::vector<Rule>& rules);
/// Some rate has the type under its `on`, for entities of the kind.
bool listens_to(const std::vector<Rate>& rates, std::string_view kind, std::string_view event_type);

/// What events are counted by: a text, a number, true or false; of a long text its digest. Null for what is
/// absent, a list or a map.
engine::Json rate_key(const engine::Json* value);

/// One event that was counted.
struct RatedEvent {
    engine::Json key;
    engine::Instant at{};
    friend bool operator==(const RatedEvent&, const RatedEvent&) = default;
};
/// By rate, newest first.
using RatedEvents = std::map<std::string, std::vector<RatedEvent>>;
/// Reads what an entity keeps of its counted events; what is no such thing is left out.
RatedEvents rated_events_from(const engine::Json& state);

/// Of how many events of one entity a rate remembers at most, however many are asked for: the oldest go.
inline constexpr std::size_t rated_events_max = 1'000;

/// What a decision has to know of other entities.
struct RateQuestion {
    std::string rate;
    engine::Json key;
    engine::Instant since{};  ///< not included
    engine::Instant until{};  ///< included
    std::size_t most = 0;     ///< more than that is not looked at
};
/// By rate: when events of other entities with the key of this one were counted, newest first.
using CountedElsewhere = std::map<std::string, std::vector<engine::Instant>>;
/// `{"<rate>": ["<instant>", …]}`; null when there are none.
engine::Json to_json(const CountedElsewhere& counted);
/// Of one rate, from what to_json wrote; empty where there is none.
std::vector<engine::Instant> counted_in(const engine::Json& json, const std::string& rate);

/// The rates of one decision: those of the active rule set, and of an older one whose rule goes on.
std::vector<Rate> rates_for(std::string_view kind, const RuleSet& active, const RuleSet* began_under);
/// Of each rate that the document has a key for.
std::vector<RateQuestion> rate_questions(const std::vector<Rate>& rates, const engine::Json& document,
                                         engine::Instant at);

/// What `count_over` finds in one decision. All its rates are of the entity's kind. The document is looked at
/// once, at the beginning: what rules write changes no key.
class RateCounts {
public:
    /// `at`: when the event happened, no later than the decision's clock. `state`: what the entity keeps.
    RateCounts(std::vector<Rate> rates, const engine::Json& document, engine::Instant at,
               const engine::Json& state, CountedElsewhere elsewhere);

    /// Counts the event of this type, and forgets what is too old for every rate.
    void count_event(std::string_view event_type);

    /// The key of the field; null when there is none.
    engine::Json key_of(const FieldPath& field) const;
    /// So many came in the comparison's time, the event itself included when it is of such a type; counted no
    /// further than some condition on the rate asks for.
    std::size_t count(const Comparison& comparison) const;

    /// What the entity keeps from now on: `{"until", "counted": {"<rate>": [{"key", "at"}, …]}}`; an empty
    /// object when nothing is left.
    engine::Json state() const;
    const CountedElsewhere& elsewhere() const { return elsewhere_; }

private:
    void trim(const Rate& rate, std::vector<RatedEvent>& events) const;

    std::vector<Rate> rates_;
    std::map<std::string, engine::Json> keys_;  ///< by rate; those without one are not there
    engine::Instant at_;
    RatedEvents counted_;
    CountedElsewhere elsewhere_;
};

}  // namespace rules
