/// Queues that nothing comes into, and escalations that nothing begins.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/text.h"
#include "rules/checker/checks.h"
#include "rules/checker/wording.h"
#include "rules/policies/routing.h"

namespace rules {
namespace {

using engine::in_quotes;

/// Queues by their index, in the order in which a step asks them.
using Turns = std::vector<std::size_t>;

std::string queue_called(const Queue& queue) {
    return "queue " + in_quotes(queue.id);
}

class QueueCheck {
public:
    QueueCheck(const Facts& facts, const CheckLimits& limits, Report& report)
        : facts_(facts),
          queues_(facts.rule_set().routing->queues),
          limits_(limits),
          report_(report),
          conditions_(facts.terms_max()) {}

    void run() {
        for (const auto& queue : queues_)
            taken_apart_.push_back(conditions_.facts_of(queue.when ? *queue.when : none_, every_type()));
        for (const auto& rule : facts_.rules())
            for (const auto* step : rule.routes) note(*step);
        for (const auto& queue : queues_) {
            named_.insert(queue.out_of_hours);
            named_.insert(queue.overflow_to);
        }
        for (std::size_t i = 0; i < queues_.size(); ++i)
            if (!named_.contains(queues_[i].id)) look_at(i);
        if (proofs_ > limits_.proofs_max)
            report_.not_looked_at(
                "too many queues: not all were tested for coming behind others (--proofs-max)");
    }

private:
    /// `route: true` may be asked of an entity of any kind: an event's type does not bind its subject.
    void note(const RouteStep& step) {
        if (!step.asks_conditions) {
            named_.insert(step.queues.begin(), step.queues.end());
            return;
        }
        Turns turns;
        for (std::size_t i = 0; i < queues_.size() && step.queues.empty(); ++i) turns.push_back(i);
        for (const auto& id : step.queues)
            for (std::size_t i = 0; i < queues_.size(); ++i)
                if (queues_[i].id == id) turns.push_back(i);
        turns_.insert(std::move(turns));
    }

    void look_at(std::size_t queue) {
        std::set<std::size_t> overtakers;
        bool is_asked = false;
        for (const auto& turns : turns_) {
            const auto turn = std::find(turns.begin(), turns.end(), queue);
            if (turn == turns.end()) continue;
            is_asked = true;
            const auto overtaker = std::find_if(
                turns.begin(), turn, [&](std::size_t earlier) { return takes_all_of(earlier, queue); });
            if (overtaker == turn) return;
            overtakers.insert(*overtaker);
        }
        if (is_asked)
            report_unreachable(queues_[queue], overtakers);
        else
            report_unused(queues_[queue]);
    }

    /// One that never fits is another finding.
    bool takes_all_of(std::size_t earlier, std::size_t later) {
        if (queues_[earlier].kind != queues_[later].kind || taken_apart_[later].ways.empty()) return false;
        const auto [known, is_new] = takes_.try_emplace({earlier, later}, false);
        if (is_new && ++proofs_ <= limits_.proofs_max)
            known->second = implies(taken_apart_[later], taken_apart_[earlier]);
        return known->second;
    }

    void report_unreachable(const Queue& queue, const std::set<std::size_t>& overtakers) {
        Finding finding;
        finding.kind = "unreachable-queue";
        finding.place = queue.place;
        std::vector<std::string> names;
        for (const auto i : overtakers) {
            names.push_back(queue_called(queues_[i]));
            finding.related.push_back({queues_[i].place, names.back()});
        }
        finding.message = queue_called(queue) + " is never chosen: wherever it could be, " +
                          listed(names, "or") + " is asked before it and fits whenever it does";
        report_.add(std::move(finding));
    }

    void report_unused(const Queue& queue) {
        Finding finding;
        finding.kind = "unused-queue";
        finding.place = queue.place;
        finding.message =
            "no rule routes anything to " + queue_called(queue) + ", and it stands in for no other queue";
        report_.add(std::move(finding));
    }

    const Facts& facts_;
    const std::vector<Queue>& queues_;
    const CheckLimits& limits_;
    Report& report_;
    const Condition none_;  ///< of queues that take whatever comes
    ConditionReader conditions_;
    std::vector<ConditionFacts> taken_apart_;
    std::set<Turns> turns_;
    std::set<std::string> named_;  ///< that something leads to whatever their conditions say
    std::map<std::pair<std::size_t, std::size_t>, bool> takes_;
    std::size_t proofs_ = 0;
};

void check_escalations(const Facts& facts, Report& report) {
    std::set<std::string> begun;
    for (const auto& rule : facts.rules())
        begun.insert(rule.escalations_begun.begin(), rule.escalations_begun.end());
    for (const auto& escalation : facts.rule_set().routing->escalations) {
        if (begun.contains(escalation.id)) continue;
        Finding finding;
        finding.kind = "unused-escalation";
        finding.place = escalation.place;
        finding.message =
            "no rule begins escalation " + in_quotes(escalation.id) + ", so it never tells anybody";
        report.add(std::move(finding));
    }
}

}  // namespace

void check_desk(const Facts& facts, const CheckLimits& limits, Report& report) {
    if (facts.rule_set().routing == nullptr) return;
    QueueCheck(facts, limits, report).run();
    check_escalations(facts, report);
}

}  // namespace rules
