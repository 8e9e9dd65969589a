#include "rules/checker/step_text.h"

#include <algorithm>

namespace rules {
namespace {

using engine::Json;

Json json_of(const ValueTemplate& source) {
    if (const auto* constant = std::get_if<Json>(&source.value)) return *constant;
    if (const auto* text = std::get_if<Template>(&source.value)) return text->source();
    if (const auto* list = std::get_if<std::vector<ValueTemplate>>(&source.value)) {
        Json items = Json::array();
        for (const auto& item : *list) items.push_back(json_of(item));
        return items;
    }
    Json members = Json::object();
    for (const auto& [key, member] :
         std::get<std::vector<std::pair<std::string, ValueTemplate>>>(source.value))
        members[key] = json_of(member);
    return members;
}

Json json_of(const std::vector<std::pair<FieldPath, ValueTemplate>>& fields) {
    Json json = Json::object();
    for (const auto& [field, value] : fields) json[field.text] = json_of(value);
    return json;
}

/// The order of the children says nothing.
Json json_of(const Condition& condition) {
    if (condition.kind == Condition::Kind::comparison) {
        const auto& comparison = condition.comparison;
        return Json::array({comparison.field.text, std::string(name_of(comparison.op)), comparison.operand,
                            comparison.case_sensitive});
    }
    std::vector<Json> children;
    for (const auto& child : condition.children) children.push_back(json_of(child));
    std::sort(children.begin(), children.end());
    return Json::array({static_cast<int>(condition.kind), children});
}

Json json_of(const Moment& moment) {
    return {{"after", moment.after ? moment.after->source() : ""},
            {"at", moment.at ? moment.at->source() : ""},
            {"calendar", moment.calendar_name}};
}

Json json_of(const std::vector<Step>& steps);

struct Writer {
    Json operator()(const SetStep& step) const { return {{"set", json_of(step.fields)}}; }
    Json operator()(const AssignStep& step) const { return {{"set", json_of(step.fields)}}; }
    Json operator()(const UnsetStep& step) const {
        Json fields = Json::object();
        for (const auto& field : step.fields) fields[field.text] = nullptr;
        return {{"set", fields}};
    }
    Json operator()(const TagsStep& step) const {
        std::vector<std::string> tags;
        for (const auto& tag : step.tags) tags.push_back(tag.source());
        std::sort(tags.begin(), tags.end());
        return {{step.add ? "add" : "remove", tags}, {"field", step.field.text}};
    }
    Json operator()(const EmitStep& step) const {
        return {{"emit", step.type.source()},
                {"subject", step.subject ? step.subject->source() : ""},
                {"data", json_of(step.data)},
                {"when", step.when ? json_of(*step.when) : Json()},
                {"name", step.name ? step.name->source() : ""}};
    }
    Json operator()(const WaitStep& step) const {
        return {{"wait", json_of(step.until)},
                {"recheck", step.recheck},
                {"expires", step.expires ? engine::to_text(*step.expires) : ""}};
    }
    Json operator()(const WaitForStep& step) const {
        return {{"wait_for", step.on},
                {"when", json_of(step.when)},
                {"until", json_of(step.until)},
                {"else", json_of(step.otherwise)},
                {"recheck", step.recheck}};
    }
    Json operator()(const CancelStep& step) const {
        std::vector<std::string> names;
        for (const auto& timer : step.timers) names.push_back(timer.source());
        std::sort(names.begin(), names.end());
        return {{"cancel", names}};
    }
    Json operator()(const ScoreStep& step) const {
        Json points = Json::object();
        for (const auto& gift : step.gifts) points[gift.score] = gift.points;
        return {{"score", points}};
    }
    Json operator()(const RouteStep& step) const {
        return {{"route", step.queues}, {"asks_conditions", step.asks_conditions}};
    }
    Json operator()(const EscalateStep& step) const {
        return {{"escalate", step.escalation}, {"wish", name_of(step.wish)}};
    }
    Json operator()(const LuaStep& step) const {
        return {{"lua", to_text(step.script)}, {"with", json_of(step.args)}};
    }
    Json operator()(const StopStep&) const { return "stop"; }
    Json operator()(const IfStep& step) const {
        return {
            {"if", json_of(step.condition)}, {"then", json_of(step.then)}, {"else", json_of(step.otherwise)}};
    }
    Json operator()(const CallStep& step) const {
        Json save = Json::object();
        for (const auto& [field, path] : step.save) save[field.text] = path.text;
        return {{"call", step.connection + "." + step.action},
                {"params", json_of(step.params)},
                {"as", step.as},
                {"save", save},
                {"relaxed", step.relaxed}};
    }
};

Json json_of(const std::vector<Step>& steps) {
    Json list = Json::array();
    for (const auto& step : steps) list.push_back(std::visit(Writer(), step.what));
    return list;
}

}  // namespace

std::string text_of(const std::vector<Step>& steps) {
    return engine::canonical_json(json_of(steps));
}

std::string text_of(const Condition& condition) {
    return engine::canonical_json(json_of(condition));
}

}  // namespace rules
