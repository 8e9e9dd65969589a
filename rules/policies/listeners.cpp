#include "rules/policies/listeners.h"

#include <algorithm>

#include "rules/matcher/matcher.h"
#include "rules/policies/rates.h"
#include "rules/policies/routing.h"
#include "rules/policies/scoring.h"

namespace rules {

bool anybody_listens(const RuleSet& rule_set, std::string_view kind, std::string_view type) {
    if (any_type_fits(rule_set.awaited, type)) return true;
    if (rule_set.scores && listens_to(*rule_set.scores, kind, type)) return true;
    if (listens_to(rule_set.rates, kind, type)) return true;
    if (!rule_set.routing) return false;
    const auto& escalations = rule_set.routing->escalations;
    return std::any_of(escalations.begin(), escalations.end(), [&](const Escalation& one) {
        return one.kind == kind && (any_type_fits(one.ends.on, type) ||
                                    (one.acknowledged && any_type_fits(one.acknowledged->on, type)));
    });
}

}  // namespace rules
