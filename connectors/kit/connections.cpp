#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "connectors/kit/address.h"
#include "connectors/kit/definition.h"
#include "connectors/kit/settings.h"
#include "connectors/kit/url.h"
#include "engine/base/text.h"

namespace connectors {

using engine::Diagnostics;
using engine::in_quotes;
using engine::YamlNode;

namespace {

constexpr std::size_t secret_bytes_max = 64 * 1024;
constexpr long body_bytes_most = 16 * 1024 * 1024;
constexpr std::size_t retries_max = 50;

std::vector<engine::Duration> default_retry() {
    using namespace std::chrono;
    return {seconds(5), seconds(30), minutes(2), minutes(10), minutes(30),
            hours(2),   hours(5),    hours(10),  hours(24)};
}

/// `my-zendesk`: what a rule can name and a subject can hold.
bool is_connection_name(std::string_view name) {
    if (name.empty() || name.size() > 64 || name.front() < 'a' || name.front() > 'z') return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

void read_urgent(const MapReader& reader, Connection& connection) {
    const auto* node = reader.find("urgent");
    if (node == nullptr) {
        if (connection.connector->webhook) connection.urgent = connection.connector->webhook->urgent;
    } else if (node->is_list()) {
        connection.urgent = reader.texts("urgent");
    } else if (reader.boolean("urgent", false)) {
        connection.urgent = {"*"};
    }
}

std::vector<engine::Duration> read_retry(const MapReader& reader, Diagnostics& diagnostics) {
    const auto* node = reader.find("retry");
    if (node == nullptr) return default_retry();
    std::vector<engine::Duration> waits;
    for (const auto& text : reader.texts("retry")) {
        const auto wait = engine::parse_duration(text);
        if (wait && *wait > engine::Duration::zero() && *wait <= std::chrono::hours(24 * 7))
            waits.push_back(*wait);
        else
            diagnostics.error("bad-value", node->place,
                              in_quotes(text) + " is no wait such as 5s, at most 7d");
    }
    if (waits.size() > retries_max)
        diagnostics.error("bad-value", node->place,
                          "retry has more than " + std::to_string(retries_max) + " waits");
    return waits;
}

void read_limits(const MapReader& reader, Connection& connection, Diagnostics& diagnostics) {
    connection.concurrency = static_cast<int>(reader.integer("concurrency", 8, 1, 64));
    connection.timeout = reader.duration("timeout", connection.timeout);
    if (connection.timeout > std::chrono::minutes(5))
        diagnostics.error("bad-value", reader.find("timeout")->place, "timeout is at most 5m");
    connection.retry = read_retry(reader, diagnostics);
    connection.body_bytes_max =
        static_cast<std::size_t>(reader.integer("body_bytes_max", 1024 * 1024, 1, body_bytes_most));
}

void read_door(const MapReader& reader, Connection& connection, Diagnostics& diagnostics) {
    connection.allow_from = reader.texts("allow_from");
    for (const auto& text : connection.allow_from)
        if (!parse_network(text))
            diagnostics.error("bad-value", reader.find("allow_from")->place,
                              in_quotes(text) + " is no address or network such as 192.0.2.0/24");
    connection.public_url = reader.text("public_url");
    if (!connection.public_url.empty())
        if (const auto url = parse_url(connection.public_url); !url)
            diagnostics.error("bad-value", reader.find("public_url")->place,
                              "public_url: " + url.error().message);
    if (reader.has("verify")) {
        reader.word("verify", {"none"});
        connection.unverified = reader.text("verify") == "none";
    }
}

std::shared_ptr<const Connector> find_connector(const YamlNode::Entry& entry, const Registry& registry,
                                                Diagnostics& diagnostics) {
    const auto* named = entry.value.find("connector");
    const auto name = named != nullptr && named->is_scalar() ? named->text : entry.key;
    auto connector = registry.find(name);
    if (!connector)
        report_unknown("unknown-connector", "connector", name, named == nullptr ? entry.place : named->place,
                       registry.names(), diagnostics);
    return connector;
}

std::optional<Connection> read_connection(const YamlNode::Entry& entry, const Registry& registry,
                                          const SecretSource& secrets, bool secrets_required,
                                          Diagnostics& diagnostics) {
    if (!is_connection_name(entry.key))
        diagnostics.error(
            "bad-value", entry.place,
            in_quotes(entry.key) + " is no name of a connection: a to z, 0 to 9, _ and -, a letter first");
    if (!entry.value.is_map()) {
        diagnostics.error("wrong-type", entry.place, "connection " + in_quotes(entry.key) + " is a map");
        return std::nullopt;
    }
    Connection connection;
    connection.name = entry.key;
    connection.connector = find_connector(entry, registry, diagnostics);
    if (!connection.connector) return std::nullopt;
    std::vector<std::string> settings;
    for (const auto& setting : connection.connector->settings) settings.push_back(setting.name);
    const MapReader reader(entry.value, "connection", settings, diagnostics);
    connection.sandbox = reader.boolean("sandbox", false);
    connection.write_back = reader.boolean("write_back", true);
    read_urgent(reader, connection);
    read_limits(reader, connection, diagnostics);
    read_door(reader, connection, diagnostics);
    read_settings(connection, reader, secrets, secrets_required, diagnostics);
    return connection;
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text(secret_bytes_max, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text.empty() ? std::nullopt : std::optional(text);
}

/// As scripts have to give its parameters: those that are left out get their defaults.
engine::ActionSignature signature_of_lookup(const Operation& operation) {
    auto signature = operation.signature;
    const auto has_default = [&](const std::string& name) { return operation.defaults.contains(name); };
    for (auto& parameter : signature.parameters)
        if (has_default(parameter.name)) parameter.required = false;
    std::erase_if(signature.one_of, [&](const std::vector<std::string>& group) {
        return std::any_of(group.begin(), group.end(), has_default);
    });
    return signature;
}

}  // namespace

SecretSource system_secrets() {
    return [](const std::string& kind, const std::string& name) -> std::optional<std::string> {
        if (kind == "file") return read_file(name);
        const char* value = std::getenv(name.c_str());
        return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
    };
}

Connections load_connections(const std::string& text, const Registry& registry, const SecretSource& secrets,
                             bool secrets_required, Diagnostics& diagnostics) {
    Connections connections;
    if (text.empty()) return connections;
    const auto root = engine::parse_yaml(text, "connections.yaml", diagnostics);
    if (root.is_null()) return connections;
    const MapReader reader(root, "connections.yaml", diagnostics);
    const auto* all = reader.find("connections");
    if (all != nullptr && !all->is_map())
        diagnostics.error("wrong-type", all->place, "connections is a map of names");
    if (all == nullptr) return connections;
    for (auto entry : all->entries) {
        if (entry.value.is_null()) entry.value.kind = YamlNode::Kind::map;  // `slack:` says it all
        if (auto connection = read_connection(entry, registry, secrets, secrets_required, diagnostics))
            connections.emplace(entry.key, std::move(*connection));
    }
    return connections;
}

/// What rules may hear of the connection.
void add_events(const Connector& connector, engine::ConnectionSignature& signature) {
    if (!connector.webhook) return;
    for (const auto& event : connector.webhook->events) {
        const bool is_constant = event.type && event.type->text().find('{') == std::string::npos;
        if (is_constant)
            signature.event_types.insert(event.type->text());
        else
            signature.other_event_types = true;
        for (const auto& [field, value] : event.map) signature.fields.insert(engine::dotted(field));
    }
}

engine::ConnectionSignatures signatures_of(const Connections& connections) {
    engine::ConnectionSignatures all;
    for (const auto& [name, connection] : connections) {
        engine::ConnectionSignature signature;
        signature.connection = name;
        signature.connector = connection.connector->name;
        add_events(*connection.connector, signature);
        for (const auto& [action, operation] : connection.connector->actions) {
            const auto lacking = connection.unusable.find(action);
            if (lacking == connection.unusable.end())
                signature.actions.emplace(action, operation.signature);
            else
                signature.unusable.emplace(
                    action, engine::join({lacking->second.begin(), lacking->second.end()}, " or "));
        }
        for (const auto& [lookup, operation] : connection.connector->lookups)
            signature.lookups.emplace(lookup, signature_of_lookup(operation));
        all.emplace(name, std::move(signature));
    }
    return all;
}

}  // namespace connectors
