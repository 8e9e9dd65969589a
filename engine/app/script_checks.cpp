#include "engine/app/script_checks.h"

#include "rules/evaluator/step_checks.h"
#include "rules/lua/check.h"
#include "rules/script.h"

namespace engine::app {
namespace {

void check_action(const rules::ScriptUse& use, const rules::RuleSet& rule_set,
                  std::vector<Diagnostic>& problems) {
    const auto action = rules::action_named(rule_set.connections, use.name);
    if (!action) {
        problems.push_back({Severity::error, "unknown-action", use.place, action.error().message});
        return;
    }
    for (const auto& [name, place] : use.params)
        if (auto known = rules::check_parameter(use.name, **action, name); !known)
            problems.push_back({Severity::error, "unknown-parameter", place, known.error().message});
}

}  // namespace

std::vector<Diagnostic> script_problems(const rules::RuleSet& rule_set) {
    if (!rule_set.scripts) return {};
    auto problems = rules::check_scripts(*rule_set.scripts, rule_set.catalogue.kinds());
    for (const auto& file : rule_set.scripts->files)
        for (const auto& use : rules::uses_of(file))
            if (use.function == "ctx.action") check_action(use, rule_set, problems);
    return problems;
}

}  // namespace engine::app
