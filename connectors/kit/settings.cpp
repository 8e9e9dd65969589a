#include "connectors/kit/settings.h"

#include <algorithm>
#include <set>

#include "connectors/kit/definition.h"
#include "connectors/kit/url.h"
#include "engine/base/text.h"

namespace connectors {

using engine::Diagnostics;
using engine::in_quotes;
using engine::YamlNode;

namespace {

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
        if (connection_.sandbox) return;
        check_groups(reader.place());
        // What is missing is said once; rules that need it are not to blame.
        if (lacks_setting_) return;
        find_unusable();
        check_use(reader.place());
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
            report_missing(place,
                           "needs the setting " + in_quotes(setting.name) + " (" + setting.description + ")");
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
        if (node.items.empty())
            diagnostics_.error("bad-value", node.place, in_quotes(setting.name) + " is an empty list");
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

    /// What other programs take for a reference would be the secret itself here.
    bool is_mistaken_reference(const Setting& setting, const YamlNode& node) {
        if (!setting.secret) return false;
        const bool other = (node.text.starts_with('$') && !node.text.starts_with("${")) ||
                           node.text.find("{{") != std::string::npos;
        if (other)
            diagnostics_.error(
                "bad-secret", node.place,
                in_quotes(setting.name) +
                    " looks like a reference, but would be taken as it stands: write ${env:NAME} "
                    "or ${file:/path}");
        if (node.text.empty())
            diagnostics_.error("bad-value", node.place, in_quotes(setting.name) + " is empty");
        return other || node.text.empty();
    }

    /// Replaces `${env:NAME}` and `${file:/path}`; nothing when one of them is not there.
    std::optional<std::string> resolve(const Setting& setting, const YamlNode& node) {
        if (is_mistaken_reference(setting, node)) return std::nullopt;
        std::string out;
        std::string_view rest = node.text;
        while (true) {
            const auto open = rest.find("${");
            out += rest.substr(0, open);
            if (open == std::string_view::npos) return out;
            const auto close = rest.find('}', open);
            if (close == std::string_view::npos) {
                diagnostics_.error("bad-secret", node.place,
                                   in_quotes(setting.name) + " has a ${ that no } closes");
                return std::nullopt;
            }
            const auto reference = rest.substr(open + 2, close - open - 2);
            auto secret = look_up(setting, reference, node.place);
            if (!secret) return std::nullopt;
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
        if (!secret && secrets_required_) report_absent(setting, kind, name, place);
        return secret;
    }

    /// A sandbox sends nothing, but what comes in it verifies as any other.
    void report_absent(const Setting& setting, const std::string& kind, const std::string& name,
                       const engine::Place& place) {
        const auto message = "connection " + in_quotes(connection_.name) + ", setting " +
                             in_quotes(setting.name) + ": " +
                             (kind == "env" ? "the environment variable " : "the file ") + name +
                             (kind == "env" ? " is not set" : " cannot be read");
        if (!connection_.sandbox)
            diagnostics_.error("missing-secret", place, message);
        else if (proves_webhooks(setting))
            diagnostics_.warning("missing-secret", place, message + ", so its webhooks will be refused");
    }

    bool proves_webhooks(const Setting& setting) const {
        const auto& webhook = connection_.connector->webhook;
        return webhook && !connection_.unverified &&
               std::any_of(webhook->verify.begin(), webhook->verify.end(),
                           [&](const Verification& way) { return way.secret == setting.name; });
    }

    void check_groups(const engine::Place& place) {
        for (const auto& group : connection_.connector->one_of) {
            const bool any = std::any_of(group.begin(), group.end(),
                                         [&](const std::string& name) { return given_.contains(name); });
            if (!any)
                report_missing(
                    place, "needs one of the settings " + engine::join(group, ", ") + " (or sandbox: true)");
        }
    }

    void report_missing(const engine::Place& place, const std::string& what) {
        lacks_setting_ = true;
        diagnostics_.error("missing-setting", place,
                           "connection " + in_quotes(connection_.name) + " " + what);
    }

    void find_unusable() {
        for (const auto& [name, action] : connection_.connector->actions)
            if (auto missing = missing_for(action); !missing.empty())
                connection_.unusable.emplace(name, std::move(missing));
    }

    /// The settings without which the action cannot be sent; of several ways to prove who we are any will do.
    std::set<std::string> missing_for(const Operation& action) const {
        if (action.request.url)
            if (auto missing = missing_of(action.request.url->names_under("settings")); !missing.empty())
                return missing;
        const auto& ways = action.auth ? *action.auth : connection_.connector->auth;
        std::set<std::string> missing;
        for (const auto& way : ways) {
            auto names = way.value ? missing_of(way.value->names_under("settings")) : std::set<std::string>();
            if (way.password) names.merge(missing_of(way.password->names_under("settings")));
            if (names.empty()) return {};
            missing.merge(names);
        }
        return missing;
    }

    std::set<std::string> missing_of(const std::vector<std::string>& names) const {
        std::set<std::string> missing;
        for (const auto& name : names)
            if (!given_.contains(name)) missing.insert(name);
        return missing;
    }

    /// A connection that can neither prove what comes in nor send anything would only answer 401.
    void check_use(const engine::Place& place) {
        const auto& connector = *connection_.connector;
        const bool sends = connection_.unusable.size() < connector.actions.size();
        std::set<std::string> settings;
        for (const auto& [name, missing] : connection_.unusable)
            settings.insert(missing.begin(), missing.end());
        bool receives = connector.webhook && connection_.unverified;
        if (connector.webhook) {
            for (const auto& way : connector.webhook->verify) {
                receives = receives || given_.contains(way.secret);
                settings.insert(way.secret);
            }
        }
        if (!sends && !receives && !settings.empty())
            report_missing(place, "can neither receive nor send: it needs one of the settings " +
                                      engine::join({settings.begin(), settings.end()}, ", ") +
                                      " (or sandbox: true)");
    }

    Connection& connection_;
    const SecretSource& secrets_;
    const bool secrets_required_;
    Diagnostics& diagnostics_;
    std::set<std::string> given_;  ///< also those whose secret is not known here
    bool lacks_setting_ = false;
};

}  // namespace

void read_settings(Connection& connection, const MapReader& reader, const SecretSource& secrets,
                   bool secrets_required, Diagnostics& diagnostics) {
    SettingsReader(connection, secrets, secrets_required, diagnostics).read(reader);
}

}  // namespace connectors
