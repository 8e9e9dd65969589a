#pragma once
/// The single checks; each reports one or two classes of findings.

#include "rules/checker/check.h"
#include "rules/checker/finding.h"
#include "rules/checker/rule_facts.h"
#include "rules/checker/triggers.h"

namespace rules {

/// never-fires, always-true
void check_conditions(const Facts& facts, Report& report);
/// duplicate-rule, subsumed-rule
void check_redundancy(const Facts& facts, const CheckLimits& limits, Report& report);
/// shadowed-rule
void check_shadows(const Facts& facts, const CheckLimits& limits, Report& report);
/// write-conflict
void check_conflicts(const Facts& facts, const Triggers& triggers, const CheckLimits& limits, Report& report);

/// trigger-cycle
void check_cycles(const Facts& facts, const Triggers& triggers, Report& report);
/// unhandled-event
void check_events(const Facts& facts, Report& report);
/// unwritten-field
void check_fields(const Facts& facts, Report& report);
/// overruled-write
void check_scores(const Facts& facts, Report& report);
/// never-holds, unreachable-policy
void check_policies(const Facts& facts, const CheckLimits& limits, Report& report);
/// unreachable-queue, unused-queue, unused-escalation
void check_desk(const Facts& facts, const CheckLimits& limits, Report& report);
/// unset-timer, idle-wait
void check_timers(const Facts& facts, Report& report);
/// costly-rule
void check_costs(const Facts& facts, const CheckLimits& limits, Report& report);

}  // namespace rules
