#include "rules/language/steps.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "engine/base/text.h"
#include "engine/model/subject.h"
#include "rules/evaluator/run_rule.h"
#include "rules/evaluator/step_checks.h"
#include "rules/language/calls.h"
#include "rules/language/conditions.h"
#include "rules/language/moments.h"
#include "rules/language/reading.h"
#include "rules/language/scoring.h"
#include "rules/language/scripts.h"
#include "rules/language/values.h"
#include "rules/policies/routing.h"
#include "rules/policies/scoring.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;
using StepKind = decltype(Step::what);

/// Of one rule, so that lists which run lists come to an end.
constexpr int steps_max = 1'000;

/// Reads the value of `set` and the like: one field after another.
std::vector<std::pair<FieldPath, ValueTemplate>> read_fields(const YamlNode& map, RuleContext& context) {
    std::vector<std::pair<FieldPath, ValueTemplate>> fields;
    for (const auto& entry : map.entries) {
        const auto field = read_target(entry.key, entry.place, context);
        if (!field) continue;
        auto value = read_field_value(entry.value, *field, context);
        if (value) fields.emplace_back(*field, std::move(*value));
    }
    return fields;
}

SetStep read_set(const YamlNode::Entry& entry, RuleContext& context) {
    SetStep step;
    if (!expect_map(entry.value, "set", context.problems)) return step;
    if (entry.value.entries.empty())
        context.problems.error("bad-value", entry.value.place, "set names no field");
    step.fields = read_fields(entry.value, context);
    return step;
}

UnsetStep read_unset(const YamlNode::Entry& entry, RuleContext& context) {
    UnsetStep step;
    const auto take = [&](const YamlNode& node) {
        const auto text = read_text(node, "unset", context.problems);
        const auto field = text ? read_target(*text, node.place, context) : std::nullopt;
        if (field) step.fields.push_back(*field);
    };
    if (!entry.value.is_list()) {
        take(entry.value);
        return step;
    }
    if (entry.value.items.empty())
        context.problems.error("bad-value", entry.value.place, "unset names no field");
    for (const auto& item : entry.value.items) take(item);
    return step;
}

std::vector<Template> read_tags(const YamlNode& node, const std::string& what, RuleContext& context) {
    std::vector<Template> tags;
    const auto take = [&](const YamlNode& item) {
        auto tag = read_template(item, what, context);
        if (tag) tags.push_back(std::move(*tag));
    };
    if (!node.is_list()) {
        take(node);
        return tags;
    }
    if (node.items.empty()) context.problems.error("bad-value", node.place, what + " names no tag");
    for (const auto& item : node.items) take(item);
    return tags;
}

/// The field of `add_tags: { ticket.custom.labels: [a] }`.
std::optional<FieldPath> read_tags_field(const YamlNode& map, RuleContext& context) {
    if (map.entries.size() != 1) {
        context.problems.error("bad-value", map.place, "name one field of tags, or give the tags as a list");
        return std::nullopt;
    }
    const auto& entry = map.entries.front();
    auto field = read_target(entry.key, entry.place, context);
    if (field && field->type != FieldType::tags && field->type != FieldType::any) {
        context.problems.error("wrong-type", entry.place,
                               field->text + " is " + article_of(field->type) + ", not a list of tags");
        return std::nullopt;
    }
    return field;
}

/// Whether the event is about an entity of that kind.
Condition is_about(const std::string& kind, const engine::Place& place) {
    Condition condition;
    condition.kind = Condition::Kind::comparison;
    condition.place = place;
    auto& comparison = condition.comparison;
    comparison.field = {"event.subject", "event", {"subject"}, FieldType::text};
    comparison.op = Operator::starts_with;
    comparison.operand = kind + "/";
    comparison.case_sensitive = true;
    comparison.words = {kind + "/"};
    return condition;
}

/// A step that names no kind means the entity at hand. Where rules are read, several kinds may be possible:
/// then there is one step for each, and the subject chooses.
StepKind chosen_by_kind(const std::vector<std::string>& kinds, const engine::Place& place,
                        const std::function<StepKind(const std::string&)>& step_for) {
    if (kinds.size() == 1) return step_for(kinds.front());
    IfStep choice;
    choice.condition = is_about(kinds.front(), place);
    choice.then.push_back({step_for(kinds.front()), place, {}});
    const std::vector<std::string> others(kinds.begin() + 1, kinds.end());
    choice.otherwise.push_back({chosen_by_kind(others, place, step_for), place, {}});
    return choice;
}

FieldPath field_of(const std::string& kind, const std::string& name, FieldType type) {
    return {kind + "." + name, kind, {name}, type};
}

std::optional<StepKind> read_named_tags(const YamlNode::Entry& entry, RuleContext& context) {
    const auto field = read_tags_field(entry.value, context);
    if (!field) return std::nullopt;
    return TagsStep{*field, read_tags(entry.value.entries.front().value, entry.key, context),
                    entry.key == "add_tags"};
}

std::optional<StepKind> read_tags_step(const YamlNode::Entry& entry, RuleContext& context) {
    if (entry.value.is_map()) return read_named_tags(entry, context);
    const auto tags = read_tags(entry.value, entry.key, context);
    const auto kinds = kinds_with({"tags"}, entry.place, context);
    if (kinds.empty()) return std::nullopt;
    return chosen_by_kind(kinds, entry.place, [&](const std::string& kind) -> StepKind {
        return TagsStep{field_of(kind, "tags", FieldType::tags), tags, entry.key == "add_tags"};
    });
}

struct Assignment {
    std::string name;
    const YamlNode* value;
};

/// `assign: ana` and `assign: { assignee: ana, group: … }`.
std::vector<Assignment> read_assignments(const YamlNode& node, RuleContext& context) {
    static const std::vector<std::string> keys{"assignee", "group", "queue"};
    std::vector<Assignment> all;
    if (!node.is_map()) {
        if (read_text(node, "assign", context.problems)) all.push_back({"assignee", &node});
        return all;
    }
    check_keys(node, keys, "assign", context.problems);
    if (node.entries.empty()) context.problems.error("bad-value", node.place, "assign names nobody");
    for (const auto& entry : node.entries)
        if (has(keys, entry.key)) all.push_back({entry.key, &entry.value});
    return all;
}

std::optional<StepKind> read_assign(const YamlNode::Entry& entry, RuleContext& context) {
    const auto assignments = read_assignments(entry.value, context);
    std::vector<std::string> names;
    for (const auto& assignment : assignments) names.push_back(assignment.name);
    const auto kinds = kinds_with(names, entry.place, context);
    if (kinds.empty() || assignments.empty()) return std::nullopt;
    return chosen_by_kind(kinds, entry.place, [&](const std::string& kind) -> StepKind {
        AssignStep step;
        for (const auto& [name, node] : assignments) {
            const auto field = field_of(kind, name, FieldType::text);
            auto value = read_field_value(*node, field, context);
            if (value) step.fields.emplace_back(field, std::move(*value));
        }
        return step;
    });
}

std::optional<Template> read_subject(const YamlNode& node, RuleContext& context) {
    auto subject = read_template(node, "subject", context);
    if (!subject || !subject->is_constant() || engine::Subject::parse(node.text)) return subject;
    context.problems.error("bad-value", node.place,
                           in_quotes(node.text) + " is no subject: write it as kind/id, such as ticket/42");
    return std::nullopt;
}

ValueTemplate read_emitted_data(const YamlNode& node, RuleContext& context) {
    if (!expect_map(node, "data", context.problems)) return {engine::Json::object()};
    return read_value(node, {"data", FieldType::object, {}}, context)
        .value_or(ValueTemplate{engine::Json::object()});
}

void check_timer_name(const YamlNode& node, const std::optional<Template>& name, RuleContext& context) {
    if (!name || !name->is_constant() || is_timer_name(node.text)) return;
    context.problems.error("bad-value", node.place,
                           in_quotes(node.text) +
                               " is no name for a timer: those of waits and policies begin "
                               "with wait:, sla: and schedule:, and 256 bytes are the limit");
}

/// What makes of an emit one for later.
void read_later(const YamlNode& map, EmitStep& step, RuleContext& context) {
    const bool is_later = map.find("after") != nullptr || map.find("at") != nullptr;
    if (is_later) step.when = read_moment(map, "emit", {"after", "at"}, context);
    for (const auto* key : {"calendar", "name"})
        if (const auto* node = map.find(key); node != nullptr && !is_later)
            context.problems.error(
                "unknown-key", node->place,
                in_quotes(key) + " is for events that are emitted later, with after or at");
    if (const auto* name = map.find("name")) {
        step.name = read_template(*name, "name", context);
        check_timer_name(*name, step.name, context);
    }
    if (const auto* subject = map.find("subject"); subject != nullptr && is_later)
        context.problems.error("bad-value", subject->place,
                               "what is emitted later comes to the event's own lane: emit to another one "
                               "from there");
}

EmitStep read_emit(const YamlNode::Entry& entry, RuleContext& context) {
    EmitStep step;
    step.data = ValueTemplate{engine::Json::object()};
    const YamlNode* type = &entry.value;
    if (entry.value.is_map()) {
        check_keys(entry.value, {"type", "data", "subject", "after", "at", "calendar", "name"}, "emit",
                   context.problems);
        type = entry.value.find("type");
        if (const auto* data = entry.value.find("data")) step.data = read_emitted_data(*data, context);
        if (const auto* subject = entry.value.find("subject")) step.subject = read_subject(*subject, context);
        read_later(entry.value, step, context);
    }
    if (type == nullptr) {
        context.problems.error("missing-key", entry.place, "emit has no type");
        return step;
    }
    auto read = read_template(*type, "the type of emit", context);
    if (read) step.type = std::move(*read);
    return step;
}

std::optional<StepKind> read_wait(const YamlNode& map, const YamlNode::Entry& entry, RuleContext& context) {
    WaitStep step;
    std::optional<Moment> until;
    if (entry.value.is_map()) {
        check_keys(entry.value, {"for", "until", "calendar"}, "wait", context.problems);
        until = read_moment(entry.value, "wait", {"for", "until"}, context);
    } else {
        until = read_span(entry.value, "wait", context);
    }
    if (const auto* recheck = map.find("recheck"))
        step.recheck = read_flag(*recheck, "recheck", context.problems).value_or(false);
    if (const auto* expires = map.find("expires")) {
        const auto text = read_text(*expires, "expires", context.problems);
        const auto span = engine::parse_duration(text.value_or("0s"));
        if (!span)
            context.problems.error("bad-value", expires->place, "expires: " + span.error().message);
        else if (*span > timer_span_max)
            context.problems.error("bad-value", expires->place, "expires is more than 100 years");
        else
            step.expires = *span;
    }
    if (!until) return std::nullopt;
    step.until = *std::move(until);
    return step;
}

void check_reads_nothing_asked_for(const YamlNode& node, const RuleContext& context) {
    if (context.reads.empty()) return;
    context.problems.error("bad-value", node.place,
                           "what wait_for waits for cannot depend on steps." + *context.reads.begin() +
                               ".result: save the result into a field first");
}

std::optional<StepKind> read_wait_for(const YamlNode& map, const YamlNode::Entry& entry,
                                      RuleContext& context) {
    if (!expect_map(entry.value, "wait_for", context.problems)) return std::nullopt;
    check_keys(entry.value, {"on", "when", "timeout", "until", "calendar"}, "wait_for", context.problems);
    WaitForStep step;
    if (const auto* on = entry.value.find("on"))
        step.on = read_event_types(*on, "on", context.awaited, context.problems)
                      .value_or(std::vector<std::string>());
    else
        context.problems.error("missing-key", entry.value.place,
                               "wait_for has no on: say which events it waits for");
    if (const auto* when = entry.value.find("when")) {
        // It is asked when such an event comes, outside of the rules' decision.
        const bool counts = std::exchange(context.counts, false);
        const bool asks_scripts = std::exchange(context.asks_scripts, false);
        step.when = read_condition(*when, context);
        context.counts = counts;
        context.asks_scripts = asks_scripts;
        check_reads_nothing_asked_for(*when, context);
    }
    auto until = read_moment(entry.value, "wait_for", {"timeout", "until"}, context);
    if (const auto* recheck = map.find("recheck"))
        step.recheck = read_flag(*recheck, "recheck", context.problems).value_or(false);
    if (const auto* otherwise = map.find("else")) {
        const auto before = context.results;
        step.otherwise = read_steps(*otherwise, context);
        // They run in place of the steps behind them.
        context.results = before;
    }
    if (!until || step.on.empty()) return std::nullopt;
    step.until = *std::move(until);
    return step;
}

CancelStep read_cancel(const YamlNode::Entry& entry, RuleContext& context) {
    CancelStep step;
    const auto take = [&](const YamlNode& node) {
        auto name = read_template(node, "cancel", context);
        check_timer_name(node, name, context);
        if (name) step.timers.push_back(*std::move(name));
    };
    if (!entry.value.is_list()) {
        take(entry.value);
        return step;
    }
    if (entry.value.items.empty())
        context.problems.error("bad-value", entry.value.place, "cancel names no timer");
    for (const auto& item : entry.value.items) take(item);
    return step;
}

ScoreStep read_score(const YamlNode::Entry& entry, RuleContext& context) {
    ScoreStep step;
    auto& problems = context.problems;
    if (!expect_map(entry.value, "score", problems)) return step;
    if (entry.value.entries.empty())
        problems.error("bad-value", entry.value.place, "score names no score: write score: { name: 10 }");
    static const Scores none;
    const auto& scores = context.scores == nullptr ? none : *context.scores;
    for (const auto& gift : entry.value.entries) {
        const auto found = std::find_if(scores.begin(), scores.end(),
                                        [&](const Score& score) { return score.id == gift.key; });
        if (found == scores.end()) {
            std::vector<std::string> names;
            for (const auto& score : scores) names.push_back(score.id);
            problems.error("dangling-score", gift.place,
                           "there is no score " + in_quotes(gift.key) + problems.hint(gift.key, names));
            continue;
        }
        if (!context.subject_kinds.empty() && !context.subject_kinds.contains(found->kind))
            problems.error(
                "wrong-entity", gift.place,
                in_quotes(gift.key) + " is a score of a " + found->kind + "; " + context.events +
                    " is about a " +
                    engine::join({context.subject_kinds.begin(), context.subject_kinds.end()}, " or "));
        if (const auto points = read_points(gift.value, gift.key, problems))
            step.gifts.push_back({found->id, found->kind, *points});
        if (!step.gifts.empty() && step.gifts.back().points == 0)
            problems.error("bad-value", gift.value.place, "no points are nothing to give");
    }
    return step;
}

/// `escalate: retention-leads`, or a map of what is wished to its name.
std::optional<StepKind> read_escalate(const YamlNode::Entry& entry, RuleContext& context) {
    auto& problems = context.problems;
    EscalateStep step;
    const YamlNode* name = &entry.value;
    if (entry.value.is_map()) {
        static const std::vector<std::string> wishes{"start", "restart", "acknowledge", "end"};
        check_keys(entry.value, wishes, "escalate", problems);
        if (entry.value.entries.size() != 1) {
            problems.error("bad-value", entry.value.place, "escalate names one escalation");
            return std::nullopt;
        }
        name = &entry.value.entries.front().value;
        const auto found = std::find(wishes.begin(), wishes.end(), entry.value.entries.front().key);
        if (found == wishes.end()) return std::nullopt;
        step.wish = static_cast<EscalateStep::Wish>(found - wishes.begin());
    }
    const auto id = read_text(*name, "escalate", problems);
    if (!id) return std::nullopt;
    static const Routing none;
    const auto& escalations = (context.routing == nullptr ? none : *context.routing).escalations;
    const auto found = std::find_if(escalations.begin(), escalations.end(),
                                    [&](const Escalation& one) { return one.id == *id; });
    if (found == escalations.end()) {
        std::vector<std::string> names;
        for (const auto& one : escalations) names.push_back(one.id);
        problems.error("dangling-escalation", name->place,
                       "there is no escalation " + in_quotes(*id) +
                           (names.empty() ? ": write it in routing.yaml, under escalations"
                                          : problems.hint(*id, names)));
        return std::nullopt;
    }
    if (!context.subject_kinds.empty() && !context.subject_kinds.contains(found->kind))
        problems.error(
            "wrong-entity", name->place,
            in_quotes(*id) + " is an escalation of a " + found->kind + "; " + context.events +
                " is about a " +
                engine::join({context.subject_kinds.begin(), context.subject_kinds.end()}, " or "));
    step.escalation = found->id;
    step.kind = found->kind;
    return step;
}

/// `route: retention`; of a list the first queue whose conditions hold; `route: true` for all of them.
std::optional<StepKind> read_route(const YamlNode::Entry& entry, RuleContext& context) {
    auto& problems = context.problems;
    RouteStep step;
    static const Routing none;
    const auto& queues = (context.routing == nullptr ? none : *context.routing).queues;
    const bool is_any = entry.value.is_scalar() && entry.value.text == "true";
    step.asks_conditions = is_any || entry.value.is_list();
    if (!is_any) {
        const auto ids = read_texts(entry.value, "route", problems);
        if (!ids) return std::nullopt;
        step.queues = *ids;
    }
    if (queues.empty()) {
        if (is_any || step.queues.size() != 1) {
            problems.error("bad-value", entry.value.place,
                           "there are no queues to choose from: write them in routing.yaml, or name one");
            return std::nullopt;
        }
        const auto kinds = kinds_with({"queue"}, entry.place, context);
        if (kinds.empty()) return std::nullopt;
        return chosen_by_kind(kinds, entry.place, [&](const std::string& kind) -> StepKind {
            auto one = step;
            one.queue_field = field_of(kind, "queue", FieldType::text);
            return one;
        });
    }
    bool is_good = true;
    for (std::size_t i = 0; i < step.queues.size(); ++i) {
        const auto& place = entry.value.is_list() ? entry.value.items[i].place : entry.value.place;
        const auto found = std::find_if(queues.begin(), queues.end(),
                                        [&](const Queue& queue) { return queue.id == step.queues[i]; });
        if (found == queues.end()) {
            std::vector<std::string> names;
            for (const auto& queue : queues) names.push_back(queue.id);
            problems.error(
                "dangling-queue", place,
                "there is no queue " + in_quotes(step.queues[i]) + problems.hint(step.queues[i], names));
            is_good = false;
        } else if (!context.subject_kinds.empty() && !context.subject_kinds.contains(found->kind)) {
            problems.error(
                "wrong-entity", place,
                in_quotes(found->id) + " is a queue of a " + found->kind + "; " + context.events +
                    " is about a " +
                    engine::join({context.subject_kinds.begin(), context.subject_kinds.end()}, " or "));
            is_good = false;
        }
    }
    return is_good ? std::optional<StepKind>(step) : std::nullopt;
}

StopStep read_stop(const YamlNode::Entry& entry, RuleContext& context) {
    const auto flag = read_flag(entry.value, "stop", context.problems);
    if (flag && !*flag)
        context.problems.error("bad-value", entry.value.place,
                               "a step that does not stop is no step: leave it out");
    return {};
}

IfStep read_if(const YamlNode& map, const YamlNode::Entry& entry, RuleContext& context) {
    IfStep step;
    step.condition = read_condition(entry.value, context);
    const auto before = context.results;
    const YamlNode* then = map.find("then");
    if (then == nullptr) context.problems.error("missing-key", entry.place, "if has no then");
    if (then != nullptr) step.then = read_steps(*then, context);
    const auto after_then = std::exchange(context.results, before);
    if (const auto* otherwise = map.find("else")) step.otherwise = read_steps(*otherwise, context);
    context.results.insert(after_then.begin(), after_then.end());
    return step;
}

/// The keys that may stand beside a step's own.
std::vector<std::string> keys_beside(const std::string& key) {
    if (key == "if") return {"then", "else"};
    if (key == "wait") return {"recheck", "expires"};
    if (key == "wait_for") return {"else", "recheck"};
    if (is_call(key)) return {"as", "save", "order"};
    return {};
}

std::vector<std::string> keys_that_are_no_steps() {
    return {"then", "else", "as", "save", "order", "recheck", "expires"};
}

std::optional<StepKind> read_kind(const YamlNode& map, const YamlNode::Entry& entry, RuleContext& context) {
    if (entry.key == "set") return read_set(entry, context);
    if (entry.key == "unset") return read_unset(entry, context);
    if (entry.key == "add_tags" || entry.key == "remove_tags") return read_tags_step(entry, context);
    if (entry.key == "assign") return read_assign(entry, context);
    if (entry.key == "emit") return read_emit(entry, context);
    if (entry.key == "wait") return read_wait(map, entry, context);
    if (entry.key == "wait_for") return read_wait_for(map, entry, context);
    if (entry.key == "cancel") return read_cancel(entry, context);
    if (entry.key == "score") return read_score(entry, context);
    if (entry.key == "escalate") return read_escalate(entry, context);
    if (entry.key == "route") return read_route(entry, context);
    if (entry.key == "stop") return read_stop(entry, context);
    if (entry.key == "if") return read_if(map, entry, context);
    if (entry.key == "lua") return read_lua_step(entry, context);
    return read_call(map, entry, context);
}

void report_unknown_step(const YamlNode::Entry& entry, RuleContext& context) {
    const auto hint = context.problems.hint(entry.key, step_names());
    context.problems.error("unknown-step", entry.place,
                           "unknown step " + in_quotes(entry.key) +
                               (hint.empty() ? ": an action is written <connection>.<action>" : hint));
}

/// Whether the key can be what the step is about, known or not.
bool is_main(const YamlNode::Entry& entry) {
    return !has(keys_that_are_no_steps(), entry.key);
}

/// The key that says what the step does; null, with the reason reported, when none or several do.
const YamlNode::Entry* main_entry(const YamlNode& map, RuleContext& context) {
    const YamlNode::Entry* main = nullptr;
    for (const auto& entry : map.entries) {
        const bool known = has(step_names(), entry.key) || is_call(entry.key);
        if (known && main != nullptr)
            context.problems.error("bad-value", entry.place,
                                   in_quotes(main->key) + " and " + in_quotes(entry.key) +
                                       " are two steps: give each its own \"- \"");
        if (known && main == nullptr) main = &entry;
    }
    if (main != nullptr) return main;
    const auto unknown = std::find_if(map.entries.begin(), map.entries.end(), is_main);
    if (unknown != map.entries.end())
        report_unknown_step(*unknown, context);
    else
        context.problems.error("missing-key", map.place, "the step says nothing to do");
    return nullptr;
}

void check_keys_beside(const YamlNode& map, const YamlNode::Entry& main, RuleContext& context) {
    const auto allowed = keys_beside(main.key);
    for (const auto& entry : map.entries) {
        const bool step = has(step_names(), entry.key) || is_call(entry.key);
        if (&entry == &main || step || has(allowed, entry.key)) continue;
        context.problems.error("unknown-key", entry.place,
                               "unknown key " + in_quotes(entry.key) + " beside " + in_quotes(main.key) +
                                   context.problems.hint(entry.key, allowed));
    }
}

std::optional<Step> read_step(const YamlNode& node, RuleContext& context) {
    if (++context.steps_read == steps_max + 1)
        context.problems.error("limit", node.place,
                               "a rule has at most " + std::to_string(steps_max) +
                                   " steps, those of the lists that it runs included");
    if (context.steps_read > steps_max) return std::nullopt;
    if (node.is_scalar() && node.text == "stop") return Step{StopStep{}, node.place, {}};
    if (!expect_map(node, "a step", context.problems)) return std::nullopt;
    const auto* main = main_entry(node, context);
    if (main == nullptr) return std::nullopt;
    check_keys_beside(node, *main, context);
    const auto outer_reads = std::exchange(context.reads, {});
    auto kind = read_kind(node, *main, context);
    const std::vector<std::string> reads(context.reads.begin(), context.reads.end());
    context.reads.insert(outer_reads.begin(), outer_reads.end());
    if (!kind) return std::nullopt;
    return Step{std::move(*kind), main->place, reads};
}

/// The steps of the named list, as if they were written here.
std::vector<Step> read_step_list(const YamlNode& node, RuleContext& context) {
    const auto name = read_text(node, "run", context.problems);
    if (!name) return {};
    static const StepLists none;
    const auto& lists = context.step_lists == nullptr ? none : *context.step_lists;
    const auto found = lists.find(*name);
    if (found == lists.end()) {
        std::vector<std::string> names;
        for (const auto& [known, list] : lists) names.push_back(known);
        context.problems.error("dangling-steps", node.place,
                               "no list of steps is named " + in_quotes(*name) +
                                   (names.empty() ? ": write it under steps, beside rules"
                                                  : context.problems.hint(*name, names)));
        return {};
    }
    if (has(context.running, *name)) {
        context.problems.error("bad-value", node.place,
                               "the list of steps " + in_quotes(*name) + " runs itself, by way of " +
                                   engine::join(context.running, ", "));
        return {};
    }
    context.lists_run.insert(*name);
    context.running.push_back(*name);
    auto steps = read_steps(*found->second, context);
    context.running.pop_back();
    return steps;
}

}  // namespace

std::vector<Step> read_steps(const YamlNode& node, RuleContext& context) {
    std::vector<Step> steps;
    if (!expect_list(node, "a list of steps", context.problems)) return steps;
    for (const auto& item : node.items) {
        const auto* run = item.is_map() ? item.find("run") : nullptr;
        if (run != nullptr) {
            check_keys(item, {"run"}, "a step that runs a list", context.problems);
            for (auto& step : read_step_list(*run, context)) steps.push_back(std::move(step));
        } else if (auto step = read_step(item, context)) {
            steps.push_back(std::move(*step));
        }
    }
    return steps;
}

std::vector<std::string> step_names() {
    return {"set",    "unset", "add_tags", "remove_tags", "assign", "emit",     "wait",  "wait_for",
            "cancel", "stop",  "if",       "run",         "score",  "escalate", "route", "lua"};
}

}  // namespace rules
