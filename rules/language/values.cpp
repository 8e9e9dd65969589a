#include "rules/language/values.h"

#include <algorithm>

#include "engine/base/text.h"
#include "rules/evaluator/filters.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::Json;
using engine::YamlNode;

bool holds_template(const YamlNode& node) {
    return node.is_scalar() && node.text.find("{{") != std::string::npos;
}

/// The words of the text at the offset, enough to find them again in the file.
std::string token_at(const std::string& text, std::size_t offset) {
    constexpr std::size_t enough = 40;
    const auto rest = std::string_view(text).substr(std::min(offset, text.size()), enough);
    return std::string(rest.substr(0, rest.find_first_of(" \n\r\t", 1)));
}

void report(const TemplateError& error, const YamlNode& node, RuleContext& context) {
    const bool filter = error.kind == TemplateError::Kind::unknown_filter;
    context.problems.error(filter ? "unknown-filter" : "bad-template",
                           context.problems.within(node, token_at(node.text, error.offset)), error.message);
}

/// What a filter makes of a value; any when that depends on the value.
FieldType type_after(const FilterCall& filter, FieldType type) {
    if (filter.name == "round" || filter.name == "size") return FieldType::number;
    if (filter.name == "first" || filter.name == "last")
        return type == FieldType::tags || type == FieldType::text ? FieldType::text : FieldType::any;
    if (filter.name != "default") return FieldType::text;
    const bool same = !filter.arguments.empty() && filter.arguments[0].is_string() && type == FieldType::text;
    return same ? FieldType::text : FieldType::any;
}

bool is_text(FieldType type) {
    return type == FieldType::text || type == FieldType::instant;
}
bool is_list(FieldType type) {
    return type == FieldType::tags || type == FieldType::list;
}

/// A list is most often meant to be written out.
std::string filter_remedy(const FilterCall& filter, FieldType type) {
    return is_list(type) && filter.name != "date" && filter.name != "round" ? ": put join before it" : "";
}

/// Checks the paths of a template; the type of the value when the text is exactly one template.
FieldType check_expressions(const Template& parsed, const YamlNode& node, RuleContext& context) {
    const auto expressions = parsed.expressions();
    FieldType type = FieldType::any;
    for (const auto& expression : expressions) {
        const auto text = engine::dotted(expression.path);
        const auto path = read_path(text, context.problems.within(node, text), context);
        type = path ? path->type : FieldType::any;
        for (const auto& filter : expression.filters) {
            if (const auto wanted = wanted_instead(filter, type))
                context.problems.error("wrong-type", context.problems.within(node, text),
                                       "the filter " + filter.name + " takes " + std::string(*wanted) +
                                           ", not " + article_of(type) + filter_remedy(filter, type));
            type = type_after(filter, type);
        }
    }
    const bool alone = expressions.size() == 1 && node.text.starts_with("{{") && node.text.ends_with("}}");
    return alone ? type : FieldType::text;
}

bool may_become(FieldType found, FieldType wanted) {
    return found == wanted || found == FieldType::any || wanted == FieldType::any ||
           (is_text(found) && is_text(wanted)) || (is_list(found) && is_list(wanted));
}

void check_type(FieldType found, const YamlNode& node, const Expected& expected, RuleContext& context) {
    const bool printed = expected.prints && (found == FieldType::number || found == FieldType::boolean);
    if (printed || may_become(found, expected.type)) return;
    const std::string remedy = is_text(expected.type) ? ": add the filter json to write it as a text" : "";
    context.problems.error("wrong-type", node.place,
                           expected.what + " takes " + article_of(expected.type) + ", the template " +
                               in_quotes(node.text) + " makes " + article_of(found) + remedy);
}

std::optional<Template> parse(const YamlNode& node, RuleContext& context) {
    auto parsed = Template::parse(node.text);
    if (auto* good = std::get_if<Template>(&parsed)) return std::move(*good);
    report(std::get<TemplateError>(parsed), node, context);
    return std::nullopt;
}

std::optional<ValueTemplate> read_rendered(const YamlNode& node, const Expected& expected,
                                           RuleContext& context) {
    auto parsed = parse(node, context);
    if (!parsed) return std::nullopt;
    check_type(check_expressions(*parsed, node, context), node, expected, context);
    return ValueTemplate{std::move(*parsed)};
}

std::optional<ValueTemplate> read_items(const YamlNode& node, const Expected& expected,
                                        RuleContext& context) {
    std::vector<ValueTemplate> items;
    bool good = true;
    for (const auto& item : node.items) {
        auto value = read_value(item, element_of(expected), context);
        good = good && value;
        if (value) items.push_back(std::move(*value));
    }
    if (!good) return std::nullopt;
    return ValueTemplate{std::move(items)};
}

std::optional<ValueTemplate> read_members(const YamlNode& node, const Expected& expected,
                                          RuleContext& context) {
    std::vector<std::pair<std::string, ValueTemplate>> members;
    bool good = true;
    for (const auto& entry : node.entries) {
        auto value = read_value(entry.value, {expected.what + "." + entry.key, FieldType::any, {}}, context);
        good = good && value;
        if (value) members.emplace_back(entry.key, std::move(*value));
    }
    if (!good) return std::nullopt;
    return ValueTemplate{std::move(members)};
}

/// Whether a template stands anywhere inside.
bool holds_templates(const YamlNode& node) {
    if (holds_template(node)) return true;
    return std::any_of(node.items.begin(), node.items.end(), holds_templates) ||
           std::any_of(node.entries.begin(), node.entries.end(),
                       [](const auto& entry) { return holds_templates(entry.value); });
}

bool takes_list(FieldType type) {
    return is_list(type) || type == FieldType::any;
}
bool takes_map(FieldType type) {
    return type == FieldType::object || type == FieldType::any;
}

/// An object whose fields are declared is read field by field.
bool has_declared_fields(const FieldPath& field, const Catalogue& catalogue) {
    const auto paths = catalogue.paths();
    return std::any_of(paths.begin(), paths.end(),
                       [&](const std::string& path) { return path.starts_with(field.text + "."); });
}

std::optional<ValueTemplate> read_declared(const YamlNode& node, const FieldPath& field,
                                           RuleContext& context) {
    std::vector<std::pair<std::string, ValueTemplate>> members;
    bool good = true;
    for (const auto& entry : node.entries) {
        const auto inner = read_path(field.text + "." + entry.key, entry.place, context);
        auto value = inner ? read_field_value(entry.value, *inner, context) : std::nullopt;
        good = good && value;
        if (value) members.emplace_back(entry.key, std::move(*value));
    }
    if (!good) return std::nullopt;
    return ValueTemplate{std::move(members)};
}

}  // namespace

std::optional<ValueTemplate> read_value(const YamlNode& node, const Expected& expected,
                                        RuleContext& context) {
    if (node.is_null()) return ValueTemplate{Json()};
    if (holds_template(node)) return read_rendered(node, expected, context);
    if (holds_templates(node) && node.is_list() && takes_list(expected.type))
        return read_items(node, expected, context);
    if (holds_templates(node) && node.is_map() && takes_map(expected.type))
        return read_members(node, expected, context);
    auto constant = read_constant(node, expected, context.problems);
    if (!constant) return std::nullopt;
    return ValueTemplate{std::move(*constant)};
}

std::optional<Template> read_template(const YamlNode& node, const std::string& what, RuleContext& context) {
    if (!read_text(node, what, context.problems)) return std::nullopt;
    auto parsed = parse(node, context);
    if (parsed)
        check_type(check_expressions(*parsed, node, context), node, {what, FieldType::text, {}}, context);
    return parsed;
}

std::optional<ValueTemplate> read_field_value(const YamlNode& node, const FieldPath& field,
                                              RuleContext& context) {
    if (node.is_map() && takes_map(field.type) && has_declared_fields(field, context.catalogue))
        return read_declared(node, field, context);
    const Field* declared = context.catalogue.find(field.text);
    const auto values = declared != nullptr ? declared->values : std::vector<std::string>();
    return read_value(node, {field.text, field.type, values}, context);
}

}  // namespace rules
