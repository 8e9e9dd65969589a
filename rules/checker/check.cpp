#include "rules/checker/check.h"

#include "rules/checker/checks.h"

namespace rules {

std::vector<Finding> check(const RuleSet& rule_set, const CheckLimits& limits) {
    const Facts facts(rule_set, limits.terms_max);
    Report report(rule_set.rules, limits.findings_max);
    check_conditions(facts, report);
    check_redundancy(facts, limits, report);
    check_shadows(facts, limits, report);
    const auto triggers = triggers_of(facts, limits);
    check_conflicts(facts, triggers, limits, report);
    check_cycles(facts, triggers, report);
    check_events(facts, report);
    check_fields(facts, report);
    check_scores(facts, report);
    check_policies(facts, limits, report);
    check_desk(facts, limits, report);
    check_timers(facts, report);
    check_costs(facts, limits, report);
    return report.take();
}

}  // namespace rules
