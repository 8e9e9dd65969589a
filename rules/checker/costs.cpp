/// Rules that take far more to test than the others.

#include <algorithm>

#include "rules/checker/checks.h"
#include "rules/checker/wording.h"

namespace rules {
namespace {

/// What testing a rule takes, in comparisons of one plain value. The weights are what the matcher's
/// measurements come to, roughly: what is looked for in texts is not indexed by value.
struct Cost {
    std::size_t comparisons = 0;
    std::size_t words = 0;
    std::size_t patterns = 0;
    std::size_t networks = 0;
    bool is_indexed = true;

    static constexpr std::size_t word_weight = 2;
    static constexpr std::size_t pattern_weight = 10;
    static constexpr std::size_t unindexed_weight = 10;

    std::size_t sum() const {
        return comparisons * (is_indexed ? 1 : unindexed_weight) + words * word_weight +
               patterns * pattern_weight + networks;
    }
};

void add(const Condition& condition, Cost& cost) {
    for (const auto& child : condition.children) add(child, cost);
    if (condition.kind != Condition::Kind::comparison) return;
    ++cost.comparisons;
    cost.words += condition.comparison.words.size();
    cost.patterns += condition.comparison.patterns.size();
    cost.networks += condition.comparison.networks.size();
}

std::string counted(std::size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string reason(const Cost& cost, std::size_t ways_max) {
    std::vector<std::string> parts;
    if (cost.patterns > 0) parts.push_back(counted(cost.patterns, "pattern"));
    if (cost.words > 0) parts.push_back(counted(cost.words, "text") + " to look for");
    if (cost.networks > 0) parts.push_back(counted(cost.networks, "network"));
    parts.push_back(counted(cost.comparisons, "comparison"));
    auto text = listed(parts);
    if (!cost.is_indexed)
        text += "; they can hold in more than " + std::to_string(ways_max) +
                " ways, so that they are tested on every event of the rule's types";
    return text;
}

}  // namespace

void check_costs(const Facts& facts, const CheckLimits& limits, Report& report) {
    if (facts.rules().empty()) return;
    std::vector<Cost> costs;
    for (const auto& rule : facts.rules()) {
        auto& cost = costs.emplace_back();
        add(rule.rule->when, cost);
        cost.is_indexed = rule.exact;
    }
    std::vector<std::size_t> sums;
    for (const auto& cost : costs) sums.push_back(cost.sum());
    auto sorted = sums;
    const auto middle_place = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) / 2);
    std::nth_element(sorted.begin(), middle_place, sorted.end());
    const auto middle = std::max<std::size_t>(*middle_place, 1);
    for (std::size_t i = 0; i < sums.size(); ++i) {
        if (sums[i] < limits.cost_min || sums[i] < middle * limits.cost_factor) continue;
        const auto& rule = *facts.rules()[i].rule;
        Finding finding;
        finding.kind = "costly-rule";
        finding.place = rule.place;
        finding.rules = {rule.id};
        finding.message =
            rule_named(rule) + " takes about " + std::to_string(sums[i] / middle) +
            " times as much to test as the middle rule of this set: " + reason(costs[i], limits.terms_max);
        report.add(std::move(finding));
    }
}

}  // namespace rules
