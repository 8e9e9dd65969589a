/// Rules that do what another rule does already.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "rules/checker/checks.h"
#include "rules/checker/meetings.h"
#include "rules/checker/wording.h"

namespace rules {
namespace {

class RedundancyCheck {
public:
    RedundancyCheck(const Facts& facts, const CheckLimits& limits, Report& report)
        : facts_(facts), limits_(limits), report_(report) {}

    void run() {
        std::map<std::string_view, std::vector<const RuleFacts*>> by_steps;
        for (const auto& rule : facts_.rules())
            if (may_be_redundant(rule)) by_steps[rule.steps].push_back(&rule);
        bool done = true;
        for (const auto& [steps, rules] : by_steps)
            if (rules.size() > 1) done = compare(rules) && done;
        if (!done)
            report_.not_looked_at(
                "too many rules do the same: not every pair of them was compared for duplicates "
                "(--pairs-max, --proofs-max)");
    }

private:
    bool may_be_redundant(const RuleFacts& rule) const {
        // Of a first_match group a rule also keeps the others from firing.
        return rule.acts && !rule.ways.empty() && !is_first_match(facts_.rule_set(), *rule.rule);
    }

    bool compare(const std::vector<const RuleFacts*>& rules) {
        NeedsReader reader;
        std::vector<Needs> needs;
        for (const auto* rule : rules)
            for (std::size_t way = 0; way < rule->ways.size(); ++way)
                needs.push_back(reader.needs_of(rule->index, way, rule->ways[way], rule->rule->on));
        std::vector<const Needs*> all;
        for (const auto& one : needs) all.push_back(&one);
        std::set<std::pair<std::size_t, std::size_t>> seen;
        return for_meetings(all, pairs_left_, [&](const Needs& one, const Needs& other) {
            if (proofs_ > limits_.proofs_max) return false;
            const auto first = std::min(one.owner, other.owner);
            const auto second = std::max(one.owner, other.owner);
            if (seen.insert({first, second}).second) look_at(facts_.rules()[first], facts_.rules()[second]);
            return true;
        });
    }

    void look_at(const RuleFacts& first, const RuleFacts& second) {
        if (first.rule->stop != second.rule->stop || first.rule->repeat != second.rule->repeat) return;
        ++proofs_;
        const bool forth = implies(first, second);
        const bool back = implies(second, first);
        if (forth && back)
            report_same(first, second);
        else if (forth)
            report_subsumed(first, second);
        else if (back)
            report_subsumed(second, first);
    }

    void report_same(const RuleFacts& first, const RuleFacts& second) {
        Finding finding;
        finding.kind = "duplicate-rule";
        finding.place = second.rule->place;
        finding.rules = {second.rule->id, first.rule->id};
        finding.message = rule_named(*second.rule) + " does the same under the same conditions as " +
                          rule_named(*first.rule) + (second.repeats_well ? "" : ", so it is done twice");
        finding.related.push_back({first.rule->place, rule_named(*first.rule)});
        report_.add(std::move(finding));
    }

    void report_subsumed(const RuleFacts& narrow, const RuleFacts& wide) {
        Finding finding;
        finding.kind = "subsumed-rule";
        finding.place = narrow.rule->place;
        finding.rules = {narrow.rule->id, wide.rule->id};
        finding.message = "whenever the conditions of " + rule_named(*narrow.rule) + " hold, those of " +
                          rule_named(*wide.rule) + " hold too, and both do the same" +
                          (narrow.repeats_well ? "" : ", so it is done twice");
        finding.related.push_back({wide.rule->place, rule_named(*wide.rule)});
        report_.add(std::move(finding));
    }

    const Facts& facts_;
    const CheckLimits& limits_;
    Report& report_;
    std::size_t pairs_left_ = limits_.pairs_max;
    std::size_t proofs_ = 0;
};

}  // namespace

void check_redundancy(const Facts& facts, const CheckLimits& limits, Report& report) {
    RedundancyCheck(facts, limits, report).run();
}

}  // namespace rules
