#include <algorithm>

#include "connectors/kit/read_parts.h"

namespace connectors {

using engine::Diagnostics;
using engine::YamlNode;

namespace {

Setting::Type type_of(const MapReader& reader) {
    return static_cast<Setting::Type>(
        reader.word("type", {"text", "url", "number", "boolean", "duration", "list", "object"}));
}

Setting read_setting(const YamlNode::Entry& entry, const Connector& connector, Diagnostics& diagnostics) {
    const MapReader reader(entry.value, "setting", diagnostics);
    if (!is_name(entry.key))
        diagnostics.error("bad-value", entry.place, "a setting's name is lower-case letters, digits and _");
    Setting setting;
    setting.name = entry.key;
    setting.type = type_of(reader);
    setting.secret = reader.boolean("secret", false);
    setting.many = reader.boolean("many", false);
    setting.required = reader.boolean("required", false);
    setting.values = reader.texts("values");
    setting.description = reader.text("description");
    if (const auto* fallback = reader.find("fallback")) {
        // Only settings that stand above may be read: fallbacks are filled in from top to bottom.
        setting.fallback = Compiler({"settings"}, connector, diagnostics).shape(fallback);
        setting.fallback_text = fallback->is_scalar() ? fallback->text : engine::to_json(*fallback).dump();
    }
    return setting;
}

void read_tables(const YamlNode* node, Connector& connector, Diagnostics& diagnostics) {
    for (const auto& entry : entries_of(node, "a map of tables", diagnostics)) {
        auto table = std::make_shared<Table>();
        for (const auto& row : entries_of(&entry.value, "a map of values", diagnostics))
            table->emplace(row.key, engine::to_json(row.value));
        connector.tables.emplace(entry.key, std::move(table));
    }
}

void read_pair(Auth& auth, const YamlNode& node, std::string_view section, const Compiler& compile) {
    const MapReader reader(node, section, compile.diagnostics());
    const bool basic = auth.kind == Auth::Kind::basic;
    auth.name = basic ? "" : reader.text("name");
    auth.value = compile.text(reader.find(basic ? "user" : "value"));
    if (basic) auth.password = compile.text(reader.find("password"));
}

Auth read_one_auth(const YamlNode& node, const Compiler& compile) {
    const MapReader reader(node, "auth", compile.diagnostics());
    Auth auth;
    if (node.is_map() && node.entries.size() != 1)
        compile.diagnostics().error("bad-value", node.place, "one way of auth has exactly one key");
    if (const auto* bearer = reader.find("bearer")) {
        auth.kind = Auth::Kind::bearer;
        auth.value = compile.text(bearer);
    } else if (const auto* basic = reader.find("basic")) {
        auth.kind = Auth::Kind::basic;
        read_pair(auth, *basic, "basic", compile);
    } else if (const auto* header = reader.find("header")) {
        auth.kind = Auth::Kind::header;
        read_pair(auth, *header, "named value", compile);
    } else if (const auto* query = reader.find("query")) {
        auth.kind = Auth::Kind::query;
        read_pair(auth, *query, "named value", compile);
    }
    return auth;
}

void read_groups(const YamlNode* node, Connector& connector, Diagnostics& diagnostics) {
    connector.one_of = groups_of(node, diagnostics);
    for (const auto& group : connector.one_of)
        for (const auto& name : group) check_setting(name, node->place, connector, diagnostics);
}

void read_operations(const YamlNode* node, const Connector& connector, std::map<std::string, Operation>& into,
                     Diagnostics& diagnostics) {
    for (const auto& entry : entries_of(node, "a map of actions", diagnostics)) {
        if (!is_name(entry.key))
            diagnostics.error("bad-value", entry.place,
                              "an action's name is lower-case letters, digits and _");
        into.emplace(entry.key, read_operation(entry.key, entry.value, connector, diagnostics));
    }
}

void read_answering(const MapReader& reader, Connector& connector, Diagnostics& diagnostics) {
    connector.auth = read_auth(reader.find("auth"), connector, diagnostics);
    const Compiler compile({"response", "header", "params", "settings"}, connector, diagnostics);
    connector.answers = read_answers(reader.find("answers"), compile);
    connector.retry_after = read_wait_headers(reader.find("retry_after"), diagnostics);
    for (const auto& entry : entries_of(reader.find("rate_limit"), "a map of headers", diagnostics)) {
        if (entry.key == "limit" || entry.key == "remaining" || entry.key == "reset")
            connector.rate_limit.emplace(entry.key, entry.value.text);
        else
            report_unknown("unknown-key", "key", entry.key, entry.place, {"limit", "remaining", "reset"},
                           diagnostics);
    }
}

void read_name(const MapReader& reader, const std::string& folder, Connector& connector,
               Diagnostics& diagnostics) {
    connector.name = reader.text("name");
    connector.title = reader.text("title");
    connector.description = reader.text("description");
    if (!is_name(connector.name) || connector.name != folder)
        diagnostics.error(
            "bad-definition", reader.place(),
            "the name \"" + connector.name + "\" is not that of the folder, \"" + folder + "\"");
}

}  // namespace

const Setting* Connector::find_setting(std::string_view wanted) const {
    const auto found = std::find_if(settings.begin(), settings.end(),
                                    [&](const Setting& setting) { return setting.name == wanted; });
    return found == settings.end() ? nullptr : &*found;
}

std::vector<Auth> read_auth(const YamlNode* list, const Connector& connector, Diagnostics& diagnostics) {
    const Compiler compile({"settings"}, connector, diagnostics);
    std::vector<Auth> all;
    for (const auto& item : items_of(list, "auth", diagnostics)) all.push_back(read_one_auth(item, compile));
    return all;
}

std::shared_ptr<const Connector> read_definition(const std::string& text, const std::string& file,
                                                 const std::string& folder, Diagnostics& diagnostics) {
    Diagnostics found;
    auto connector = std::make_shared<Connector>();
    const auto root = engine::parse_yaml(text, file, found);
    const MapReader reader(root, "definition", found);
    read_name(reader, folder, *connector, found);
    read_tables(reader.find("tables"), *connector, found);
    for (const auto& entry : entries_of(reader.find("settings"), "a map of settings", found))
        connector->settings.push_back(read_setting(entry, *connector, found));
    read_groups(reader.find("one_of"), *connector, found);
    read_answering(reader, *connector, found);
    if (const auto* webhook = reader.find("webhook"))
        connector->webhook = read_webhook(*webhook, *connector, found);
    read_operations(reader.find("actions"), *connector, connector->actions, found);
    read_operations(reader.find("lookups"), *connector, connector->lookups, found);
    if (const auto* health = reader.find("health"))
        connector->health = read_operation("health", *health, *connector, found);
    for (const auto& entry : entries_of(reader.find("write_back"), "a map of kinds", found))
        connector->write_back.emplace(entry.key, read_write_back(entry.value, *connector, found));
    for (auto& problem : found.sorted()) diagnostics.add(std::move(problem));
    if (found.has_errors()) return nullptr;
    return connector;
}

}  // namespace connectors
