#include "connectors/kit/read_parts.h"

namespace connectors {

using engine::Diagnostics;
using engine::YamlNode;

Compiler::Compiler(std::vector<std::string> roots, const Connector& connector, Diagnostics& diagnostics)
    : names_{std::move(roots), &connector.tables, nullptr, nullptr},
      connector_(connector),
      diagnostics_(diagnostics) {}

Compiler Compiler::with_roots(std::vector<std::string> roots) const {
    auto other = *this;
    other.names_.roots = std::move(roots);
    return other;
}

template <class Compiled>
void Compiler::check(const Compiled& compiled, const engine::Place& place) const {
    if (names_.functions != nullptr)
        for (auto& [function, named] : *names_.functions)
            if (named.file.empty()) named = place;
    for (const auto& name : compiled.names_under("settings"))
        check_setting(name, place, connector_, diagnostics_);
    if (action_ == nullptr || action_->free_form) return;
    std::vector<std::string> known;
    for (const auto& parameter : action_->parameters) known.push_back(parameter.name);
    for (const auto& name : compiled.names_under("params"))
        if (action_->find(name) == nullptr)
            report_unknown("unknown-parameter", "parameter", name, place, known, diagnostics_);
}

std::optional<Expression> Compiler::expression(const YamlNode* node) const {
    if (node == nullptr) return std::nullopt;
    if (!node->is_scalar()) {
        diagnostics_.error("wrong-type", node->place, "an expression such as item.id is a text");
        return std::nullopt;
    }
    auto compiled = Expression::compile(node->text, names_);
    if (!compiled) {
        diagnostics_.error("bad-expression", node->place, compiled.error().message);
        return std::nullopt;
    }
    check(*compiled, node->place);
    return std::move(*compiled);
}

std::optional<Template> Compiler::text(const YamlNode* node) const {
    if (node == nullptr) return std::nullopt;
    if (!node->is_scalar()) {
        diagnostics_.error("wrong-type", node->place, "a text is needed here");
        return std::nullopt;
    }
    auto compiled = Template::compile(node->text, names_);
    if (!compiled) {
        diagnostics_.error("bad-expression", node->place, compiled.error().message);
        return std::nullopt;
    }
    check(*compiled, node->place);
    return std::move(*compiled);
}

std::optional<Shape> Compiler::shape(const YamlNode* node) const {
    if (node == nullptr) return std::nullopt;
    auto compiled = Shape::compile(*node, names_, diagnostics_);
    check(compiled, node->place);
    return compiled;
}

Condition Compiler::condition(const YamlNode* node) const {
    if (node == nullptr) return {};
    auto compiled = Condition::compile(*node, names_, diagnostics_);
    check(compiled, node->place);
    return compiled;
}

std::vector<std::pair<std::string, Template>> Compiler::templates(const YamlNode* node) const {
    std::vector<std::pair<std::string, Template>> all;
    for (const auto& entry : entries_of(node, "a map of templates", diagnostics_))
        if (auto compiled = text(&entry.value)) all.emplace_back(entry.key, std::move(*compiled));
    return all;
}

const std::vector<YamlNode>& items_of(const YamlNode* node, std::string_view what, Diagnostics& diagnostics) {
    static const std::vector<YamlNode> none;
    if (node == nullptr || node->is_null()) return none;
    if (!node->is_list())
        diagnostics.error("wrong-type", node->place, "a list of " + std::string(what) + " is needed");
    return node->items;
}

const std::vector<YamlNode::Entry>& entries_of(const YamlNode* node, std::string_view what,
                                               Diagnostics& diagnostics) {
    static const std::vector<YamlNode::Entry> none;
    if (node == nullptr || node->is_null()) return none;
    if (!node->is_map()) diagnostics.error("wrong-type", node->place, std::string(what) + " is needed");
    return node->entries;
}

std::vector<std::vector<std::string>> groups_of(const YamlNode* node, Diagnostics& diagnostics) {
    std::vector<std::vector<std::string>> groups;
    for (const auto& item : items_of(node, "lists of names", diagnostics)) {
        std::vector<std::string> group;
        for (const auto& name : items_of(&item, "names", diagnostics)) group.push_back(name.text);
        groups.push_back(std::move(group));
    }
    return groups;
}

void check_setting(const std::string& name, const engine::Place& place, const Connector& connector,
                   Diagnostics& diagnostics) {
    if (connector.find_setting(name) != nullptr) return;
    std::vector<std::string> known;
    for (const auto& setting : connector.settings) known.push_back(setting.name);
    report_unknown("unknown-setting", "setting", name, place, known, diagnostics);
}

}  // namespace connectors
