#pragma once
/// Scripting: what the Lua of a rule set is asked and tells during one decision.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/model/decision.h"
#include "rules/evaluator/condition.h"
#include "rules/evaluator/script_memory.h"
#include "rules/rule_set.h"
#include "rules/script.h"

namespace rules {

/// Borrows the host and the event. One decision's; one thread.
class Scripting {
public:
    struct Limits {
        int runs_max = 0;
        std::uint64_t fuel_max = 0;  ///< of all runs together
    };

    /// Without a host every run fails: who decides was put together without one. `memory` is borrowed, and
    /// may be null.
    Scripting(ScriptHost* host, const engine::Event& event, Limits limits, engine::Json answers,
              ScriptMemory* memory);

    /// Whether the script returns true. False too when it fails or needs something; see below.
    bool says_yes(const ScriptRef& script, const Scope& scope);
    /// What came of asking it for an explanation only: nothing is counted, noted or waited for.
    struct Said {
        bool yes = false;
        std::string failure;  ///< empty = none
    };
    Said would_say(const ScriptRef& script, const Scope& scope) const;

    /// Runs it for a step. A failure is the rule's; a need ends the decision.
    struct Run {
        engine::Json effects = engine::Json::array();
        std::optional<engine::RuleFailure> failure;
    };
    Run run(const ScriptRef& script, const engine::Json& args, const Scope& scope);

    /// What a script waits for: the decision is to be made again once it is known, and this one is void.
    const std::optional<engine::Need>& need() const { return need_; }
    /// What went wrong in conditions since the last call; their rules have not fired for it.
    std::vector<engine::RuleFailure> take_failures();
    /// `log of rule a: …`
    std::vector<std::string> take_log();
    /// What a later run of the decision has to be told, because the run of a script may not end so again:
    /// key → `{"error": …}`; null = nothing.
    const engine::Json& chances() const { return chances_; }

private:
    ScriptOutcome outcome_of(const ScriptRef& script, const engine::Json& args, const Scope& scope) const;
    std::string what_is_used_up() const;
    std::optional<ScriptOutcome> refusal_of(const ScriptRef& script, const std::string& seed) const;
    ScriptOutcome run_of(const ScriptRef& script, const ScriptCall& call) const;
    void take_log_of(const ScriptRef& script, const ScriptOutcome& outcome);
    /// The same, or how it ended by chance when this was decided before.
    ScriptOutcome recorded_outcome_of(const ScriptRef& script, const engine::Json& args, const Scope& scope);
    /// Counts the run. Nothing when it failed, or when it needs something.
    std::optional<ScriptOutcome> counted(const ScriptRef& script, const engine::Json& args,
                                         const Scope& scope, std::optional<engine::RuleFailure>& failure);

    ScriptHost* host_;
    const engine::Event& event_;
    Limits limits_;
    engine::Json answers_;
    ScriptMemory* memory_;
    int runs_ = 0;
    std::optional<engine::Need> need_;
    engine::Json chances_;
    std::vector<engine::RuleFailure> failures_;
    std::vector<std::string> log_;
    std::size_t log_bytes_ = 0;
};

}  // namespace rules
