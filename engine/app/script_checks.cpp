#include "engine/app/script_checks.h"

#include "engine/app/script_call_checks.h"
#include "rules/lua/check.h"
#include "rules/script.h"

namespace engine::app {
namespace {

/// Collects the functions that rules name.
class References {
public:
    std::vector<rules::ScriptRef> of(const rules::RuleSet& rule_set) {
        for (const auto& rule : rule_set.rules) {
            add(rule.when);
            add(rule.then);
        }
        return std::move(found_);
    }

private:
    void add(const rules::Condition& condition) {
        if (condition.comparison.script) found_.push_back(*condition.comparison.script);
        for (const auto& child : condition.children) add(child);
    }
    void add(const std::vector<rules::Step>& steps) {
        for (const auto& step : steps) {
            if (const auto* script = std::get_if<rules::LuaStep>(&step.what))
                found_.push_back(script->script);
            if (const auto* wait = std::get_if<rules::WaitForStep>(&step.what)) {
                add(wait->when);
                add(wait->otherwise);
            }
            const auto* choice = std::get_if<rules::IfStep>(&step.what);
            if (choice == nullptr) continue;
            add(choice->condition);
            add(choice->then);
            add(choice->otherwise);
        }
    }

    std::vector<rules::ScriptRef> found_;
};

std::vector<rules::ScriptRef> references_of(const connectors::Connections& connections) {
    std::vector<rules::ScriptRef> references;
    for (const auto& [name, connection] : connections)
        if (connection.connector)
            for (const auto& use : connectors::functions_of(*connection.connector))
                references.push_back({nullptr, use.script, use.function, use.place, ""});
    return references;
}

}  // namespace

std::vector<Diagnostic> script_problems(
    const Tenant& tenant, const std::function<std::vector<Diagnostic>(const rules::ScriptCheck&)>& check) {
    const auto& rule_set = *tenant.rule_set;
    if (!rule_set.scripts) return {};
    auto references = References().of(rule_set);
    for (auto& reference : references_of(tenant.connections)) references.push_back(std::move(reference));
    auto problems = check({rule_set.scripts, rule_set.catalogue.kinds(), std::move(references)});
    Diagnostics of_calls;
    for (const auto& file : rule_set.scripts->files) check_calls(file, rule_set, of_calls);
    for (auto& problem : of_calls.sorted()) problems.push_back(std::move(problem));
    return problems;
}

}  // namespace engine::app
