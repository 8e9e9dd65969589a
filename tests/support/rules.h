#pragma once
/// Rules written as JSON inside tests, and what they decide: the evaluator alone, without files.

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/json.h"
#include "rules/calendar/calendar.h"
#include "rules/evaluator/condition.h"
#include "rules/evaluator/decide.h"
#include "rules/policies/rates.h"
#include "rules/rule_set.h"
#include "tests/support/catch.h"
#include "tests/support/instants.h"

namespace rules::testing {

using engine::Json;

inline Json json(const std::string& text) {
    auto parsed = engine::parse_json(text);
    if (!parsed) throw std::invalid_argument(parsed.error().message + ": " + text);
    return std::move(*parsed);
}

using engine::test::at;

inline const engine::Instant noon = engine::instant_of(1'777'896'000'000'000);  // 2026-05-04T12:00:00Z

inline FieldPath field(const std::string& text) {
    static const auto catalogue = Catalogue::shipped();
    FieldPath path;
    path.text = text;
    path.keys = engine::path_of(text);
    path.root = path.keys.front();
    path.keys.erase(path.keys.begin());
    if (const auto* declared = catalogue.find(text)) path.type = declared->type;
    return path;
}

/// Monday to Friday, 9 to 17 in Stockholm: whatever calendar a condition names.
inline std::shared_ptr<const Calendar> office_calendar() {
    static const auto calendar = [] {
        Calendar::Times times{*Zone::named("Europe/Stockholm"), Skipped::first_instant, {}, {}, {}, {}};
        for (std::size_t day = 0; day < 5; ++day)
            times.week[day] = {{std::chrono::hours(9), std::chrono::hours(17)}};
        return std::make_shared<const Calendar>(std::move(times));
    }();
    return calendar;
}

inline Template text_template(const std::string& text) {
    auto parsed = Template::parse(text);
    INFO(text);
    REQUIRE(std::holds_alternative<Template>(parsed));
    return std::get<Template>(parsed);
}

/// Every text is a template.
inline ValueTemplate value_template(const Json& value) {
    ValueTemplate result;
    if (value.is_string()) {
        result.value = text_template(value.get<std::string>());
    } else if (value.is_array()) {
        std::vector<ValueTemplate> items;
        for (const auto& item : value) items.push_back(value_template(item));
        result.value = std::move(items);
    } else if (value.is_object()) {
        std::vector<std::pair<std::string, ValueTemplate>> members;
        for (const auto& [key, member] : value.items()) members.emplace_back(key, value_template(member));
        result.value = std::move(members);
    } else {
        result.value = value;
    }
    return result;
}

// ---- conditions: {"all": […]}, {"ticket.priority": "high"}, {"ticket.subject": {"contains": "vip", "case":
// true}} ----

inline Condition comparison(const std::string& name, Operator op, const Json& operand,
                            bool case_sensitive = false) {
    Condition condition;
    condition.kind = Condition::Kind::comparison;
    condition.comparison.field = field(name);
    condition.comparison.op = op;
    condition.comparison.operand = operand;
    condition.comparison.case_sensitive = case_sensitive;
    INFO(name << " " << name_of(op) << " " << operand.dump());
    REQUIRE(compile(condition.comparison));
    if (op == Operator::within_hours) condition.comparison.calendar = office_calendar();
    return condition;
}

inline Condition group(Condition::Kind kind, std::vector<Condition> children) {
    Condition condition;
    condition.kind = kind;
    condition.children = std::move(children);
    return condition;
}

inline Condition condition(const Json& source);

inline std::vector<Condition> conditions(const Json& sources) {
    if (!sources.is_array()) return {condition(sources)};
    std::vector<Condition> children;
    for (const auto& source : sources) children.push_back(condition(source));
    return children;
}

inline Condition field_condition(const std::string& name, const Json& source) {
    if (source.is_array()) return comparison(name, Operator::in, source);
    if (!source.is_object()) return comparison(name, Operator::eq, source);
    std::vector<Condition> children;
    for (const auto& [op, operand] : source.items()) {
        if (op == "case") continue;
        INFO(op);
        REQUIRE(parse_operator(op));
        children.push_back(comparison(name, *parse_operator(op), operand, source.contains("case")));
    }
    return children.size() == 1 ? children[0] : group(Condition::Kind::all, children);
}

inline Condition condition(const Json& source) {
    REQUIRE(source.is_object());
    std::vector<Condition> children;
    for (const auto& [key, value] : source.items()) {
        if (key == "all")
            children.push_back(group(Condition::Kind::all, conditions(value)));
        else if (key == "any")
            children.push_back(group(Condition::Kind::any, conditions(value)));
        else if (key == "none")
            children.push_back(group(Condition::Kind::none, conditions(value)));
        else if (key == "not")
            children.push_back(group(Condition::Kind::negation, conditions(value)));
        else
            children.push_back(field_condition(key, value));
    }
    return children.size() == 1 ? children[0] : group(Condition::Kind::all, children);
}

inline Condition condition_of(const std::string& source) {
    return condition(json(source));
}

// ---- steps and rules, in the words of the rule files ----

inline void add_reads(const std::vector<Expression>& expressions, std::vector<std::string>& names) {
    for (const auto& expression : expressions)
        if (expression.path.size() > 1 && expression.path[0] == "steps") names.push_back(expression.path[1]);
}

inline std::vector<std::pair<FieldPath, ValueTemplate>> fields_of(const Json& source, Step& step) {
    std::vector<std::pair<FieldPath, ValueTemplate>> fields;
    for (const auto& [name, value] : source.items()) {
        fields.emplace_back(field(name), value_template(value));
        add_reads(fields.back().second.expressions(), step.reads_results);
    }
    return fields;
}

inline std::vector<Step> steps(const Json& sources);

inline TagsStep tags_step(const Json& tags, bool add, const std::string& kind) {
    TagsStep step;
    step.field = field(kind + ".tags");
    step.add = add;
    for (const auto& tag : tags) step.tags.push_back(text_template(tag.get<std::string>()));
    return step;
}

/// A calendar's name stands for the office's hours.
inline Moment moment_of(const Json& source, const char* after, const char* at) {
    Moment moment;
    if (source.contains(after)) moment.after = text_template(source[after].get<std::string>());
    if (source.contains(at)) moment.at = text_template(source[at].get<std::string>());
    if (!source.contains("calendar")) return moment;
    moment.calendar_name = source["calendar"].get<std::string>();
    moment.calendar = office_calendar();
    return moment;
}

inline EmitStep emit_step(const Json& source) {
    EmitStep step;
    step.type = text_template(source["type"].get<std::string>());
    if (source.contains("subject")) step.subject = text_template(source["subject"].get<std::string>());
    if (source.contains("data")) step.data = value_template(source["data"]);
    if (source.contains("after") || source.contains("at")) step.when = moment_of(source, "after", "at");
    if (source.contains("name")) step.name = text_template(source["name"].get<std::string>());
    return step;
}

inline WaitStep wait_step(const Json& until, const Json& source) {
    WaitStep step;
    step.until = moment_of(until.is_object() ? until : Json{{"for", until}}, "for", "until");
    step.recheck = source.value("recheck", false);
    if (source.contains("expires"))
        step.expires = *engine::parse_duration(source["expires"].get<std::string>());
    return step;
}

inline WaitForStep wait_for_step(const Json& what, const Json& source) {
    WaitForStep step;
    step.on = what["on"].get<std::vector<std::string>>();
    if (what.contains("when")) step.when = condition(what["when"]);
    step.until = moment_of(what, "timeout", "until");
    step.otherwise = steps(source.value("else", Json::array()));
    step.recheck = source.value("recheck", false);
    return step;
}

inline CancelStep cancel_step(const Json& names) {
    CancelStep step;
    for (const auto& name : names) step.timers.push_back(text_template(name.get<std::string>()));
    return step;
}

inline CallStep call_step(const std::string& name, const Json& params, const Json& source) {
    CallStep step;
    step.connection = name.substr(0, name.find('.'));
    step.action = name.substr(name.find('.') + 1);
    step.params = value_template(params);
    step.as = engine::text_or(source, "as", "");
    step.relaxed = engine::text_or(source, "order", "") == "relaxed";
    if (source.contains("save"))
        for (const auto& [target, path] : source["save"].items())
            step.save.emplace_back(field(target), field(path.get<std::string>()));
    return step;
}

inline Step step(const Json& source) {
    Step result;
    for (const auto& [key, value] : source.items()) {
        if (key == "set")
            result.what = SetStep{fields_of(value, result)};
        else if (key == "unset")
            result.what = UnsetStep{{field(value.get<std::string>())}};
        else if (key == "add_tags" || key == "remove_tags")
            result.what = tags_step(value, key == "add_tags", "ticket");
        else if (key == "assign")
            result.what = AssignStep{{{field("ticket.assignee"), value_template(value)}}};
        else if (key == "emit")
            result.what = emit_step(value);
        else if (key == "wait")
            result.what = wait_step(value, source);
        else if (key == "wait_for")
            result.what = wait_for_step(value, source);
        else if (key == "cancel")
            result.what = cancel_step(value);
        else if (key == "stop")
            result.what = StopStep{};
        else if (key == "if")
            result.what = IfStep{condition(value), steps(source.value("then", Json::array())),
                                 steps(source.value("else", Json::array()))};
        else if (key.find('.') != std::string::npos) {
            auto call = call_step(key, value, source);
            add_reads(call.params.expressions(), result.reads_results);
            result.what = std::move(call);
        }
    }
    return result;
}

inline std::vector<Step> steps(const Json& sources) {
    std::vector<Step> result;
    for (const auto& source : sources) result.push_back(step(source));
    return result;
}

inline Rule rule(const Json& source) {
    Rule result;
    result.id = source["id"].get<std::string>();
    const auto on = source.value("on", Json("ticket.*"));
    if (on.is_string())
        result.on = {on.get<std::string>()};
    else
        for (const auto& type : on) result.on.push_back(type.get<std::string>());
    result.group = engine::text_or(source, "group", "");
    result.stop = source.value("stop", false);
    result.repeat = source.value("repeat", false);
    const auto on_error = engine::text_or(source, "on_error", "");
    if (on_error == "rule") result.on_error = OnError::rule;
    if (on_error == "event") result.on_error = OnError::event;
    if (on_error == "lane") result.on_error = OnError::lane;
    result.when = condition(source.value("when", Json::object()));
    result.then = steps(source.value("then", Json::array()));
    result.place = {"rules.yaml", source.value("line", 1), 1};
    return result;
}

/// A rule set from a JSON list of rules, under the given chaining.
inline RuleSet rule_set(const std::string& rules, Chaining chaining = Chaining::cascade) {
    RuleSet result;
    result.version = "sha256:test";
    result.options.chaining = chaining;
    result.catalogue = Catalogue::shipped();
    for (const auto& source : json(rules)) result.rules.push_back(rule(source));
    result.rates = rates_of(result.rules);
    return result;
}

// ---- events and decisions ----

inline engine::Event event(const std::string& type, const std::string& subject = "ticket/1") {
    engine::Event result;
    result.tenant = engine::TenantName("acme");
    result.id = engine::EventId("e1");
    result.source = "test";
    result.type = type;
    result.subject = *engine::Subject::parse(subject);
    result.time = noon;
    result.received = noon;
    return result;
}

/// A decision about one ticket: what came in and what the rules may see.
struct Case {
    engine::Event event = testing::event("ticket.created");
    DecisionInput input;

    Case() {
        input.kind = "ticket";
        input.document = Json::object();
        input.now = noon;
    }

    Case& type(const std::string& type) {
        event.type = type;
        return *this;
    }
    /// The ticket's fields after the merge.
    Case& ticket(const std::string& fields) {
        input.document = json(fields);
        return *this;
    }
    Case& merged(const std::string& field, const std::string& from, const std::string& to) {
        input.merged.push_back({field, json(from), json(to), "", ""});
        return *this;
    }
    Case& traced() {
        input.trace = true;
        return *this;
    }
    engine::Decision decided_by(const RuleSet& rule_set) const {
        auto copy = input;
        copy.event = &event;
        return decide(rule_set, std::move(copy));
    }
};

inline std::vector<std::string> names(std::initializer_list<const char*> list) {
    return {list.begin(), list.end()};
}

/// Changes as `rule: field from → to`, one a line.
inline std::vector<std::string> lines_of(const std::vector<engine::Change>& changes) {
    std::vector<std::string> lines;
    for (const auto& change : changes)
        lines.push_back(change.rule + ": " + change.field + " " + engine::canonical_json(change.from) +
                        " → " + engine::canonical_json(change.to));
    return lines;
}

/// Conflicts as `field first=value second=value kept`.
inline std::vector<std::string> lines_of(const std::vector<engine::Conflict>& conflicts) {
    std::vector<std::string> lines;
    for (const auto& conflict : conflicts)
        lines.push_back(conflict.field + (conflict.tag.empty() ? "" : "[" + conflict.tag + "]") + " " +
                        conflict.first_rule + "=" + engine::canonical_json(conflict.first_value) + " " +
                        conflict.second_rule + "=" + engine::canonical_json(conflict.second_value) +
                        " kept " + (conflict.kept.empty() ? "none" : conflict.kept));
    return lines;
}

}  // namespace rules::testing
