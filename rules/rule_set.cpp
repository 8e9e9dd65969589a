#include "rules/rule_set.h"

#include <algorithm>

namespace rules {
namespace {

struct OperatorName {
    Operator op;
    std::string_view name;
};

constexpr OperatorName names[] = {
    {Operator::eq, "eq"},
    {Operator::ne, "ne"},
    {Operator::in, "in"},
    {Operator::not_in, "not_in"},
    {Operator::gt, "gt"},
    {Operator::gte, "gte"},
    {Operator::lt, "lt"},
    {Operator::lte, "lte"},
    {Operator::between, "between"},
    {Operator::contains, "contains"},
    {Operator::not_contains, "not_contains"},
    {Operator::starts_with, "starts_with"},
    {Operator::ends_with, "ends_with"},
    {Operator::matches, "matches"},
    {Operator::any_word, "any_word"},
    {Operator::has, "has"},
    {Operator::has_any, "has_any"},
    {Operator::has_all, "has_all"},
    {Operator::has_none, "has_none"},
    {Operator::exists, "exists"},
    {Operator::changed, "changed"},
    {Operator::changed_from, "changed_from"},
    {Operator::changed_to, "changed_to"},
    {Operator::older_than, "older_than"},
    {Operator::newer_than, "newer_than"},
    {Operator::cidr, "cidr"},
    {Operator::within_hours, "within_hours"},
    {Operator::count_over, "count_over"},
    {Operator::lua, "lua"},
};

constexpr bool names_are_in_order() {
    for (std::size_t i = 0; i < std::size(names); ++i)
        if (static_cast<std::size_t>(names[i].op) != i) return false;
    return true;
}
static_assert(names_are_in_order(), "name_of reads the table by the operator's number");

/// In the order of the metrics' numbers.
constexpr std::string_view sla_names[] = {"first_response",  "next_response",  "periodic_update",
                                          "pausable_update", "requester_wait", "agent_work",
                                          "resolution",      "ownership"};
static_assert(std::size(sla_names) == static_cast<std::size_t>(SlaMetric::ownership) + 1);

}  // namespace

std::string_view name_of(Operator op) {
    return names[static_cast<std::size_t>(op)].name;
}

std::optional<Operator> parse_operator(std::string_view name) {
    const auto* found = std::find_if(std::begin(names), std::end(names),
                                     [&](const auto& entry) { return entry.name == name; });
    if (found == std::end(names) || found->op == Operator::lua) return std::nullopt;
    return found->op;
}

std::vector<std::string> operator_names() {
    std::vector<std::string> result;
    for (const auto& entry : names)
        if (entry.op != Operator::lua) result.emplace_back(entry.name);
    return result;
}

std::string to_text(const ScriptRef& script) {
    return script.function.empty() ? script.file : script.file + "#" + script.function;
}

std::string_view name_of(SlaMetric metric) {
    return sla_names[static_cast<std::size_t>(metric)];
}

std::optional<SlaMetric> parse_sla_metric(std::string_view name) {
    for (const auto metric : sla_metrics())
        if (name_of(metric) == name) return metric;
    return std::nullopt;
}

const std::vector<SlaMetric>& sla_metrics() {
    static const std::vector<SlaMetric> metrics = [] {
        std::vector<SlaMetric> all;
        for (std::size_t i = 0; i < std::size(sla_names); ++i) all.push_back(static_cast<SlaMetric>(i));
        return all;
    }();
    return metrics;
}

std::vector<std::string> sla_metric_names() {
    return {std::begin(sla_names), std::end(sla_names)};
}

bool is_first_match(const RuleSet& rule_set, const Rule& rule) {
    const auto group = rule_set.options.groups.find(rule.group);
    return group != rule_set.options.groups.end() && group->second.first_match;
}

}  // namespace rules
