#include "rules/language/calls.h"

#include <algorithm>

#include "engine/base/text.h"
#include "rules/language/reading.h"
#include "rules/language/values.h"

namespace rules {
namespace {

using engine::ActionSignature;
using engine::ConnectionSignature;
using engine::in_quotes;
using engine::Parameter;
using engine::YamlNode;

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : map) keys.push_back(key);
    return keys;
}

std::vector<std::string> names_of(const ActionSignature& action) {
    std::vector<std::string> names;
    for (const auto& parameter : action.parameters) names.push_back(parameter.name);
    return names;
}

FieldType type_of(Parameter::Type type) {
    switch (type) {
        case Parameter::Type::text:
            return FieldType::text;
        case Parameter::Type::number:
            return FieldType::number;
        case Parameter::Type::boolean:
            return FieldType::boolean;
        case Parameter::Type::list:
            return FieldType::list;
        case Parameter::Type::object:
            return FieldType::object;
        case Parameter::Type::any:
            return FieldType::any;
    }
    return FieldType::any;
}

const ConnectionSignature* find_connection(const std::string& name, const YamlNode::Entry& entry,
                                           RuleContext& context) {
    const auto found = context.connections.find(name);
    if (found != context.connections.end()) return &found->second;
    const auto remedy = context.catalogue.has_kind(name)
                            ? std::string(": a field is written by set")
                            : context.problems.hint(name, keys_of(context.connections));
    context.problems.error("dangling-connection", entry.place,
                           "no connection is named " + in_quotes(name) + " in connections.yaml" + remedy);
    return nullptr;
}

const ActionSignature* find_action(const ConnectionSignature& connection, const std::string& name,
                                   const YamlNode::Entry& entry, RuleContext& context) {
    const auto found = connection.actions.find(name);
    if (found != connection.actions.end()) return &found->second;
    const auto who = "connection " + in_quotes(connection.connection) + " (" + connection.connector + ") ";
    const auto lacking = connection.unusable.find(name);
    context.problems.error(
        "unknown-action", entry.place,
        lacking != connection.unusable.end()
            ? who + "cannot do " + in_quotes(name) + " without the setting " + lacking->second
            : who + "has no action " + in_quotes(name) +
                  context.problems.hint(name, keys_of(connection.actions)));
    return nullptr;
}

bool is_given(const YamlNode& params, const std::string& name) {
    const auto* value = params.find(name);
    return value != nullptr && !value->is_null();
}

void check_required(const ActionSignature& action, const YamlNode::Entry& entry, RuleContext& context) {
    for (const auto& parameter : action.parameters)
        if (parameter.required && !is_given(entry.value, parameter.name))
            context.problems.error("missing-parameter", entry.place,
                                   entry.key + " needs the parameter " + in_quotes(parameter.name));
    for (const auto& group : action.one_of) {
        const auto given = [&](const std::string& name) { return is_given(entry.value, name); };
        if (std::none_of(group.begin(), group.end(), given))
            context.problems.error("missing-parameter", entry.place,
                                   entry.key + " needs one of the parameters " + engine::join(group, ", "));
    }
}

Expected expected_by(const Parameter* parameter, const YamlNode::Entry& param, const std::string& call) {
    const auto what = "parameter " + in_quotes(param.key) + " of " + call;
    if (parameter == nullptr) return {what, FieldType::any, {}};
    return {what, type_of(parameter->type), parameter->values, parameter->type == Parameter::Type::text};
}

ValueTemplate read_params(const ActionSignature& action, const YamlNode::Entry& entry, RuleContext& context) {
    std::vector<std::pair<std::string, ValueTemplate>> params;
    for (const auto& param : entry.value.entries) {
        const Parameter* parameter = action.find(param.key);
        if (parameter == nullptr && !action.free_form)
            context.problems.error("unknown-parameter", param.place,
                                   entry.key + " has no parameter " + in_quotes(param.key) +
                                       context.problems.hint(param.key, names_of(action)));
        auto value = read_value(param.value, expected_by(parameter, param, entry.key), context);
        if (value) params.emplace_back(param.key, std::move(*value));
    }
    return ValueTemplate{std::move(params)};
}

/// Parameters of an action that is not known: only what they read can be checked.
void read_unknown(const YamlNode::Entry& entry, RuleContext& context) {
    read_value(entry.value, {entry.key, FieldType::any, {}}, context);
}

bool is_name(const std::string& text) {
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    return !text.empty() && text.size() <= 64 && (text[0] < '0' || text[0] > '9') &&
           std::all_of(text.begin(), text.end(), good);
}

std::string read_as(const YamlNode& node, const RuleContext& context) {
    auto& problems = context.problems;
    const auto name = read_text(node, "as", problems);
    if (!name) return "";
    if (!is_name(*name))
        problems.error("bad-value", node.place,
                       in_quotes(*name) + " is no name for a result: use lower-case letters, digits and _");
    else if (context.results.contains(*name))
        problems.error("duplicate-id", node.place,
                       "an earlier step of this rule is named " + in_quotes(*name) + " already");
    return *name;
}

/// The path of `save`, which begins with `result`.
std::optional<FieldPath> read_result_path(const YamlNode& node, RuleContext& context) {
    const auto text = read_text(node, "save", context.problems);
    if (!text) return std::nullopt;
    auto keys = engine::path_of(*text);
    const auto empty = [](const std::string& key) { return key.empty(); };
    if (!keys.empty() && keys.front() == "result" && std::none_of(keys.begin(), keys.end(), empty))
        return FieldPath{*text, "result", {keys.begin() + 1, keys.end()}, FieldType::any};
    context.problems.error(
        "dangling-step-result", node.place,
        "save takes a part of this action's result, such as result.id, found " + in_quotes(*text));
    return std::nullopt;
}

std::vector<std::pair<FieldPath, FieldPath>> read_save(const YamlNode& node, RuleContext& context) {
    std::vector<std::pair<FieldPath, FieldPath>> save;
    if (!expect_map(node, "save", context.problems)) return save;
    for (const auto& entry : node.entries) {
        const auto field = read_target(entry.key, entry.place, context);
        const auto source = read_result_path(entry.value, context);
        if (field && source) save.emplace_back(*field, *source);
    }
    return save;
}

void read_beside(const YamlNode& map, CallStep& step, RuleContext& context) {
    if (const auto* as = map.find("as")) step.as = read_as(*as, context);
    if (const auto* save = map.find("save")) step.save = read_save(*save, context);
    if (const auto* order = map.find("order"))
        step.relaxed = read_choice(*order, "order", {"strict", "relaxed"}, context.problems) == 1U;
}

}  // namespace

bool is_call(const std::string& key) {
    const auto dot = key.find('.');
    return dot != std::string::npos && dot > 0 && dot + 1 < key.size();
}

std::optional<CallStep> read_call(const YamlNode& map, const YamlNode::Entry& entry, RuleContext& context) {
    CallStep step;
    step.connection = entry.key.substr(0, entry.key.find('.'));
    step.action = entry.key.substr(step.connection.size() + 1);
    step.params = ValueTemplate{engine::Json::object()};
    const auto* connection = find_connection(step.connection, entry, context);
    const auto* action = connection ? find_action(*connection, step.action, entry, context) : nullptr;
    const bool none = entry.value.is_null();
    if (action == nullptr)
        read_unknown(entry, context);
    else if (none || expect_map(entry.value, entry.key, context.problems))
        check_required(*action, entry, context);
    if (action != nullptr && entry.value.is_map()) step.params = read_params(*action, entry, context);
    read_beside(map, step, context);
    if (!step.as.empty()) context.results.insert(step.as);
    return step;
}

}  // namespace rules
