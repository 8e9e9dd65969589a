#include "rules/language/sla.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "engine/base/text.h"
#include "engine/base/time.h"
#include "rules/language/conditions.h"
#include "rules/language/moments.h"
#include "rules/language/reading.h"
#include "rules/policies/sla.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

constexpr auto every_other = "else";

class SlaReader {
public:
    SlaReader(RuleSet& rule_set, Problems& problems) : rule_set_(rule_set), problems_(problems) {}

    void read(const YamlNode& node) {
        if (!expect_map(node, "a policy", problems_)) return;
        check_keys(node, sla_policy_keys(), "a policy", problems_);
        SlaPolicy policy;
        policy.place = node.place;
        read_id(node, policy);
        read_kind(node, policy);
        RuleContext context{rule_set_.catalogue, rule_set_.connections, rule_set_.calendars, problems_};
        context.subject_kinds = {policy.kind};
        context.events = "events of a " + policy.kind;
        context.hears_changes = false;
        if (const auto* when = node.find("when"); has_content(when))
            policy.when = read_condition(*when, context);
        SlaTarget common;
        read_options(node, common, context);
        read_targets(node, policy, common, context);
        rule_set_.sla.push_back(std::move(policy));
    }

private:
    void read_id(const YamlNode& node, SlaPolicy& policy) {
        const auto* id = node.find("id");
        const auto text = id == nullptr ? std::nullopt : read_text(*id, "id", problems_);
        if (id == nullptr) problems_.error("missing-key", node.place, "the policy has no id");
        if (!text) return;
        policy.id = *text;
        const auto [known, is_new] = ids_.try_emplace(*text, id->place);
        if (!is_new)
            problems_.error("duplicate-id", id->place,
                            "policy " + in_quotes(*text) + " is there already in line " +
                                std::to_string(known->second.line));
    }

    void read_kind(const YamlNode& node, SlaPolicy& policy) {
        const auto* kind = node.find("kind");
        if (kind == nullptr) return;
        const auto text = read_text(*kind, "kind", problems_);
        if (!text) return;
        if (!rule_set_.catalogue.is_entity(*text))
            problems_.error(
                "unknown-kind", kind->place,
                "unknown kind " + in_quotes(*text) + problems_.hint(*text, rule_set_.catalogue.kinds()));
        else
            policy.kind = *text;
    }

    /// What may stand with the policy for all its metrics, or with one of them.
    void read_options(const YamlNode& node, SlaTarget& target, RuleContext& context) {
        if (const auto* calendar = node.find("calendar"); has_content(calendar)) {
            target.calendar = read_calendar_name(*calendar, "calendar", context);
            target.calendar_name = target.calendar ? calendar->text : "";
        }
        if (const auto* due_at = node.find("due_at"))
            target.due_at_next_opening =
                read_choice(*due_at, "due_at", {"first_instant", "next_opening"}, problems_) == 1U;
        if (const auto* reopen = node.find("reopen"))
            if (const auto choice =
                    read_choice(*reopen, "reopen", {"resume", "ignore", "restart"}, problems_))
                target.reopen = static_cast<SlaReopen>(*choice);
        if (const auto* pause = node.find("pause"); has_content(pause))
            target.pause = read_condition(*pause, context);
        if (const auto* warn = node.find("warn"); has_content(warn)) read_warnings(*warn, target);
    }

    void read_warnings(const YamlNode& node, SlaTarget& target) {
        target.warnings.clear();
        const auto texts = read_texts(node, "warn", problems_);
        if (!texts) return;
        for (std::size_t i = 0; i < texts->size(); ++i) {
            const auto& text = (*texts)[i];
            const auto& place = node.is_list() ? node.items[i].place : node.place;
            SlaWarning warning;
            if (text.ends_with('%')) {
                char* end = nullptr;
                const double percent = std::strtod(text.c_str(), &end);
                const bool fits = end == text.c_str() + text.size() - 1 && percent > 0 && percent < 100;
                if (!fits) {
                    report_warning(place, text);
                    continue;
                }
                warning.share = percent / 100;
            } else if (const auto span = engine::parse_duration(text)) {
                warning.before = *span;
            } else {
                report_warning(place, text);
                continue;
            }
            target.warnings.push_back(warning);
        }
    }

    void report_warning(const engine::Place& place, const std::string& text) {
        problems_.error("bad-value", place,
                        in_quotes(text) +
                            " is no warning: write a share of the target such as 75%, or a span before it is "
                            "over such as 30m");
    }

    void read_targets(const YamlNode& node, SlaPolicy& policy, const SlaTarget& common,
                      RuleContext& context) {
        const auto* targets = node.find("targets");
        if (!has_content(targets)) {
            problems_.error("missing-key", node.place,
                            "the policy has no targets: write targets: { resolution: 8h }");
            return;
        }
        if (!expect_map(*targets, "targets", problems_)) return;
        for (const auto& entry : targets->entries) {
            const auto metric = parse_sla_metric(entry.key);
            if (!metric) {
                problems_.error(
                    "unknown-metric", entry.place,
                    "unknown metric " + in_quotes(entry.key) + problems_.hint(entry.key, sla_metric_names()));
                continue;
            }
            auto target = common;
            const YamlNode* spans = &entry.value;
            if (entry.value.is_map() && entry.value.find("target") != nullptr) {
                check_keys(entry.value, sla_target_keys(), "a metric", problems_);
                read_options(entry.value, target, context);
                spans = entry.value.find("target");
            }
            if (read_spans(*spans, policy, target)) policy.targets[*metric] = std::move(target);
        }
    }

    /// One span, or one for each priority.
    bool read_spans(const YamlNode& node, const SlaPolicy& policy, SlaTarget& target) {
        if (!node.is_map()) {
            const auto span = read_span(node);
            if (span) target.by_priority[""] = *span;
            return span.has_value();
        }
        const auto* field = rule_set_.catalogue.find(policy.kind + ".priority");
        auto known = field == nullptr ? std::vector<std::string>() : field->values;
        if (!known.empty()) known.emplace_back(every_other);
        bool good = !node.entries.empty();
        if (!good) problems_.error("bad-value", node.place, "the metric has no target");
        for (const auto& entry : node.entries) {
            if (!known.empty() && std::find(known.begin(), known.end(), entry.key) == known.end()) {
                problems_.error("unknown-enum-value", entry.place,
                                in_quotes(entry.key) + " is no value of " + policy.kind + ".priority" +
                                    problems_.hint(entry.key, known) + " (" + engine::join(known, ", ") +
                                    ")");
                good = false;
                continue;
            }
            const auto span = read_span(entry.value);
            good = good && span;
            if (span) target.by_priority[entry.key == every_other ? "" : entry.key] = *span;
        }
        return good;
    }

    std::optional<engine::Duration> read_span(const YamlNode& node) {
        const auto text = read_text(node, "a target", problems_);
        if (!text) return std::nullopt;
        const auto span = engine::parse_duration(*text);
        if (span && *span > engine::Duration(0) && *span <= span_max) return *span;
        problems_.error("bad-value", node.place,
                        in_quotes(*text) + " is no target: write a span of time such as 30m, 8h or 2d");
        return std::nullopt;
    }

    static constexpr engine::Duration span_max = std::chrono::days(3'660);

    RuleSet& rule_set_;
    Problems& problems_;
    std::map<std::string, engine::Place> ids_;
};

}  // namespace

void read_sla(const YamlNode& root, RuleSet& rule_set, Problems& problems) {
    if (root.is_null() || !expect_map(root, "sla.yaml", problems)) return;
    check_keys(root, {"policies"}, "sla.yaml", problems);
    const auto* policies = root.find("policies");
    if (!has_content(policies) || !expect_list(*policies, "policies", problems)) return;
    SlaReader reader(rule_set, problems);
    for (const auto& policy : policies->items) reader.read(policy);
}

std::vector<std::string> sla_policy_keys() {
    return {"id", "description", "kind", "when", "calendar", "due_at", "pause", "reopen", "warn", "targets"};
}

std::vector<std::string> sla_target_keys() {
    return {"target", "calendar", "due_at", "pause", "reopen", "warn"};
}

}  // namespace rules
