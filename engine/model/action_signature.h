#pragma once
/// What a connector offers, as rules and checks need to know it; made from its definition.

#include <map>
#include <set>
#include <string>
#include <vector>

namespace engine {

struct Parameter {
    enum class Type { text, number, boolean, list, object, any };
    std::string name;
    Type type = Type::text;
    bool required = false;
    std::vector<std::string> values;  ///< of an enum; empty when any value will do
    std::string description;
};

struct ActionSignature {
    std::string name;
    std::string description;
    std::vector<Parameter> parameters;
    bool free_form = false;  ///< takes parameters that are not listed too
    /// One parameter of each group must be given (`text` or `blocks`).
    std::vector<std::vector<std::string>> one_of;
    const Parameter* find(const std::string& name) const {
        for (const auto& parameter : parameters)
            if (parameter.name == name) return &parameter;
        return nullptr;
    }
};

struct ConnectionSignature {
    std::string connection;
    std::string connector;
    std::map<std::string, ActionSignature> actions;
    /// Actions of the connector that this connection cannot do, and the settings it lacks, in words.
    std::map<std::string, std::string> unusable;
    /// What scripts can look up; what has a default need not be given.
    std::map<std::string, ActionSignature> lookups = {};
    std::set<std::string> event_types = {};  ///< that its webhooks always have
    bool other_event_types = false;          ///< webhooks may have others, worked out when they come
    std::set<std::string> fields = {};       ///< that its webhooks bring, dotted
};

/// By the name of the connection.
using ConnectionSignatures = std::map<std::string, ConnectionSignature>;

}  // namespace engine
