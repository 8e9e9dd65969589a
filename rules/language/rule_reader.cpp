#include "rules/language/rule_reader.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "engine/base/text.h"
#include "engine/model/subject.h"
#include "rules/checker/finding.h"
#include "rules/language/conditions.h"
#include "rules/language/options.h"
#include "rules/language/reading.h"
#include "rules/language/schedules.h"
#include "rules/language/steps.h"
#include "rules/policies/scoring.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

constexpr int order_most = 1'000'000;
constexpr std::size_t rule_id_bytes_max = 200;

/// In whose names policies write.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> reserved_ids{{
    {"scoring:", "the scores of scoring.yaml"},
    {"tagging:", "the entries of tagging.yaml"},
    {"escalation:", "the escalations of routing.yaml"},
    {"routing:", "the queues of routing.yaml"},
}};

bool is_printable(const std::string& text) {
    return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; });
}

/// The event types that steps emit with a constant type.
void collect_emitted(const std::vector<Step>& steps, std::set<std::string>& types) {
    for (const auto& step : steps) {
        if (const auto* emit = std::get_if<EmitStep>(&step.what)) types.insert(emit->type.source());
        if (const auto* wait = std::get_if<WaitForStep>(&step.what)) collect_emitted(wait->otherwise, types);
        if (const auto* branch = std::get_if<IfStep>(&step.what)) {
            collect_emitted(branch->then, types);
            collect_emitted(branch->otherwise, types);
        }
    }
}

}  // namespace

std::vector<std::string> RuleReader::key_names() {
    return {"id",     "description", "enabled", "on",   "order",  "group",   "stop",
            "repeat", "on_error",    "when",    "then", "accept", "schedule"};
}

void RuleReader::read(const YamlNode& node) {
    if (!expect_map(node, "a rule", problems_)) return;
    check_keys(node, key_names(), "a rule", problems_);
    check_presence(node);
    Rule rule;
    rule.place = node.place;
    if (const auto* id = node.find("id")) read_id(*id, rule);
    if (const auto* on = node.find("on")) read_on(*on, rule);
    read_schedule_of(node, rule);
    if (const auto* group = node.find("group")) read_group(*group, rule);
    read_flags(node, rule);
    if (const auto* accept = node.find("accept")) read_acceptances(*accept, rule);
    read_body(node, rule);
    rules_.push_back(std::move(rule));
}

void RuleReader::check_presence(const YamlNode& node) {
    const auto* id = node.find("id");
    const auto name =
        id != nullptr && id->is_scalar() ? "rule " + in_quotes(id->text) : std::string("the rule");
    const auto require = [&](const std::string& key) {
        if (node.find(key) == nullptr) problems_.error("missing-key", node.place, name + " has no " + key);
    };
    require("id");
    require("on");
    // A rule may do nothing but end the processing of rules.
    if (node.find("stop") == nullptr) require("then");
}

void RuleReader::read_id(const YamlNode& node, Rule& rule) {
    const auto id = read_text(node, "id", problems_);
    if (!id) return;
    rule.id = *id;
    if (id->size() > rule_id_bytes_max || !is_printable(*id))
        problems_.error("bad-value", node.place,
                        "an id is one line of at most " + std::to_string(rule_id_bytes_max) + " bytes");
    for (const auto& [prefix, owners] : reserved_ids)
        if (id->starts_with(prefix))
            problems_.error(
                "bad-value", node.place,
                "ids that begin with " + std::string(prefix) + " are those of " + std::string(owners));
    const auto [known, is_new] = ids_.emplace(*id, node.place);
    if (!is_new)
        problems_.error("duplicate-id", node.place,
                        "rule " + in_quotes(*id) + " is there already in " + known->second.file + ":" +
                            std::to_string(known->second.line));
}

void RuleReader::read_on(const YamlNode& node, Rule& rule) {
    if (auto types = read_event_types(node, "on", awaited_, problems_)) rule.on = *std::move(types);
}

/// `on: schedule` stands for the events of the rule's own schedule.
void RuleReader::read_schedule_of(const YamlNode& node, Rule& rule) {
    const auto* schedule = node.find("schedule");
    const bool is_scheduled = std::find(rule.on.begin(), rule.on.end(), on_schedule) != rule.on.end();
    if (!is_scheduled && schedule != nullptr)
        problems_.error("unknown-key", schedule->place, "schedule is for rules with on: schedule");
    if (!is_scheduled) return;
    if (rule.on.size() > 1)
        problems_.error("bad-value", node.find("on")->place,
                        "a rule on a schedule is on nothing else: write another rule for the rest");
    if (schedule == nullptr)
        problems_.error(
            "missing-key", node.place,
            "the rule has no schedule such as { cron: \"0 9 * * mon-fri\", zone: Europe/Berlin }");
    else
        read_schedule(*schedule, rule_set_.catalogue, rule, problems_);
    if (!rule.id.empty() && (!is_event_type(rule.id) || !engine::Subject::parse("schedule/" + rule.id)))
        problems_.error(
            "bad-value", node.find("id")->place,
            "the id of a rule on a schedule is part of its events' type: letters, digits and ._-");
    rule.on = {schedule_type(rule.id)};
    std::erase_if(awaited_, [](const AwaitedType& awaited) { return awaited.type == on_schedule; });
}

void RuleReader::read_group(const YamlNode& node, Rule& rule) {
    const auto group = read_text(node, "group", problems_);
    if (!group) return;
    rule.group = *group;
    const auto& groups = rule_set_.options.groups;
    if (groups.contains(*group)) return;
    std::vector<std::string> names;
    for (const auto& [name, declared] : groups) names.push_back(name);
    problems_.error("dangling-group", node.place,
                    "no group is named " + in_quotes(*group) + problems_.hint(*group, names));
}

void RuleReader::read_flags(const YamlNode& node, Rule& rule) {
    const auto flag = [&](const char* key, bool& value) {
        if (const auto* found = node.find(key)) value = read_flag(*found, key, problems_).value_or(value);
    };
    flag("enabled", rule.enabled);
    flag("stop", rule.stop);
    flag("repeat", rule.repeat);
    if (const auto* order = node.find("order"))
        rule.order = read_integer(*order, "order", -order_most, order_most, problems_).value_or(rule.order);
    if (const auto* on_error = node.find("on_error")) rule.on_error = read_on_error(*on_error, problems_);
    if (const auto* description = node.find("description"))
        rule.description = read_text(*description, "description", problems_).value_or("");
}

/// `accept: { write-conflict: why }`, or `{ write-conflict: { other-rule: why } }`. What is wrong with it
/// changes no decision, so it keeps nothing from going live.
void RuleReader::read_acceptances(const YamlNode& node, Rule& rule) {
    if (!expect_map(node, "accept", problems_)) return;
    std::vector<std::string> kinds;
    for (const auto& entry : finding_classes()) kinds.push_back(entry.kind);
    for (const auto& entry : node.entries) {
        if (std::find(kinds.begin(), kinds.end(), entry.key) == kinds.end()) {
            problems_.warning(
                "bad-acceptance", entry.place,
                "no findings are of the class " + in_quotes(entry.key) + problems_.hint(entry.key, kinds));
        } else if (entry.value.is_map()) {
            for (const auto& other : entry.value.entries) read_acceptance(entry.key, other.key, other, rule);
        } else {
            read_acceptance(entry.key, "", entry, rule);
        }
    }
}

void RuleReader::read_acceptance(const std::string& kind, const std::string& other,
                                 const YamlNode::Entry& entry, Rule& rule) {
    const bool has_reason = entry.value.is_scalar() && !engine::trim(entry.value.text).empty();
    if (has_reason)
        rule.accepts.push_back({kind, other, engine::trim(entry.value.text), entry.place});
    else
        problems_.warning("bad-acceptance", entry.place,
                          "say in words why " + in_quotes(entry.key) + " is accepted");
}

void RuleReader::read_body(const YamlNode& node, Rule& rule) {
    auto context = context_of(rule.on);
    context.rule = rule.id;
    if (!rule.sweeps.empty()) context.subject_kinds = {rule.sweeps};
    if (rule.schedule) context.counted.clear();
    if (const auto* when = node.find("when")) rule.when = read_condition(*when, context);
    if (const auto* then = node.find("then")) rule.then = read_steps(*then, context);
    note(context);
}

RuleContext RuleReader::context_of(const std::vector<std::string>& on) const {
    RuleContext context{rule_set_.catalogue, rule_set_.connections, rule_set_.calendars, problems_};
    context.subject_kinds = subject_kinds_of(on, rule_set_.catalogue);
    context.events = engine::join(on, ", ");
    context.counted = on;
    context.counts = true;
    context.asks_scripts = true;
    context.scripts = scripts_;
    context.step_lists = &step_lists_;
    context.scores = rule_set_.scores.get();
    context.routing = rule_set_.routing.get();
    return context;
}

void RuleReader::note(const RuleContext& context) {
    awaited_.insert(awaited_.end(), context.awaited.begin(), context.awaited.end());
    lists_run_.insert(context.lists_run.begin(), context.lists_run.end());
}

/// So that what is wrong with one is said before a rule runs it.
void RuleReader::read_lists_that_nobody_runs() {
    for (const auto& [name, list] : step_lists_) {
        if (lists_run_.contains(name)) continue;
        problems_.warning("unused-steps", list->place, "no rule runs the list of steps " + in_quotes(name));
        auto context = context_of({});
        context.running.push_back(name);
        context.counted = {"*"};
        read_steps(*list, context);
        note(context);
    }
}

std::vector<std::string> RuleReader::awaited() const {
    std::set<std::string> types;
    for (const auto& one : awaited_) types.insert(one.type);
    return {types.begin(), types.end()};
}

std::vector<Rule> RuleReader::finish() {
    read_lists_that_nobody_runs();
    warn_of_unlikely_events();
    std::erase_if(rules_, [](const Rule& rule) { return !rule.enabled; });
    std::stable_sort(rules_.begin(), rules_.end(),
                     [](const Rule& left, const Rule& right) { return left.order < right.order; });
    return std::move(rules_);
}

/// Types are open: connectors and callers bring their own. But one that differs by a letter from a kind's, or
/// from one that every kind has, is a slip.
void RuleReader::warn_of_unlikely_events() {
    std::set<std::string> emitted;
    for (const auto& rule : rules_) collect_emitted(rule.then, emitted);
    if (rule_set_.scores != nullptr)
        for (const auto& score : *rule_set_.scores)
            for (const auto& band : score.bands) emitted.insert({band.enter, band.leave});
    for (const auto& [type, place] : awaited_) {
        if (emitted.contains(type)) continue;
        const auto meant = likelier_type(type);
        if (!meant.empty())
            problems_.warning("unlikely-event", place,
                              "no event is of type " + in_quotes(type) + engine::did_you_mean(meant));
    }
}

/// Empty when the type is as likely as any.
std::string RuleReader::likelier_type(const std::string& type) const {
    static const std::vector<std::string> of_all_kinds{"created", "updated", "deleted", "restored", "merged"};
    const auto dot = type.find('.');
    const auto kind = type.substr(0, dot);
    if (kind.find('*') != std::string::npos) return "";
    const bool is_kind = rule_set_.catalogue.has_kind(kind);
    if (dot == std::string::npos) return is_kind ? kind + ".*" : "";
    if (!is_kind) {
        const auto near = engine::nearest(kind, rule_set_.catalogue.kinds());
        return near.empty() ? "" : near + type.substr(dot);
    }
    const auto rest = type.substr(dot + 1);
    const bool is_known = std::find(of_all_kinds.begin(), of_all_kinds.end(), rest) != of_all_kinds.end();
    const auto near = is_known ? "" : engine::nearest(rest, of_all_kinds);
    return near.empty() ? "" : kind + "." + near;
}

}  // namespace rules
