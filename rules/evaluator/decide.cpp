#include "rules/evaluator/decide.h"

#include <utility>

#include "rules/evaluator/evaluation.h"
#include "rules/evaluator/passes.h"
#include "rules/matcher/matcher.h"

namespace rules {

engine::Decision decide(const RuleSet& rule_set, const Matcher& matcher, DecisionInput input) {
    Evaluation evaluation(rule_set, matcher, std::move(input));
    evaluation.apply_presets();
    evaluation.apply_tagging();
    evaluation.apply_scoring();
    evaluation.apply_routing();
    run_passes(evaluation);
    return evaluation.finish();
}

engine::Decision decide(const RuleSet& rule_set, DecisionInput input) {
    return decide(rule_set, *naive_matcher(rule_set), std::move(input));
}

}  // namespace rules
