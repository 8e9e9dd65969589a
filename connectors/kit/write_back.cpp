#include <algorithm>
#include <set>

#include "connectors/kit/definition.h"
#include "engine/base/text.h"

namespace connectors {
namespace {

/// What `*` stands for when the changed field is the pattern's: `ticket.custom.*` on `ticket.custom.seats`.
std::optional<std::string> matched(const std::string& pattern, const std::string& field) {
    if (!pattern.ends_with(".*")) return pattern == field ? std::optional<std::string>("") : std::nullopt;
    const auto before = pattern.substr(0, pattern.size() - 1);
    if (!field.starts_with(before) || field.size() == before.size()) return std::nullopt;
    return field.substr(before.size());
}

/// The value of the field after the decision; the document has no kind in front.
Json value_of(const Json& document, const std::string& field) {
    const auto dot = field.find('.');
    const auto* value = dot == std::string::npos ? nullptr : engine::find(document, field.substr(dot + 1));
    return value == nullptr ? Json() : *value;
}

Json translated(const WriteBackField& field, Json value) {
    if (!field.table) return value;
    const auto key = as_text(value);
    const auto entry = key ? field.table->find(*key) : field.table->end();
    return entry == field.table->end() ? value : entry->second;
}

/// A removed list is sent as an empty one; another removed value only where the action takes null.
std::optional<Json> sendable(const Operation& action, const WriteBackField& field, Json value) {
    const auto* parameter = action.signature.find(field.parameter);
    const bool is_whole = field.key.empty() && field.ids.empty() && !field.field.ends_with(".*");
    if (!value.is_null() || !is_whole || parameter == nullptr) return value;
    if (parameter->type == engine::Parameter::Type::list) return Json::array();
    if (action.nullable.contains(field.parameter)) return value;
    return std::nullopt;
}

/// Puts one field's value where it goes; false when the connection knows no id for it.
bool put_field(const Connection& connection, const WriteBackField& field, const std::string& star, Json value,
               Json& params) {
    if (field.ids.empty()) {
        const auto key = field.key.empty() ? star : field.key;
        if (key.empty())
            params[field.parameter] = std::move(value);
        else
            params[field.parameter][key] = std::move(value);
        return true;
    }
    const auto* id = engine::find(connection.settings, engine::Path{field.ids, star});
    if (id == nullptr) return false;
    params[field.parameter].push_back({{"id", *id}, {"value", std::move(value)}});
    return true;
}

}  // namespace

std::optional<engine::Action> write_back(const Connection& connection, const engine::Subject& subject,
                                         const std::vector<engine::Change>& changes, const Json& document) {
    const auto& known = connection.connector->write_back;
    const auto found = known.find(std::string(subject.kind()));
    if (!connection.write_back || found == known.end() || connection.unusable.contains(found->second.action))
        return std::nullopt;
    engine::Action action;
    action.connection = connection.name;
    action.action = found->second.action;
    const auto& operation = connection.connector->actions.at(action.action);
    bool any = false;
    std::set<std::string> seen;
    for (const auto& change : changes) {
        if (!seen.insert(change.field).second) continue;
        for (const auto& field : found->second.fields) {
            const auto star = matched(field.field, change.field);
            if (!star) continue;
            auto value = sendable(operation, field, translated(field, value_of(document, change.field)));
            any = (value && put_field(connection, field, *star, std::move(*value), action.params)) || any;
            break;
        }
    }
    if (!any) return std::nullopt;
    const Json about{{"id", subject.id()}, {"kind", subject.kind()}};
    Scope scope;
    scope.with("subject", about).with("settings", connection.settings);
    for (const auto& [name, value] : found->second.parameters)
        if (auto rendered = value.render(scope)) action.params[name] = std::move(*rendered);
    return action;
}

}  // namespace connectors
