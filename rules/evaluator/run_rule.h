#pragma once
/// Runs the steps of one rule on the working state.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/model/decision.h"
#include "engine/model/subject.h"
#include "rules/evaluator/condition.h"
#include "rules/evaluator/working_state.h"
#include "rules/rule_set.h"

namespace rules {

enum class RunEnd {
    done,       ///< to the end, or to a `stop`
    suspended,  ///< the state holds the continuation
    failed,     ///< see `failure`; the caller takes the state back
    conflict,   ///< on_conflict: fail; the last conflict of the ledger says which
    need,       ///< a script waits for something: the decision is void, see Scripting::need
};

struct RunResult {
    RunEnd end = RunEnd::done;
    std::optional<engine::RuleFailure> failure;
};

/// One run of one rule: which, for whom, from where.
struct RuleRun {
    const Rule& rule;
    const RuleSet& rule_set;  ///< the one the rule is of
    const engine::Subject& subject;
    std::string firing;  ///< `<rule>#<n>`
    /// Where to go on, with the results known by now; null = from the start.
    const engine::Continuation* continuation = nullptr;
};

/// The type of the event that a wait becomes.
inline constexpr auto wait_over_type = "wait.over";

/// The `wait_for` whose run goes on at that place, `resume_at` of its continuation; null when the rule set
/// has none there.
const WaitForStep* awaiting_step(const RuleSet& rule_set, const std::string& rule, std::span<const int> at);

/// Whether the rule has steps at the continuation's place.
bool can_resume(const Rule& rule, const engine::Continuation& continuation);

/// `scope` reads the state; `steps` is readable in it while the rule runs.
RunResult run_rule(const RuleRun& run, Scope& scope, WorkingState& state);

}  // namespace rules
