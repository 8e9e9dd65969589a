/// The escalations of an evaluation: followed on what the rules and scores left.

#include <iterator>
#include <utility>

#include "rules/evaluator/evaluation.h"
#include "rules/policies/routing.h"

namespace rules {

using engine::Decision;
using engine::Json;

const RuleSet* Evaluation::rule_set_of(const std::string& version) const {
    if (version == rule_set_.version) return &rule_set_;
    for (const auto& older : input_.older)
        if (older->version == version) return older.get();
    return nullptr;
}

void Evaluation::follow_escalations(Decision& decision) {
    if (escalations_.empty() && state_.wishes.empty()) return;
    Scope scope = scope_;
    scope.changes = &decision.merged;
    scope.set(input_.kind, &decision.document);
    const EscalationMoment moment{input_.kind,
                                  input_.event->type,
                                  rule_set_.version,
                                  input_.now,
                                  input_.is_deleted,
                                  scope,
                                  [this](const std::string& version) { return rule_set_of(version); }};
    auto outcome = follow(escalations_, state_.wishes, moment);
    decision.escalations = std::move(outcome.changes);
    for (const auto& reached : outcome.reached) tell_people(reached, scope, decision);
    std::move(outcome.notes.begin(), outcome.notes.end(), std::back_inserter(decision.notes));
    std::move(outcome.timers.begin(), outcome.timers.end(), std::back_inserter(decision.timers));
    for (const auto& change : decision.escalations) {
        const auto type = "escalation." + change.change;
        if (!matcher_.listens_to(type)) continue;
        decision.emitted.push_back({escalation_timer_name(change.escalation), type, decision.subject,
                                    Json{{"escalation", engine::to_json(change)}}});
    }
    Json state = input_.routing.is_object() ? input_.routing : Json::object();
    state.erase("escalations");
    if (!escalations_.empty()) state["escalations"] = to_json(escalations_);
    const bool is_as_before = state.empty() ? input_.routing.is_null() : state == input_.routing;
    if (!is_as_before) decision.routing_state = std::move(state);
}

namespace {

/// What a recipient's texts read below `target`.
Json target_view(const Told& told) {
    const auto& recipient = *told.recipient;
    return {{"id", recipient.id}, {"name", recipient.name.empty() ? recipient.id : recipient.name}};
}

Json reached_view(const engine::EscalationChange& change, const LevelReached& reached) {
    return {{"id", change.escalation},
            {"level", change.level},
            {"round", change.round},
            {"started_at", engine::to_text(reached.started)}};
}

}  // namespace

/// People and who is on duty are as they are now; somebody who is gone since the escalation began is told as
/// it was then.
void Evaluation::tell_people(const LevelReached& reached, Scope& scope, Decision& decision) {
    auto& change = decision.escalations[reached.change];
    const auto view = reached_view(change, reached);
    scope.set("escalation", &view);
    for (const auto& target : reached.level->notify) {
        const auto* routing = rule_set_.routing.get();
        const auto* began_under = rule_set_of(reached.ruleset);
        const bool is_there = routing != nullptr && has_target(*routing, target);
        if (!is_there && began_under != nullptr) routing = began_under->routing.get();
        if (routing == nullptr) continue;
        for (const auto& told : told_by(*routing, target, input_.now)) {
            change.notified.push_back(told.target);
            if (told.recipient != nullptr) tell(told, *reached.escalation, scope, decision);
        }
    }
    scope.set("escalation", nullptr);
}

void Evaluation::tell(const Told& told, const Escalation& escalation, Scope& scope, Decision& decision) {
    const auto view = target_view(told);
    scope.set("target", &view);
    Rule rule;
    rule.id = escalation.writer;
    rule.then = told.recipient->notify;
    WorkingState state(Json::object(), rule_set_.options);
    auto result = run_rule({rule, rule_set_, input_.event->subject, rule.id + "#1"}, scope, state);
    scope.set("target", nullptr);
    const auto actions_max = static_cast<std::size_t>(rule_set_.options.actions_max);
    if (result.failure) {
        decision.failures.push_back(std::move(*result.failure));
    } else if (decision.actions.size() + state.actions.size() > actions_max) {
        decision.failures.push_back({rule.id,
                                     told.target + " was not told: the decision has reached actions_max (" +
                                         std::to_string(actions_max) + ")",
                                     told.recipient->place});
    } else {
        std::move(state.actions.begin(), state.actions.end(), std::back_inserter(decision.actions));
        std::move(state.emitted.begin(), state.emitted.end(), std::back_inserter(decision.emitted));
    }
}

}  // namespace rules
