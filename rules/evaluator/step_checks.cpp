#include "rules/evaluator/step_checks.h"

#include <algorithm>

#include "engine/base/diagnostic.h"
#include "engine/base/text.h"
#include "rules/evaluator/own_values.h"

namespace rules {
namespace {

template <class Map>
std::vector<std::string> keys_of_map(const Map& map) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : map) keys.push_back(key);
    return keys;
}

}  // namespace

std::string named_limit(const std::string& limit, std::size_t value) {
    return limit + " (" + std::to_string(value) + "), which `limits` in tenant.yaml raises";
}

engine::Error limit_reached(const std::string& limit, int value) {
    return engine::exhausted("the decision has reached " +
                             named_limit(limit, static_cast<std::size_t>(value)));
}

bool is_timer_name(std::string_view name) {
    constexpr std::size_t bytes_max = 256;
    const bool is_ours = name.starts_with("wait:") || name.starts_with("sla:") ||
                         name.starts_with("score:") || name.starts_with("schedule:") ||
                         name.starts_with("escalation:") || name.starts_with("routing:");
    return !name.empty() && name.size() <= bytes_max && !is_ours &&
           std::none_of(name.begin(), name.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

engine::Error no_timer_name(const std::string& what, const std::string& name) {
    return engine::invalid(what + ": " + engine::in_quotes(name) +
                           " is no name for a timer: it has control characters, more than 256 bytes, or "
                           "begins as those of waits and policies do");
}

engine::Result<void> check_event(const std::string& type, const engine::Subject& subject) {
    constexpr std::size_t bytes_max = 256;
    const bool is_plain = std::none_of(
        type.begin(), type.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; });
    if (type.empty() || type.size() > bytes_max || !is_plain || !engine::is_utf8(type))
        return engine::invalid(engine::in_quotes(engine::first_of(type, 80)) +
                               " is no type of event, such as ticket.reviewed");
    if (type == value_set_type || subject.kind() == own_values)
        return engine::invalid("the tenant's own values are written by ctx.kv alone");
    return {};
}

engine::Result<void> check_own(const FieldPath& field, const engine::Subject& subject) {
    if (field.root == subject.kind() && !field.keys.empty()) return {};
    return engine::invalid("the decision is about " + subject.text() + " and cannot write " + field.text);
}

FieldPath field_named(const Catalogue& catalogue, const std::string& text) {
    FieldPath field;
    field.text = text;
    field.keys = engine::path_of(text);
    field.root = field.keys.front();
    field.keys.erase(field.keys.begin());
    const auto* declared = catalogue.find(text);
    if (declared) field.type = declared->type;
    return field;
}

engine::Result<const engine::ActionSignature*> action_named(const engine::ConnectionSignatures& connections,
                                                            const std::string& call) {
    const auto dot = call.find('.');
    const auto name = call.substr(0, dot);
    const auto connection = connections.find(name);
    if (connection == connections.end())
        return engine::invalid("no connection is named " + engine::in_quotes(name) + " in connections.yaml" +
                               engine::hint(name, keys_of_map(connections)));
    const auto action = dot == std::string::npos ? "" : call.substr(dot + 1);
    const auto& actions = connection->second.actions;
    const auto found = actions.find(action);
    if (found == actions.end())
        return engine::invalid("connection " + engine::in_quotes(name) + " has no action " +
                               engine::in_quotes(action) + engine::hint(action, keys_of_map(actions)));
    return &found->second;
}

engine::Result<void> check_parameter(const std::string& call, const engine::ActionSignature& action,
                                     const std::string& name) {
    if (action.free_form || action.find(name) != nullptr) return {};
    std::vector<std::string> names;
    for (const auto& parameter : action.parameters) names.push_back(parameter.name);
    return engine::invalid(call + " has no parameter " + engine::in_quotes(name) + engine::hint(name, names));
}

}  // namespace rules
