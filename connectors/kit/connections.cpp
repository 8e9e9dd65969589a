#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "connectors/kit/address.h"
#include "connectors/kit/definition.h"
#include "connectors/kit/read.h"
#include "connectors/kit/url.h"
#include "connectors/kit/words.h"
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

/// Reads the settings of one connection: types, secrets, fallbacks, what must be there.
class SettingsReader {
public:
    SettingsReader(Connection& connection, const SecretSource& secrets, bool secrets_required,
                   Diagnostics& diagnostics)
        : connection_(connection),
          secrets_(secrets),
          secrets_required_(secrets_required),
          diagnostics_(diagnostics) {}

    void read(const MapReader& reader) {
        for (const auto& setting : connection_.connector->settings) {
            const auto* node = reader.find(setting.name);
            if (node != nullptr)
                read_setting(setting, *node);
            else
                fill_in(setting, reader.place());
        }
        if (!connection_.sandbox) check_groups(reader.place());
        find_unusable();
    }

private:
    void read_setting(const Setting& setting, const YamlNode& node) {
        given_.insert(setting.name);
        auto value = typed(setting, node);
        if (!value) return;
        check_value(setting, *value, node.place);
        connection_.settings[setting.name] = std::move(*value);
    }

    void fill_in(const Setting& setting, const engine::Place& place) {
        const auto value = fallback_of(setting);
        if (value) {
            given_.insert(setting.name);
            connection_.settings[setting.name] = *value;
        } else if (setting.fallback && reads_given(*setting.fallback)) {
            given_.insert(setting.name);
        } else if (setting.required && !connection_.sandbox) {
            diagnostics_.error("missing-setting", place,
                               "connection " + in_quotes(connection_.name) + " needs the setting " +
                                   in_quotes(setting.name) + " (" + setting.description + ")");
        }
    }

    Value fallback_of(const Setting& setting) const {
        if (!setting.fallback) return std::nullopt;
        return setting.fallback->render(Scope().with("settings", connection_.settings));
    }

    /// The fallback reads a setting that is given but whose secret is not known here.
    bool reads_given(const Shape& fallback) const {
        const auto names = fallback.names_under("settings");
        return !names.empty() && std::all_of(names.begin(), names.end(),
                                             [&](const std::string& name) { return given_.contains(name); });
    }

    Value typed(const Setting& setting, const YamlNode& node) {
        using Type = Setting::Type;
        if (setting.type == Type::object || setting.type == Type::list) {
            const bool fits = setting.type == Type::object ? node.is_map() : node.is_list();
            return fits ? Value(engine::to_json(node)) : wrong_type(setting, node);
        }
        if (node.is_list() && setting.many) return texts(setting, node);
        if (!node.is_scalar()) return wrong_type(setting, node);
        if (setting.type == Type::number || setting.type == Type::boolean) return plain(setting, node);
        auto text = resolve(setting, node);
        if (!text) return std::nullopt;
        return Json(std::move(*text));
    }

    Value plain(const Setting& setting, const YamlNode& node) {
        auto value = engine::to_json(node);
        const bool fits = setting.type == Setting::Type::number ? value.is_number() : value.is_boolean();
        return fits ? Value(std::move(value)) : wrong_type(setting, node);
    }

    Value texts(const Setting& setting, const YamlNode& node) {
        Json all = Json::array();
        for (const auto& item : node.items)
            if (auto text = item.is_scalar() ? resolve(setting, item) : std::nullopt)
                all.push_back(std::move(*text));
        return all.empty() ? std::nullopt : Value(std::move(all));
    }

    Value wrong_type(const Setting& setting, const YamlNode& node) {
        constexpr const char* names[] = {"a text",         "a URL",  "a number", "true or false",
                                         "a span of time", "a list", "a map"};
        diagnostics_.error("wrong-type", node.place,
                           in_quotes(setting.name) + " is " + names[static_cast<int>(setting.type)]);
        return std::nullopt;
    }

    /// Messages never repeat what a secret setting holds.
    void check_value(const Setting& setting, const Json& value, const engine::Place& place) {
        const auto text = value.is_string() ? value.get<std::string>() : "";
        if (setting.type == Setting::Type::url) {
            if (const auto url = parse_url(text); !url)
                diagnostics_.error("bad-value", place, in_quotes(setting.name) + ": " + url.error().message);
        } else if (setting.type == Setting::Type::duration && !engine::parse_duration(text)) {
            diagnostics_.error("bad-value", place,
                               in_quotes(setting.name) + " is a span of time such as 90s or 5m");
        } else if (!setting.values.empty() &&
                   std::find(setting.values.begin(), setting.values.end(), text) == setting.values.end()) {
            report_unknown("bad-value", "value of " + setting.name, text, place, setting.values,
                           diagnostics_);
        }
    }

    /// Replaces `${env:NAME}` and `${file:/path}`; nothing when one of them is not there.
    std::optional<std::string> resolve(const Setting& setting, const YamlNode& node) {
        std::string out;
        std::string_view rest = node.text;
        while (true) {
            const auto open = rest.find("${");
            out += rest.substr(0, open);
            if (open == std::string_view::npos) return out;
            const auto close = rest.find('}', open);
            const auto reference =
                rest.substr(open + 2, close == std::string_view::npos ? close : close - open - 2);
            auto secret = look_up(setting, reference, node.place);
            if (!secret || close == std::string_view::npos) return std::nullopt;
            out += *secret;
            rest.remove_prefix(close + 1);
        }
    }

    std::optional<std::string> look_up(const Setting& setting, std::string_view reference,
                                       const engine::Place& place) {
        const auto colon = reference.find(':');
        const auto kind = std::string(reference.substr(0, colon));
        const auto name = colon == std::string_view::npos ? "" : std::string(reference.substr(colon + 1));
        if ((kind != "env" && kind != "file") || name.empty()) {
            diagnostics_.error(
                "bad-secret", place,
                in_quotes(setting.name) + " refers to a secret with ${env:NAME} or ${file:/path}");
            return std::nullopt;
        }
        auto secret = secrets_ ? secrets_(kind, name) : std::nullopt;
        if (!secret && secrets_required_ && !connection_.sandbox)
            diagnostics_.error("missing-secret", place,
                               "connection " + in_quotes(connection_.name) + ", setting " +
                                   in_quotes(setting.name) + ": " +
                                   (kind == "env" ? "the environment variable " : "the file ") + name +
                                   (kind == "env" ? " is not set" : " cannot be read"));
        return secret;
    }

    void check_groups(const engine::Place& place) {
        for (const auto& group : connection_.connector->one_of) {
            const bool any = std::any_of(group.begin(), group.end(),
                                         [&](const std::string& name) { return given_.contains(name); });
            if (!any)
                diagnostics_.error("missing-setting", place,
                                   "connection " + in_quotes(connection_.name) +
                                       " needs one of the settings " + engine::join(group, ", ") +
                                       " (or sandbox: true)");
        }
    }

    void find_unusable() {
        if (connection_.sandbox) return;
        for (const auto& [name, action] : connection_.connector->actions)
            if (!is_usable(action)) connection_.unusable.push_back(name);
    }

    bool is_usable(const Operation& action) const {
        if (action.request.url && !are_given(action.request.url->names_under("settings"))) return false;
        const auto& ways = action.auth ? *action.auth : connection_.connector->auth;
        return ways.empty() || std::any_of(ways.begin(), ways.end(), [&](const Auth& auth) {
                   return (!auth.value || are_given(auth.value->names_under("settings"))) &&
                          (!auth.password || are_given(auth.password->names_under("settings")));
               });
    }

    bool are_given(const std::vector<std::string>& names) const {
        return std::all_of(names.begin(), names.end(),
                           [&](const std::string& name) { return given_.contains(name); });
    }

    Connection& connection_;
    const SecretSource& secrets_;
    const bool secrets_required_;
    Diagnostics& diagnostics_;
    std::set<std::string> given_;  ///< also those whose secret is not known here
};

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
    SettingsReader(connection, secrets, secrets_required, diagnostics).read(reader);
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
    for (const auto& entry : all->entries)
        if (auto connection = read_connection(entry, registry, secrets, secrets_required, diagnostics))
            connections.emplace(entry.key, std::move(*connection));
    return connections;
}

engine::ConnectionSignatures signatures_of(const Connections& connections) {
    engine::ConnectionSignatures all;
    for (const auto& [name, connection] : connections) {
        engine::ConnectionSignature signature{name, connection.connector->name, {}};
        for (const auto& [action, operation] : connection.connector->actions) {
            const auto& unusable = connection.unusable;
            if (std::find(unusable.begin(), unusable.end(), action) == unusable.end())
                signature.actions.emplace(action, operation.signature);
        }
        all.emplace(name, std::move(signature));
    }
    return all;
}

}  // namespace connectors
