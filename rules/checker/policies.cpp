/// Conditions outside rules that never hold, and service levels that another one always comes before.

#include <deque>
#include <map>
#include <utility>

#include "engine/base/text.h"
#include "rules/checker/checks.h"
#include "rules/checker/never.h"
#include "rules/checker/wording.h"
#include "rules/policies/routing.h"
#include "rules/policies/scoring.h"
#include "rules/policies/sla.h"
#include "rules/policies/tagging.h"

namespace rules {
namespace {

using engine::in_quotes;

std::string policy_named(const SlaPolicy& policy) {
    return "policy " + in_quotes(policy.id);
}

/// Asks each condition of policies whether anything makes it hold.
class PolicyConditions {
public:
    PolicyConditions(const Facts& facts, Report& report) : facts_(facts), report_(report) {}

    void run() {
        const auto& rule_set = facts_.rule_set();
        for (const auto& policy : rule_set.sla) look_at(policy);
        if (rule_set.scores != nullptr)
            for (const auto& score : *rule_set.scores) look_at(score);
        if (rule_set.tagging != nullptr) look_at(rule_set.tagging->file());
        if (rule_set.routing != nullptr) look_at(*rule_set.routing);
    }

private:
    void look_at(const SlaPolicy& policy) {
        look_at(policy.when, "the conditions of " + policy_named(policy), "it is never chosen");
        // What the policy says for all of its metrics stands in each of them.
        std::map<std::pair<int, int>, std::pair<const Condition*, std::vector<std::string>>> pauses;
        for (const auto& [metric, target] : policy.targets) {
            if (!target.pause) continue;
            auto& [condition, metrics] = pauses[{target.pause->place.line, target.pause->place.column}];
            condition = &*target.pause;
            metrics.emplace_back(name_of(metric));
        }
        for (const auto& [place, pause] : pauses)
            look_at(*pause.first, "pause of " + listed(pause.second) + " in " + policy_named(policy),
                    pause.second.size() == 1 ? "that clock never stands" : "these clocks never stand");
    }

    void look_at(const Score& score) {
        for (const auto& entry : score.entries)
            if (entry.when)
                look_at(*entry.when,
                        "the conditions of " + in_quotes(entry.id) + " in score " + in_quotes(score.id),
                        "it never gives its points", entry.on);
    }

    void look_at(const TaggingFile& file) {
        for (const auto& entry : file.add) look_at(entry, "");
        for (const auto& list : file.set)
            for (const auto& entry : list.entries) look_at(entry, " in the list " + in_quotes(list.id));
    }

    void look_at(const TagEntry& entry, const std::string& where) {
        if (!entry.when) return;
        look_at(*entry.when, "the conditions of the tagging entry " + in_quotes(entry.id) + where,
                "it never gives its " + std::string(entry.tags.size() == 1 ? "tag" : "tags"), entry.on);
    }

    void look_at(const Routing& routing) {
        for (const auto& queue : routing.queues)
            if (queue.when)
                look_at(*queue.when, "the conditions of queue " + in_quotes(queue.id),
                        "no choice among queues ever falls on it");
        for (const auto& [kind, condition] : routing.open_work)
            look_at(condition, "open_work of a " + kind, "nobody ever seems to have work");
        for (const auto& escalation : routing.escalations) look_at(escalation);
    }

    void look_at(const Escalation& escalation) {
        const auto of_it = " escalation " + in_quotes(escalation.id);
        for (std::size_t i = 0; i < escalation.levels.size(); ++i)
            if (const auto& when = escalation.levels[i].when)
                look_at(*when, "the conditions of level " + std::to_string(i + 1) + " of" + of_it,
                        "nobody is told there");
        // By then the rules are through, and the event may be the one that stands for what they wrote.
        if (escalation.acknowledged && escalation.acknowledged->when)
            look_at(*escalation.acknowledged->when, "the conditions of acknowledged in" + of_it,
                    "they never acknowledge it");
        if (escalation.ends.when)
            look_at(*escalation.ends.when, "the conditions of ends in" + of_it, "they never end it");
    }

    void look_at(const Condition& condition, const std::string& whose, const std::string& so,
                 const TypePatterns& on = {}) {
        auto why = why_never(condition, on.empty() ? every_type() : on, "the entry", facts_.terms_max());
        if (!why) return;
        Finding finding;
        finding.kind = "never-holds";
        finding.place = condition.place;
        finding.message = whose + " can never hold, so " + so + ": " + why->words;
        finding.related = std::move(why->excluded);
        report_.add(std::move(finding));
    }

    const Facts& facts_;
    Report& report_;
};

/// Of the service levels of one kind the first that fits is the entity's.
class PolicyOrder {
public:
    PolicyOrder(const Facts& facts, const CheckLimits& limits, Report& report)
        : policies_(facts.rule_set().sla), limits_(limits), report_(report), conditions_(facts.terms_max()) {}

    void run() {
        for (const auto& policy : policies_)
            taken_apart_.push_back(conditions_.facts_of(policy.when, every_type()));
        bool done = true;
        for (std::size_t i = 0; i < policies_.size(); ++i) done = done && look_at(i);
        if (!done)
            report_.not_looked_at(
                "too many service levels: not all were tested for coming behind others (--proofs-max)");
    }

private:
    /// False when a limit was reached.
    bool look_at(std::size_t later) {
        if (taken_apart_[later].ways.empty()) return true;  // never, wherever it stood
        for (std::size_t i = 0; i < later; ++i) {
            if (policies_[i].kind != policies_[later].kind) continue;
            if (++proofs_ > limits_.proofs_max) return false;
            if (!implies(taken_apart_[later], taken_apart_[i])) continue;
            report_unreachable(policies_[later], policies_[i]);
            return true;
        }
        return true;
    }

    void report_unreachable(const SlaPolicy& later, const SlaPolicy& earlier) {
        const bool is_any = earlier.when.kind == Condition::Kind::all && earlier.when.children.empty();
        const auto before = policy_named(earlier) + " comes before it and ";
        Finding finding;
        finding.kind = "unreachable-policy";
        finding.place = later.place;
        finding.message = policy_named(later) + " is never chosen: " +
                          (is_any ? before + "has no conditions, so it fits every " + earlier.kind
                                  : "whenever its conditions hold, " + before + "fits, too");
        finding.related.push_back({earlier.place, policy_named(earlier)});
        report_.add(std::move(finding));
    }

    const std::vector<SlaPolicy>& policies_;
    const CheckLimits& limits_;
    Report& report_;
    ConditionReader conditions_;
    std::vector<ConditionFacts> taken_apart_;
    std::size_t proofs_ = 0;
};

}  // namespace

void check_policies(const Facts& facts, const CheckLimits& limits, Report& report) {
    PolicyConditions(facts, report).run();
    PolicyOrder(facts, limits, report).run();
}

}  // namespace rules
