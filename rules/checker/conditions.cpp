/// Conditions that never hold, and conditions that always do.

#include <algorithm>
#include <utility>

#include "rules/checker/checks.h"
#include "rules/checker/never.h"
#include "rules/checker/supposition.h"
#include "rules/checker/wording.h"

namespace rules {
namespace {

class ConditionCheck {
public:
    ConditionCheck(const RuleFacts& facts, std::size_t terms_max, Report& report)
        : rule_(*facts.rule), facts_(facts), terms_max_(terms_max), report_(report) {}

    void run() {
        if (facts_.ways.empty()) return report_never();
        look_at(rule_.when, rule_.on);
        look_at(rule_.then);
    }

private:
    Finding finding(const std::string& kind, const engine::Place& place) const {
        Finding finding;
        finding.kind = kind;
        finding.place = place;
        finding.rules = {rule_.id};
        return finding;
    }

    // ---- never ----

    void report_never() {
        auto found = finding("never-fires", rule_.place);
        auto why = *why_never(rule_.when, rule_.on, "the rule", terms_max_);
        found.message = rule_named(rule_) + " can never fire: " + why.words;
        found.related = std::move(why.excluded);
        report_.add(std::move(found));
    }

    // ---- always ----

    void look_at(const Condition& condition, const TypePatterns& types) {
        switch (condition.kind) {
            case Condition::Kind::comparison:
                if (!can_hold({{&condition.comparison, true}}, types)) report_always(condition);
                return;
            case Condition::Kind::all:
                for (const auto& child : condition.children) look_at(child, types);
                return;
            default:
                if (!condition.children.empty() && always_holds(condition, types)) report_always(condition);
        }
    }

    bool always_holds(const Condition& condition, const TypePatterns& types) const {
        Condition negation;
        negation.kind = Condition::Kind::negation;
        negation.children.push_back(condition);
        const auto terms = terms_of(negation, terms_max_);
        return std::none_of(terms.any.begin(), terms.any.end(),
                            [&](const Term& way) { return can_hold(way.literals, types); });
    }

    void look_at(const std::vector<Step>& steps) {
        for (const auto& step : steps) {
            if (const auto* wait = std::get_if<WaitForStep>(&step.what)) look_at(wait->otherwise);
            const auto* choice = std::get_if<IfStep>(&step.what);
            // Steps that name no kind are choices by the event's subject; nobody wrote those.
            if (choice == nullptr || choice->condition.place.line == 0) continue;
            // A rule goes on when an action's result is known, and then the event is another.
            look_at(choice->condition, {"*"});
            look_at(choice->then);
            look_at(choice->otherwise);
        }
    }

    void report_always(const Condition& condition) {
        auto found = finding("always-true", condition.place);
        found.message = "a condition of " + rule_named(rule_) +
                        " is always true and keeps nothing out: " + words_of(condition);
        report_.add(std::move(found));
    }

    const Rule& rule_;
    const RuleFacts& facts_;
    std::size_t terms_max_;
    Report& report_;
};

}  // namespace

void check_conditions(const Facts& facts, Report& report) {
    for (const auto& rule : facts.rules()) ConditionCheck(rule, facts.terms_max(), report).run();
}

}  // namespace rules
