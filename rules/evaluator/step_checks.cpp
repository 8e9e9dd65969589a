#include "rules/evaluator/step_checks.h"

#include <algorithm>

#include "engine/base/diagnostic.h"

namespace rules {

engine::Error limit_reached(const std::string& limit, int value) {
    return engine::exhausted("the decision has reached " + limit + " (" + std::to_string(value) + ")");
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

}  // namespace rules
