#include <algorithm>

#include "connectors/kit/action.h"
#include "connectors/kit/form.h"
#include "connectors/kit/url.h"
#include "connectors/kit/words.h"
#include "engine/base/hash.h"
#include "engine/base/text.h"

namespace connectors {

using engine::in_quotes;
using engine::invalid;
using engine::Parameter;
using engine::Result;

namespace {

constexpr std::size_t header_bytes_max = 8 * 1024;

std::string_view name_of(Parameter::Type type) {
    constexpr std::string_view names[] = {"a text", "a number", "true or false",
                                          "a list", "a map",    "any value"};
    return names[static_cast<int>(type)];
}

bool fits(Parameter::Type type, const Json& value) {
    switch (type) {
        case Parameter::Type::text:
            return value.is_string();
        case Parameter::Type::number:
            return value.is_number();
        case Parameter::Type::boolean:
            return value.is_boolean();
        case Parameter::Type::list:
            return value.is_array();
        case Parameter::Type::object:
            return value.is_object();
        case Parameter::Type::any:
            return true;
    }
    return false;
}

Result<void> check_param(const Parameter& parameter, const Json& value) {
    if (!fits(parameter.type, value))
        return invalid("parameter " + parameter.name + " is " + std::string(name_of(parameter.type)) +
                       ", not " + value.type_name());
    const auto& values = parameter.values;
    if (values.empty() || !value.is_string()) return {};
    const auto& text = value.get_ref<const std::string&>();
    if (std::find(values.begin(), values.end(), text) == values.end())
        return invalid("parameter " + parameter.name + " cannot be " + in_quotes(text) + hint(text, values));
    return {};
}

std::vector<std::string> names_of(const Operation& operation) {
    std::vector<std::string> names;
    for (const auto& parameter : operation.signature.parameters) names.push_back(parameter.name);
    return names;
}

Result<void> check_groups(const Operation& operation, const Json& params) {
    for (const auto& group : operation.signature.one_of)
        if (std::none_of(group.begin(), group.end(),
                         [&](const std::string& name) { return params.contains(name); }))
            return invalid("one of the parameters " + engine::join(group, ", ") + " is needed");
    return {};
}

/// Takes what was given, without the nulls that are not meant as such.
Result<Json> taken(const Operation& operation, const Json& params) {
    Json out = Json::object();
    for (const auto& [name, value] : params.items()) {
        const auto* parameter = operation.signature.find(name);
        if (parameter == nullptr && !operation.signature.free_form)
            return invalid("unknown parameter " + in_quotes(name) + hint(name, names_of(operation)));
        if (value.is_null() && !operation.nullable.contains(name)) continue;
        const bool as_words =
            parameter != nullptr && parameter->type == Parameter::Type::text && !value.is_null();
        const auto text = as_words ? as_text(value) : std::nullopt;
        out[name] = text ? Json(*text) : value;
    }
    return out;
}

/// A value that ends a header line, or hides in it, never leaves.
Result<void> add_header(HttpRequest& request, const std::string& name, const std::string& value) {
    const bool clean = std::none_of(value.begin(), value.end(),
                                    [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
    if (!clean || value.size() > header_bytes_max)
        return invalid("the header " + name + " is not a single short line");
    request.headers.emplace_back(name, value);
    return {};
}

void add_query(HttpRequest& request, const std::string& name, const std::string& value) {
    request.url += request.url.find('?') == std::string::npos ? '?' : '&';
    request.url += percent_encode(name) + "=" + percent_encode(value);
}

/// The settings or parameters a template reads that are not there, for messages.
std::string missing_names(const Template& text, const Scope& scope) {
    std::vector<std::string> missing;
    for (const char* root : {"settings", "params"}) {
        const auto* values = scope.find(root);
        for (const auto& name : text.names_under(root)) {
            const auto* value = values == nullptr ? nullptr : engine::find(*values, engine::Path{name});
            if (value == nullptr || value->is_null() || *value == Json("")) missing.push_back(name);
        }
    }
    return missing.empty() ? "a value is not usable" : "missing " + engine::join(missing, ", ");
}

Result<bool> apply_auth(HttpRequest& request, const Auth& auth, const Scope& scope) {
    if (auth.kind == Auth::Kind::none) return true;
    const auto value = auth.value->render_text(scope);
    if (!value) return false;
    if (auth.kind == Auth::Kind::query) {
        add_query(request, auth.name, *value);
        return true;
    }
    auto name = auth.name;
    auto text = *value;
    if (auth.kind == Auth::Kind::basic) {
        const auto password = auth.password->render_text(scope);
        if (!password) return false;
        name = "Authorization";
        text = "Basic " + engine::to_base64(text + ":" + *password);
    } else if (auth.kind == Auth::Kind::bearer) {
        name = "Authorization";
        text = "Bearer " + text;
    }
    if (const auto added = add_header(request, name, text); !added) return added.error();
    return true;
}

/// Writes a form: members of objects as `name[member]`, elements of lists by repeating the name.
void add_fields(Fields& fields, const std::string& name, const Json& value) {
    if (value.is_object()) {
        for (const auto& [member, inner] : value.items()) {
            auto inner_name = name;
            inner_name.append("[").append(member).append("]");
            add_fields(fields, inner_name, inner);
        }
    } else if (value.is_array()) {
        for (const auto& element : value) add_fields(fields, name, element);
    } else if (const auto text = as_text(value)) {
        fields.emplace_back(name, *text);
    }
}

std::string form_of(const Json& body) {
    Fields fields;
    for (const auto& [name, value] : body.items()) add_fields(fields, name, value);
    return write_form(fields);
}

/// Renders one action of one connection.
class Renderer {
public:
    Renderer(const Connection& connection, const Operation& operation, const Json& params, const Json& key)
        : connection_(connection), operation_(operation), key_(key) {
        scope_.with("params", params).with("settings", connection.settings).with("key", key);
    }

    Result<HttpRequest> render(engine::Instant attempt_time) {
        request_.method = operation_.request.method;
        if (const auto done = write_url(); !done) return done.error();
        if (const auto done = write_headers(); !done) return done.error();
        if (const auto done = prove(); !done) return done.error();
        if (const auto done = write_body(); !done) return done.error();
        if (const auto done = sign(attempt_time); !done) return done.error();
        return std::move(request_);
    }

private:
    Result<void> write_url() {
        const auto url = operation_.request.url->render_url(scope_);
        if (!url) return invalid("the address: " + missing_names(*operation_.request.url, scope_));
        request_.url = *url;
        for (const auto& [name, value] : operation_.request.query)
            if (const auto text = value.render_text(scope_)) add_query(request_, name, *text);
        const auto parsed = parse_url(request_.url);
        return parsed ? Result<void>() : Result<void>(parsed.error());
    }

    Result<void> write_headers() {
        request_.headers.emplace_back("User-Agent", "signalbox/" SIGNALBOX_VERSION);
        request_.headers.emplace_back("Accept", "application/json");
        for (const auto& header : operation_.request.headers) {
            const auto& name = header.first;
            const auto text = header.second.render_text(scope_);
            if (!text) continue;
            std::erase_if(request_.headers, [&](const auto& given) { return same_name(given.first, name); });
            if (auto added = add_header(request_, name, *text); !added) return added;
        }
        if (operation_.idempotency.empty()) return {};
        return add_header(request_, operation_.idempotency, key_.get<std::string>());
    }

    Result<void> prove() {
        const auto& ways = operation_.auth ? *operation_.auth : connection_.connector->auth;
        for (const auto& way : ways) {
            const auto applied = apply_auth(request_, way, scope_);
            if (!applied) return applied.error();
            if (*applied) return {};
        }
        if (ways.empty()) return {};
        return invalid("no credentials: " + missing_names(*ways.front().value, scope_));
    }

    Result<void> write_body() {
        using Body = RequestTemplate::Body;
        if (operation_.request.body_kind == Body::none) return {};
        const auto body = operation_.request.body->render(scope_);
        const char* type = "text/plain; charset=utf-8";
        if (operation_.request.body_kind == Body::json) {
            type = "application/json; charset=utf-8";
            request_.body =
                (body ? *body : Json::object()).dump(-1, ' ', false, Json::error_handler_t::replace);
        } else if (operation_.request.body_kind == Body::form) {
            type = "application/x-www-form-urlencoded";
            request_.body = body ? form_of(*body) : "";
        } else {
            request_.body = body ? as_text(*body).value_or("") : "";
        }
        const bool typed =
            std::any_of(request_.headers.begin(), request_.headers.end(),
                        [](const auto& header) { return same_name(header.first, "Content-Type"); });
        if (!typed) request_.headers.emplace_back("Content-Type", type);
        return {};
    }

    /// Standard Webhooks v1: the id is the delivery's key, the same over all attempts; the time is the
    /// attempt's.
    Result<void> sign(engine::Instant attempt_time) {
        const auto secret = engine::text_or(connection_.settings, operation_.sign, "");
        if (operation_.sign.empty() || secret.empty()) return {};
        constexpr std::string_view prefix = "whsec_";
        const auto key =
            engine::from_base64(secret.starts_with(prefix) ? secret.substr(prefix.size()) : secret);
        if (!key) return invalid("the setting " + operation_.sign + " is not whsec_ and base64");
        const auto id = key_.get<std::string>();
        const auto time = std::to_string(engine::microseconds_of(attempt_time) / 1'000'000);
        const auto bytes =
            engine::hmac(engine::Algorithm::sha256, *key, id + "." + time + "." + request_.body);
        request_.headers.emplace_back("webhook-timestamp", time);
        request_.headers.emplace_back("webhook-signature", "v1," + engine::to_base64(bytes));
        return add_header(request_, "webhook-id", id);
    }

    const Connection& connection_;
    const Operation& operation_;
    const Json& key_;
    Scope scope_;
    HttpRequest request_;
};

engine::Error about(const std::string& operation, const engine::Error& error) {
    return {error.code, operation + ": " + error.message};
}

Result<const Operation*> find_operation(const Connection& connection, const char* kind,
                                        const std::map<std::string, Operation>& operations,
                                        const std::string& name) {
    if (const auto found = operations.find(name); found != operations.end()) return &found->second;
    std::vector<std::string> known;
    for (const auto& [other, operation] : operations) known.push_back(other);
    return invalid("connector " + connection.connector->name + " has no " + kind + " " + in_quotes(name) +
                   hint(name, known));
}

Result<HttpRequest> render_operation(const Connection& connection, const Operation& operation,
                                     const std::string& name, const Json& given, const std::string& key,
                                     engine::Instant attempt_time) {
    const auto params = checked_params(operation, given);
    if (!params) return about(name, params.error());
    const Json key_value = key;
    auto request = Renderer(connection, operation, *params, key_value).render(attempt_time);
    if (!request) return about(name, request.error());
    return request;
}

}  // namespace

Result<const Operation*> find_action(const Connection& connection, const std::string& action) {
    return find_operation(connection, "action", connection.connector->actions, action);
}

Result<const Operation*> find_lookup(const Connection& connection, const std::string& lookup) {
    return find_operation(connection, "look-up", connection.connector->lookups, lookup);
}

Result<Json> checked_params(const Operation& operation, const Json& params) {
    if (!params.is_object()) return invalid("the parameters are no map");
    auto out = taken(operation, params);
    if (!out) return out;
    for (const auto& [name, value] : operation.defaults)
        if (!out->contains(name)) (*out)[name] = value;
    for (const auto& parameter : operation.signature.parameters) {
        const auto given = out->find(parameter.name);
        const bool there = given != out->end() && !given->is_null();
        if (parameter.required && !there) return invalid("parameter " + parameter.name + " is needed");
        if (!there) continue;
        if (const auto good = check_param(parameter, *given); !good) return good.error();
    }
    if (const auto met = check_groups(operation, *out); !met) return met.error();
    return out;
}

Result<HttpRequest> render(const Connection& connection, const engine::Delivery& delivery,
                           engine::Instant attempt_time) {
    const auto& action = delivery.action;
    const auto operation = find_action(connection, action.action);
    if (!operation) return operation.error();
    return render_operation(connection, **operation, action.connection + "." + action.action, action.params,
                            delivery.key.text(), attempt_time);
}

Result<void> check(const Connection& connection, const Lookup& lookup) {
    const auto operation = find_lookup(connection, lookup.name);
    if (!operation) return operation.error();
    const auto params = checked_params(**operation, lookup.params);
    return params ? Result<void>() : Result<void>(about(connection.name + "." + lookup.name, params.error()));
}

Result<void> check_names(const Connection& connection, const Lookup& lookup) {
    const auto operation = find_lookup(connection, lookup.name);
    if (!operation) return operation.error();
    const auto known = taken(**operation, lookup.params);
    return known ? Result<void>() : Result<void>(about(connection.name + "." + lookup.name, known.error()));
}

Result<HttpRequest> render(const Connection& connection, const Lookup& lookup, engine::Instant attempt_time) {
    const auto operation = find_lookup(connection, lookup.name);
    if (!operation) return operation.error();
    return render_operation(connection, **operation, connection.name + "." + lookup.name, lookup.params,
                            lookup.key, attempt_time);
}

}  // namespace connectors
