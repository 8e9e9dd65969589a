#include "rules/language/fields.h"

#include <algorithm>
#include <map>

#include "engine/base/text.h"
#include "rules/language/reading.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

bool is_word(std::string_view text) {
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    return !text.empty() && text[0] >= 'a' && text[0] <= 'z' && std::all_of(text.begin(), text.end(), good);
}

/// Roots that rules read and that are no kinds of entity.
bool is_reserved(const std::string& kind) {
    static const std::vector<std::string> roots{"event", "sla",     "escalations", "escalation", "target",
                                                "timer", "changes", "steps",       "result",     "now"};
    return has(roots, kind);
}

void read_kind(const YamlNode& node, Catalogue& catalogue, Problems& problems) {
    const auto kind = read_text(node, "a kind", problems);
    if (!kind) return;
    if (!is_word(*kind) || is_reserved(*kind))
        problems.error(
            "bad-value", node.place,
            in_quotes(*kind) + " cannot be a kind: use a word of lower-case letters, digits and _");
    else
        catalogue.add_kind(*kind);
}

void read_kinds(const YamlNode& node, Catalogue& catalogue, Problems& problems) {
    if (!expect_list(node, "kinds", problems)) return;
    for (const auto& item : node.items) read_kind(item, catalogue, problems);
}

bool is_path(const std::string& text) {
    const auto keys = engine::path_of(text);
    const auto bad = [](const std::string& key) { return key.empty() || key == "*"; };
    return keys.size() >= 2 && std::none_of(keys.begin(), keys.end(), bad);
}

/// Whether a field of that name can be declared; reports why not.
bool check_name(const YamlNode::Entry& entry, const Catalogue& catalogue, Problems& problems) {
    const auto kind = entry.key.substr(0, entry.key.find('.'));
    if (!is_path(entry.key)) {
        problems.error("bad-value", entry.place,
                       in_quotes(entry.key) + " is no field: write it as <kind>.custom.<name>");
        return false;
    }
    if (catalogue.has_kind(kind)) return true;
    const auto hint = problems.hint(kind, catalogue.kinds());
    problems.error("unknown-kind", entry.place,
                   "unknown kind " + in_quotes(kind) + " in " + in_quotes(entry.key) +
                       (hint.empty() ? ": declare it under kinds" : hint));
    return false;
}

/// What other schema languages call our types.
const std::map<std::string, FieldType>& synonyms() {
    static const std::map<std::string, FieldType> names{
        {"string", FieldType::text},  {"enum", FieldType::text},        {"integer", FieldType::number},
        {"bool", FieldType::boolean}, {"datetime", FieldType::instant}, {"timestamp", FieldType::instant},
        {"array", FieldType::list},   {"map", FieldType::object},
    };
    return names;
}

std::optional<FieldType> read_type(const YamlNode& node, Problems& problems) {
    const auto synonym = synonyms().find(node.text);
    if (node.is_scalar() && synonym != synonyms().end()) return synonym->second;
    const auto index = read_choice(node, "type", field_type_names(), problems);
    if (!index) return std::nullopt;
    return parse_field_type(field_type_names()[*index]);
}

std::vector<std::string> read_values(const YamlNode& node, FieldType type, Problems& problems) {
    std::vector<std::string> values;
    const bool enumerable = type == FieldType::text || type == FieldType::number || type == FieldType::tags;
    if (!enumerable) {
        problems.error("wrong-type", node.place, "only a text, a number and tags have values to choose from");
        return values;
    }
    if (!expect_list(node, "values", problems)) return values;
    const Expected each{"values", type == FieldType::number ? FieldType::number : FieldType::text, {}};
    for (const auto& item : node.items) {
        const auto value = read_constant(item, each, problems);
        if (value)
            values.push_back(value->is_string() ? value->get<std::string>() : engine::number_text(*value));
    }
    return values;
}

/// `{ type, values, description }`, or the type alone.
std::optional<Field> read_declaration(const YamlNode::Entry& entry, Problems& problems) {
    Field field;
    field.path = entry.key;
    field.from_tenant = true;
    const YamlNode* type = &entry.value;
    if (entry.value.is_map()) {
        check_keys(entry.value, {"type", "values", "description"}, "a field", problems);
        type = entry.value.find("type");
    }
    if (type == nullptr) {
        problems.error("missing-key", entry.place, in_quotes(entry.key) + " has no type");
        return std::nullopt;
    }
    const auto read = read_type(*type, problems);
    if (!read) return std::nullopt;
    field.type = *read;
    if (const auto* values = entry.value.find("values"))
        field.values = read_values(*values, field.type, problems);
    if (const auto* description = entry.value.find("description"))
        field.description = read_text(*description, "description", problems).value_or("");
    return field;
}

void read_field(const YamlNode::Entry& entry, Catalogue& catalogue, Problems& problems) {
    const bool named = check_name(entry, catalogue, problems);
    auto field = read_declaration(entry, problems);
    if (!named || !field) return;
    const auto type = field->type;
    if (catalogue.add(std::move(*field))) return;
    const Field* known = catalogue.find(entry.key);
    const auto reason = known != nullptr && known->path == entry.key
                            ? "it is " + article_of(known->type) + " already"
                            : std::string("what it lies below is no object");
    problems.error("field-conflict", entry.place,
                   in_quotes(entry.key) + " cannot be " + article_of(type) + ": " + reason);
}

void read_link(const YamlNode::Entry& entry, Catalogue& catalogue, Problems& problems) {
    Link link{entry.key, "", false};
    const YamlNode* kind = &entry.value;
    if (entry.value.is_map()) {
        check_keys(entry.value, {"kind", "by"}, "a link", problems);
        kind = entry.value.find("kind");
        if (const auto* by = entry.value.find("by"))
            link.by_email = read_choice(*by, "by", {"id", "email"}, problems) == 1U;
    }
    if (kind == nullptr) {
        problems.error("missing-key", entry.place, "the link of " + in_quotes(entry.key) + " has no kind");
        return;
    }
    if (catalogue.find(entry.key) == nullptr)
        problems.error("unknown-field", entry.place,
                       "unknown field " + in_quotes(entry.key) + problems.hint(entry.key, catalogue.paths()));
    const auto name = read_text(*kind, "the kind of a link", problems);
    if (!name) return;
    if (!catalogue.is_entity(*name))
        problems.error("unknown-kind", kind->place,
                       "unknown kind " + in_quotes(*name) + problems.hint(*name, catalogue.kinds()));
    link.kind = *name;
    catalogue.add_link(std::move(link));
}

}  // namespace

void read_fields(const YamlNode& root, Catalogue& catalogue, Problems& problems) {
    if (root.is_null() || !expect_map(root, "fields.yaml", problems)) return;
    check_keys(root, {"kinds", "fields", "links"}, "fields.yaml", problems);
    const auto* kinds = root.find("kinds");
    if (has_content(kinds)) read_kinds(*kinds, catalogue, problems);
    const auto* fields = root.find("fields");
    if (has_content(fields) && expect_map(*fields, "fields", problems))
        for (const auto& entry : fields->entries) read_field(entry, catalogue, problems);
    const auto* links = root.find("links");
    if (has_content(links) && expect_map(*links, "links", problems))
        for (const auto& entry : links->entries) read_link(entry, catalogue, problems);
}

std::vector<std::string> field_type_names() {
    std::vector<std::string> names;
    for (const auto type : {FieldType::text, FieldType::number, FieldType::boolean, FieldType::instant,
                            FieldType::tags, FieldType::list, FieldType::object, FieldType::any})
        names.emplace_back(name_of(type));
    return names;
}

}  // namespace rules
