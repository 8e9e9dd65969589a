#pragma once
/// The escalations of a tenant as they stand in a store, and those that should have gone on and did not.

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/model/subject.h"
#include "engine/store/store.h"
#include "rules/policies/escalation.h"

namespace engine {

struct EscalationStand {
    Subject subject;
    std::string escalation;
    rules::EscalationRun run;
    std::string fault;  ///< what did not happen; empty = all is well
};

/// So late a level may be before it is a fault: a daemon that catches up needs a moment.
inline constexpr Duration escalation_grace = std::chrono::minutes(1);

/// Which of them are asked for; what is empty fits every one.
struct EscalationQuery {
    std::optional<Subject> subject;
    std::string kind;  ///< of the entity
    std::string escalation;
    std::optional<rules::EscalationRun::State> state;
    bool only_faults = false;
    /// Those behind this one, which need not be there any more.
    std::optional<Subject> after_subject;
    std::string after_escalation;
    std::size_t max = std::numeric_limits<std::size_t>::max();
};

/// Those under way, by subject and name, of one state of the store. One that goes on by itself has a timer
/// for just that, and it is not over by more than the grace. Fails as the store fails.
Result<std::vector<EscalationStand>> escalations_of(Store& store, const TenantName& tenant, Instant now,
                                                    const EscalationQuery& query = {});

/// Fails with invalid_input, naming those there are.
Result<rules::EscalationRun::State> parse_escalation_state(const std::string& text);

/// As lists show it: `{"subject","escalation","state","level","round","started_at","due_at"?,"fault"?}`.
Json describe(const EscalationStand& stand);

}  // namespace engine
