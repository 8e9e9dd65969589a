#pragma once
/// What the connector tests share: connections from a few lines of YAML, messages, files of the project.

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "connectors/kit/connector.h"
#include "connectors/kit/definition.h"
#include "connectors/kit/signature.h"
#include "engine/base/json.h"
#include "tests/support/catch.h"
#include "tests/support/instants.h"

/// The framework would walk a JSON text as a range of itself.
template <>
struct Catch::StringMaker<engine::Json> {
    static std::string convert(const engine::Json& value) { return engine::canonical_json(value); }
};
template <>
struct Catch::StringMaker<std::optional<engine::Json>> {
    static std::string convert(const std::optional<engine::Json>& value) {
        return value ? engine::canonical_json(*value) : "nothing";
    }
};

namespace connectors::testing {

using engine::Json;

using engine::test::at;

inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

inline Json json(const std::string& text) {
    auto parsed = engine::parse_json(text);
    INFO(text);
    REQUIRE(parsed);
    return std::move(*parsed);
}

inline std::string all_of(const engine::Diagnostics& diagnostics) {
    std::string text;
    for (const auto& problem : diagnostics.sorted()) text += engine::to_text(problem) + "\n";
    return text;
}

inline SecretSource no_secrets() {
    return [](const std::string&, const std::string&) { return std::nullopt; };
}

/// The only connection of a `connections.yaml`; the text starts with its name.
inline Connection connection_of(const std::string& yaml, const Registry& registry = Registry::shipped()) {
    engine::Diagnostics diagnostics;
    std::string text = "connections:\n  ";
    for (const char c : yaml) text += c == '\n' ? std::string("\n  ") : std::string(1, c);
    auto connections = load_connections(text, registry, no_secrets(), true, diagnostics);
    INFO(all_of(diagnostics));
    REQUIRE_FALSE(diagnostics.has_errors());
    REQUIRE(connections.size() == 1);
    return connections.begin()->second;
}

/// A registry with one more definition.
inline Registry registry_with(const std::string& name, const std::string& definition) {
    engine::Diagnostics diagnostics;
    auto registry =
        Registry::shipped().with({{"connectors/" + name + "/connector.yaml", definition}}, diagnostics);
    INFO(all_of(diagnostics));
    REQUIRE_FALSE(diagnostics.has_errors());
    return registry;
}

inline InboundMessage message_of(std::string body, const std::string& received = "2026-05-04T08:00:00Z") {
    InboundMessage message;
    message.target = "/v1/acme/hooks/x";
    message.headers = {{"Content-Type", "application/json"}, {"Host", "hooks.example.com"}};
    message.body = std::move(body);
    message.peer = "192.0.2.10";
    message.received = at(received);
    return message;
}

inline InboundMessage signed_message(const Connection& connection, std::string body,
                                     const std::string& received = "2026-05-04T08:00:00Z") {
    auto message = message_of(std::move(body), received);
    REQUIRE(sign(connection, message, message.received));
    return message;
}

inline engine::Delivery delivery_of(const std::string& action, Json params,
                                    const std::string& key = "key-1") {
    engine::Delivery delivery;
    delivery.key = engine::DeliveryKey(key);
    delivery.action.connection = "c";
    delivery.action.action = action;
    delivery.action.params = std::move(params);
    return delivery;
}

inline std::string header_of(const HttpRequest& request, std::string_view name) {
    HttpResponse as_response;
    as_response.headers = request.headers;
    const auto* value = as_response.header(name);
    return value == nullptr ? "" : *value;
}

/// The folder of recorded facts beside the project, or nothing; says so once when it is missing.
inline std::optional<std::string> shared_folder() {
    const char* named = std::getenv("SIGNALBOX_SHARED");
    const std::string folder = named == nullptr ? "../shared" : named;
    if (std::ifstream(folder + "/vendors/README.md")) return folder;
    WARN("skipped: " + folder + " has no vendor material (set SIGNALBOX_SHARED)");
    return std::nullopt;
}

}  // namespace connectors::testing
