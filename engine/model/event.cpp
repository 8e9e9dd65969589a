#include "engine/model/event.h"

#include <algorithm>
#include <array>

namespace engine {
namespace {

constexpr std::size_t attribute_bytes_max = 1024;

/// What an envelope may hold besides extensions.
constexpr std::array<std::string_view, 9> standard{
    "specversion", "id", "source", "type", "subject", "time", "data", "datacontenttype", "dataschema"};
/// What this program adds to its own envelopes.
constexpr std::array<std::string_view, 8> added{"connection", "actor",  "hops",      "breadth",
                                                "cause",      "urgent", "fullmerge", "received"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// What is our own may be longer than what comes in: we add to ids and sources.
Result<std::string> required(const Json& envelope, const char* name, bool own) {
    const auto found = envelope.find(name);
    if (found == envelope.end() || !found->is_string() || found->get_ref<const std::string&>().empty())
        return invalid(std::string("the envelope needs a text attribute \"") + name + "\"");
    if (!own && found->get_ref<const std::string&>().size() > attribute_bytes_max)
        return invalid(std::string("the attribute \"") + name + "\" is longer than " +
                       std::to_string(attribute_bytes_max) + " bytes");
    return found->get<std::string>();
}

Result<void> read_time(Event& event, const Json& envelope) {
    const auto found = envelope.find("time");
    if (found == envelope.end() || found->is_null()) return {};
    if (!found->is_string()) return invalid("the attribute \"time\" is not an RFC 3339 time");
    const auto time = parse_instant(found->get_ref<const std::string&>());
    if (!time) return invalid("the attribute \"time\": " + time.error().message);
    event.time = *time;
    return {};
}

Result<void> read_data(Event& event, const Json& envelope) {
    const auto found = envelope.find("data");
    if (found == envelope.end() || found->is_null()) return {};
    if (!found->is_object()) return invalid("the attribute \"data\" is not a JSON object");
    event.data = *found;
    return {};
}

Result<void> read_own(Event& event, const Json& envelope) {
    event.connection = text_or(envelope, "connection", "");
    event.actor = text_or(envelope, "actor", "");
    event.cause = EventId(text_or(envelope, "cause", ""));
    const auto number = envelope.find("hops");
    if (number != envelope.end() && number->is_number_integer()) event.hops = number->get<int>();
    const auto breadth = envelope.find("breadth");
    if (breadth != envelope.end() && breadth->is_number_integer()) event.breadth = breadth->get<int>();
    event.urgent = envelope.contains("urgent");
    event.full_merge = envelope.contains("fullmerge");
    const auto received = parse_instant(text_or(envelope, "received", ""));
    if (!received) return Error{Code::corrupt, "own envelope without the time it was received"};
    event.received = *received;
    return {};
}

void read_extensions(Event& event, const Json& envelope, bool own) {
    for (const auto& [name, value] : envelope.items()) {
        if (holds(standard, name) || (own && holds(added, name))) continue;
        event.extensions[name] = value;
    }
}

}  // namespace

Result<Event> event_from_envelope(const TenantName& tenant, const Json& envelope, bool own) {
    if (!envelope.is_object()) return invalid("the envelope is not a JSON object");
    const auto version = required(envelope, "specversion", own);
    if (!version) return version.error();
    if (*version != "1.0") return invalid("specversion \"" + *version + "\" is not 1.0");
    const auto id = required(envelope, "id", own);
    if (!id) return id.error();
    const auto source = required(envelope, "source", own);
    if (!source) return source.error();
    if (!own && source->starts_with("signalbox:"))
        return invalid("a source that starts with \"signalbox:\" is this program's own");
    const auto type = required(envelope, "type", own);
    if (!type) return type.error();
    const auto subject_text = required(envelope, "subject", own);
    if (!subject_text) return subject_text.error();
    const auto subject = Subject::parse(*subject_text);
    if (!subject) return subject.error();

    Event event;
    event.tenant = tenant;
    event.id = EventId(*id);
    event.source = *source;
    event.type = *type;
    event.subject = *subject;
    if (const auto read = read_time(event, envelope); !read) return read.error();
    if (const auto read = read_data(event, envelope); !read) return read.error();
    if (own)
        if (const auto read = read_own(event, envelope); !read) return read.error();
    read_extensions(event, envelope, own);
    return event;
}

Json envelope_of(const Event& event) {
    // Extensions first: what an outsider names like one of our own attributes must not stand for it.
    Json envelope = event.extensions.is_object() ? event.extensions : Json::object();
    for (const auto name : added) envelope.erase(std::string(name));
    envelope["specversion"] = "1.0";
    envelope["id"] = event.id.text();
    envelope["source"] = event.source;
    envelope["type"] = event.type;
    envelope["subject"] = event.subject.text();
    envelope["received"] = to_text(event.received);
    if (event.time) envelope["time"] = to_text(*event.time);
    if (!event.data.empty()) envelope["data"] = event.data;
    if (!event.connection.empty()) envelope["connection"] = event.connection;
    if (!event.actor.empty()) envelope["actor"] = event.actor;
    if (!event.cause.empty()) envelope["cause"] = event.cause.text();
    if (event.hops > 0) envelope["hops"] = event.hops;
    if (event.breadth > 1) envelope["breadth"] = event.breadth;
    if (event.urgent) envelope["urgent"] = true;
    if (event.full_merge) envelope["fullmerge"] = true;
    return envelope;
}

}  // namespace engine
