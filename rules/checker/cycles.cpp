/// Rules that set each other off in a round.

#include <algorithm>

#include "rules/checker/checks.h"
#include "rules/checker/wording.h"

namespace rules {
namespace {

class CycleReport {
public:
    CycleReport(const Facts& facts, const Triggers& triggers) : facts_(facts), triggers_(triggers) {}

    Finding finding(const std::vector<std::size_t>& cycle) const {
        Finding finding;
        finding.kind = "trigger-cycle";
        finding.place = rule(from(cycle.front())).place;
        std::vector<std::string> names;
        for (const auto trigger : cycle) {
            const auto& from_rule = rule(from(trigger));
            finding.rules.push_back(from_rule.id);
            finding.path.push_back(from_rule.id);
            names.push_back(engine::in_quotes(from_rule.id));
            finding.related.push_back({triggers_.all[trigger].place, step_of(trigger)});
        }
        finding.path.push_back(finding.path.front());
        finding.message = cycle.size() == 1 ? "rule " + names[0] + " can set itself off"
                                            : "rules " + listed(names) + " can set each other off";
        for (const auto& step : finding.related)
            finding.message += (&step == &finding.related[0] ? ": " : ", ") + step.what;
        finding.message += "; " + consequence(cycle);
        return finding;
    }

private:
    std::size_t from(std::size_t trigger) const { return triggers_.all[trigger].from; }
    const Rule& rule(std::size_t index) const { return *facts_.rules()[index].rule; }

    std::string step_of(std::size_t trigger) const {
        const auto& one = triggers_.all[trigger];
        return engine::in_quotes(rule(one.from).id) + " " + one.how + ", which can make " +
               engine::in_quotes(rule(one.to).id) + " match";
    }

    std::string consequence(const std::vector<std::size_t>& cycle) const {
        const auto& options = facts_.rule_set().options;
        const bool by_events = std::any_of(
            cycle.begin(), cycle.end(), [&](std::size_t trigger) { return triggers_.all[trigger].by_event; });
        if (by_events)
            return "each round is another event, up to hops_max (" + std::to_string(options.hops_max) +
                   ") events, the last one with outcome loop";
        const bool all_repeat = std::all_of(cycle.begin(), cycle.end(), [&](std::size_t trigger) {
            return rule(from(trigger)).repeat && options.chaining == Chaining::cascade;
        });
        if (all_repeat)
            return "all of them repeat, so a decision can end with outcome loop, of which nothing is kept";
        return "a rule fires once in a decision, so the round ends there, with what the last of them wrote";
    }

    const Facts& facts_;
    const Triggers& triggers_;
};

}  // namespace

void check_cycles(const Facts& facts, const Triggers& triggers, Report& report) {
    const CycleReport words(facts, triggers);
    for (const auto& cycle : cycles_in(triggers.all, facts.rules().size())) report.add(words.finding(cycle));
    if (!triggers.complete)
        report.not_looked_at(
            "too many rules may set each other off: not all were tested for rounds (--pairs-max, "
            "--proofs-max)");
}

}  // namespace rules
