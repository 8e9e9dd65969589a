#include <algorithm>

#include "connectors/kit/address.h"
#include "connectors/kit/definition.h"
#include "connectors/kit/form.h"
#include "connectors/kit/signature.h"
#include "engine/base/hash.h"
#include "engine/base/text.h"

namespace connectors {

using engine::Event;
using engine::Result;

namespace {

constexpr std::size_t id_bytes_max = 200;
constexpr std::size_t type_bytes_max = 100;
constexpr std::size_t actor_bytes_max = 200;

std::string hex_digest(std::string_view bytes) {
    return engine::to_hex(engine::bytes_of(engine::sha256(bytes)));
}

Result<void> check_peer(const Connection& connection, const InboundMessage& message) {
    if (connection.allow_from.empty()) return {};
    const auto peer = parse_address(message.peer);
    const auto& allowed = connection.allow_from;
    const bool fits = peer && std::any_of(allowed.begin(), allowed.end(), [&](const std::string& text) {
                          const auto network = parse_network(text);
                          return network && contains(*network, *peer);
                      });
    if (!fits) return engine::denied("the address " + message.peer + " is not in allow_from");
    return {};
}

Result<Json> parse_fields(const std::string& text, const std::string& payload,
                          const engine::JsonLimits& limits, const engine::JsonMask* reads) {
    const auto fields = parse_form(text);
    if (!fields) return fields.error();
    if (const auto* inner = payload.empty() ? nullptr : find_field(*fields, payload))
        return engine::parse_json(*inner, limits, reads);
    Json object = Json::object();
    for (const auto& [name, value] : *fields) {
        if (!engine::is_utf8(name) || !engine::is_utf8(value))
            return engine::invalid("the form is not UTF-8");
        object[name] = value;
    }
    return object;
}

bool is_form(const Webhook& webhook, const InboundMessage& message) {
    if (webhook.body != Webhook::Body::by_content_type) return webhook.body == Webhook::Body::form;
    const auto* type = message.header("Content-Type");
    return type != nullptr && engine::fold_case(*type).starts_with("application/x-www-form-urlencoded");
}

/// `reads`: what of it is wanted; null = all.
Result<Json> parse_body(const Connection& connection, const InboundMessage& message,
                        const engine::JsonMask* reads) {
    const auto& webhook = *connection.connector->webhook;
    engine::JsonLimits limits;
    limits.bytes_max = connection.body_bytes_max;
    if (is_form(webhook, message)) return parse_fields(message.body, webhook.payload_field, limits, reads);
    auto body = engine::parse_json(message.body, limits, reads);
    if (!body && body.error().code != engine::Code::exhausted)
        return engine::invalid("body: " + body.error().message);
    return body;
}

bool is_event_type(std::string_view type) {
    if (type.empty() || type.size() > type_bytes_max) return false;
    return std::all_of(type.begin(), type.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
}

bool is_clean(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

/// What one item became: an event, or why there is none.
struct Normalised {
    std::optional<Event> event;
    std::string ignored;
};

/// Reads the items of one body.
class Reader {
public:
    /// `partly`: only what is wanted of the body is there.
    Reader(const Connection& connection, const InboundMessage& message, const Json& body, bool partly,
           Functions* functions)
        : connection_(connection),
          webhook_(*connection.connector->webhook),
          message_(message),
          body_(body),
          partly_(partly),
          functions_(functions),
          run_([this](const std::string& function, const Json& value) { return run(function, value); }) {
        if (auto query = parse_form(query_of(message.target))) query_ = std::move(*query);
        whole_.with("body", body_)
            .with("settings", connection.settings)
            .with("header", [this](std::string_view name) { return message_.header(name); })
            .with("query", [this](std::string_view name) { return find_field(query_, name); })
            .with_functions(&run_);
    }
    Reader(const Reader&) = delete;

    /// An item is told from others by all that is in it, so what was left out of the body counts: it has to
    /// be read again, and is not read to its end.
    bool lacks_items() const { return partly_ && digested_items_; }

    Result<Intake> read() {
        Intake intake;
        if (webhook_.challenge && webhook_.challenge->when.holds(whole_)) {
            intake.challenge = webhook_.challenge->answer->render_text(whole_);
            if (!intake.challenge) return engine::invalid("the challenge is missing");
            return intake;
        }
        const auto items = items_of();
        if (!items) return items.error();
        intake.batch = webhook_.lists && body_.is_array();
        several_ = intake.batch || webhook_.items;
        for (std::size_t index = 0; index < items->size() && !lacks_items(); ++index)
            take(intake, *(*items)[index], index);
        if (items->empty()) intake.ignored = "the body holds no items";
        if (!intake.batch && intake.events.empty() && !intake.refused.empty())
            return engine::invalid(intake.refused.front().reason);
        if (!intake.events.empty() || !intake.refused.empty()) intake.ignored.clear();
        return intake;
    }

private:
    Result<std::vector<const Json*>> items_of() const {
        const Json* items = &body_;
        if (webhook_.items) items = webhook_.items->view(whole_);
        if (items == nullptr) return engine::invalid("the body has no " + webhook_.items->text());
        std::vector<const Json*> all;
        if (!items->is_array() || !(webhook_.items || webhook_.lists)) {
            if (!items->is_object()) return engine::invalid("the body is no JSON object");
            all.push_back(items);
            return all;
        }
        if (items->size() > webhook_.items_max)
            return engine::exhausted("more than items_max = " + std::to_string(webhook_.items_max) +
                                     " items");
        for (const auto& item : *items) all.push_back(&item);
        return all;
    }

    void take(Intake& intake, const Json& item, std::size_t index) {
        failure_.reset();
        auto normalised = normalise(item, index);
        if (failure_) normalised = *failure_;
        if (!normalised) {
            intake.refused.push_back({index, normalised.error().message});
        } else if (normalised->event) {
            intake.events.push_back(std::move(*normalised->event));
            intake.items.push_back(index);
        } else if (intake.ignored.empty()) {
            intake.ignored = normalised->ignored;
        }
    }

    Result<Normalised> normalise(const Json& item, std::size_t index) {
        if (!item.is_object()) return engine::invalid("the item is no JSON object");
        auto scope = whole_;
        scope.with("item", item);
        const auto id = delivery_id(scope, item, index);
        if (lacks_items()) return Normalised();
        const Json delivery{{"id", id}};
        scope.with("delivery", delivery);
        for (const auto& ignore : webhook_.ignore)
            if (ignore.when.holds(scope)) return Normalised{std::nullopt, reason_of(ignore.reason, scope)};
        if (const auto met = check(webhook_.require, scope); !met) return met.error();
        for (const auto& event : webhook_.events)
            if (event.match.holds(scope)) return make(event, scope, id);
        if (webhook_.otherwise) return make(*webhook_.otherwise, scope, id);
        return Normalised{std::nullopt, reason_of(webhook_.otherwise_reason, scope)};
    }

    static std::string reason_of(const std::optional<Template>& reason, const Scope& scope) {
        const auto text = reason ? reason->render_text(scope) : std::nullopt;
        return std::string(engine::first_of(text.value_or("no event is made of it"), 200));
    }

    static Result<void> check(const std::vector<Requirement>& requirements, const Scope& scope) {
        const auto is_there = [&](const Expression& expression) {
            const auto value = expression.evaluate(scope);
            return value && !value->is_null() && *value != Json("");
        };
        for (const auto& requirement : requirements)
            if (std::none_of(requirement.any.begin(), requirement.any.end(), is_there))
                return engine::invalid(requirement.message);
        return {};
    }

    /// What fails makes the item fail, but not before it has been read: an expression is there or not.
    Value run(const std::string& function, const Json& value) {
        if (failure_) return std::nullopt;
        const auto script = functions_of(*connection_.connector).front().script;
        auto made = functions_ == nullptr ? engine::invalid("nobody runs " + script + " here")
                                          : functions_->call(script, function, value, message_.received);
        if (made) return std::move(*made);
        failure_ = made.error();
        return std::nullopt;
    }

    /// The vendor's id, else the digest of what came. Items that share one id are told apart by their place.
    std::string delivery_id(const Scope& scope, const Json& item, std::size_t index) {
        const auto value = webhook_.id ? webhook_.id->evaluate(scope) : std::nullopt;
        auto id = value ? as_text(*value).value_or("") : "";
        if (id.empty()) {
            digested_items_ = digested_items_ || several_;
            return several_ ? hex_digest(engine::canonical_json(item)) : hex_digest(message_.body);
        }
        if (several_ && webhook_.id->names_under("item").empty()) id += "#" + std::to_string(index);
        return id.size() > id_bytes_max || !is_clean(id) ? hex_digest(id) : id;
    }

    Result<engine::Subject> subject_of(const EventMap& map, const Scope& scope) const {
        const auto value = map.id->evaluate(scope);
        const auto id = value ? as_text(*value).value_or("") : "";
        if (id.empty()) return engine::invalid(map.id->text() + " is missing");
        return engine::Subject::parse(engine::Subject::of(map.kind, connection_.name, id).text());
    }

    Result<Normalised> make(const EventMap& map, const Scope& scope, const std::string& id) const {
        if (const auto met = check(map.require, scope); !met) return met.error();
        const auto type = map.type->render_text(scope);
        if (!type || !is_event_type(*type))
            return engine::invalid("the type of event is missing or not readable");
        const auto subject = subject_of(map, scope);
        if (!subject) return subject.error();
        Event event;
        event.id = engine::EventId(id);
        event.source = connection_.connector->name + "/" + connection_.name;
        event.type = *type;
        event.subject = *subject;
        event.received = message_.received;
        event.connection = connection_.name;
        event.full_merge = map.full_merge;
        event.urgent = is_urgent(event.type);
        read_time_and_actor(map, scope, event);
        if (const auto filled = fill(map, scope, event.data); !filled) return filled.error();
        return Normalised{std::move(event), ""};
    }

    bool is_urgent(const std::string& type) const {
        return std::any_of(connection_.urgent.begin(), connection_.urgent.end(),
                           [&](const std::string& glob) { return engine::glob_matches(glob, type); });
    }

    static void read_time_and_actor(const EventMap& map, const Scope& scope, Event& event) {
        if (const auto time = map.time ? map.time->evaluate(scope) : std::nullopt; time && time->is_string())
            if (const auto instant = engine::parse_instant(time->get_ref<const std::string&>()))
                event.time = *instant;
        const auto actor = map.actor ? map.actor->evaluate(scope) : std::nullopt;
        if (const auto text = actor ? as_text(*actor) : std::nullopt; text && text->size() <= actor_bytes_max)
            event.actor = *text;
    }

    Result<void> fill(const EventMap& map, const Scope& scope, Json& data) const {
        for (const auto& field : map.map) {
            auto value = field.value.evaluate(scope);
            if (!value) continue;
            if (!field.field.empty())
                engine::put(data, field.field, std::move(*value));
            else if (const auto taken = take_fields(*std::move(value), field.value.text(), data); !taken)
                return taken;
        }
        for (const auto& change : map.changes) {
            const auto field = change.field.render_text(scope);
            if (!field) continue;
            auto from = change.from.evaluate(scope).value_or(Json());
            auto to = change.to.evaluate(scope).value_or(Json());
            if (from != to) data["changes"][*field] = Json::array({std::move(from), std::move(to)});
        }
        return {};
    }

    /// An object of fields as maps have them: `{"ticket.subject": …}`.
    static Result<void> take_fields(Json fields, const std::string& said_by, Json& data) {
        if (fields.is_null() || (fields.is_array() && fields.empty())) return {};  // Lua's empty table
        if (!fields.is_object()) return engine::invalid(said_by + " gives no table of fields");
        for (auto& [name, value] : fields.items()) {
            auto path = name.size() <= field_bytes_max ? engine::path_of(name) : engine::Path();
            if (!is_field(path))
                return engine::invalid(said_by + ": \"" + std::string(engine::first_of(name, 80)) +
                                       "\" is no field such as ticket.subject");
            engine::put(data, path, std::move(value));
        }
        return {};
    }

    const Connection& connection_;
    const Webhook& webhook_;
    const InboundMessage& message_;
    const Json& body_;
    bool partly_;
    Functions* functions_;
    RunFunction run_;
    std::optional<engine::Error> failure_;  ///< of the item's first function that failed
    Fields query_;
    Scope whole_;
    bool several_ = false;
    bool digested_items_ = false;
};

Result<Intake> read(const Connection& connection, const InboundMessage& message, Functions* functions,
                    const engine::JsonMask* reads) {
    const auto body = parse_body(connection, message, reads);
    if (!body) return body.error();
    Reader reader(connection, message, *body, reads != nullptr, functions);
    auto intake = reader.read();
    if (reader.lacks_items()) return read(connection, message, functions, nullptr);
    return intake;
}

}  // namespace

const std::string* InboundMessage::header(std::string_view name) const {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [&](const auto& header) { return same_name(header.first, name); });
    return found == headers.end() ? nullptr : &found->second;
}

std::vector<FunctionUse> functions_of(const Connector& connector) {
    std::vector<FunctionUse> uses;
    if (!connector.webhook || connector.webhook->functions.empty()) return uses;
    const auto folder = "connectors/" + connector.name + "/";
    for (const auto& [function, place] : connector.webhook->functions)
        uses.push_back({folder + connector.name + ".lua", function, place});
    return uses;
}

Result<void> prove(const Connection& connection, const InboundMessage& message) {
    if (!connection.connector->webhook)
        return engine::invalid("connector " + connection.connector->name + " takes no webhooks");
    if (message.body.size() > connection.body_bytes_max)
        return engine::exhausted("the body is longer than body_bytes_max = " +
                                 std::to_string(connection.body_bytes_max));
    if (const auto allowed = check_peer(connection, message); !allowed) return allowed.error();
    return verify(connection, message);
}

Result<Intake> receive(const Connection& connection, const InboundMessage& message, Functions* functions) {
    if (const auto proved = prove(connection, message); !proved) return proved.error();
    return read(connection, message, functions, connection.connector->webhook->reads.get());
}

}  // namespace connectors
