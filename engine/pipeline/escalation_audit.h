#pragma once
/// The escalations of a tenant as they stand in a store, and those that should have gone on and did not.

#include <string>
#include <vector>

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

/// Those under way, by subject and name, of one state of the store. One that goes on by itself has a timer
/// for just that, and it is not over by more than the grace. Fails as the store fails.
Result<std::vector<EscalationStand>> escalations_of(Store& store, const TenantName& tenant, Instant now);

}  // namespace engine
