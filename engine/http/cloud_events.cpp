#include "engine/http/cloud_events.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "engine/http/query.h"

namespace engine::http {
namespace {

constexpr std::string_view header_prefix = "ce-";

/// The media type without parameters, in lower case.
std::string media_type(std::string_view content_type) {
    return fold_case(trim(content_type.substr(0, content_type.find(';'))));
}

/// JSON is UTF-8 whatever is said, but whoever says otherwise would be misread.
bool is_utf8_charset(std::string_view content_type) {
    const auto folded = fold_case(content_type);
    const auto at = folded.find("charset=");
    if (at == std::string::npos) return true;
    const auto value = std::string_view(folded).substr(at + 8);
    return value.starts_with("utf-8") || value.starts_with("\"utf-8\"") || value.starts_with("us-ascii");
}

bool is_json_type(std::string_view type) {
    return type.empty() || type == "application/json" || type == "text/json" || type.ends_with("+json");
}

bool is_binary(const RequestHead& head) {
    return head.header("ce-specversion") || head.header("ce-id") || head.header("ce-type");
}

bool is_attribute_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    });
}

/// Undoes double quotes with backslash escapes, then one round of percent escapes.
Result<std::string> attribute_value(std::string_view raw) {
    if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return percent_decode(raw);
    std::string plain;
    for (std::size_t i = 1; i + 1 < raw.size(); ++i) {
        if (raw[i] == '\\' && i + 2 < raw.size()) ++i;
        plain += raw[i];
    }
    return percent_decode(plain);
}

Result<void> read_attribute(Json& envelope, std::string_view header, std::string_view raw) {
    const auto name = fold_case(header.substr(header_prefix.size()));
    if (!is_attribute_name(name))
        return invalid("the header \"" + std::string(header) + "\" names no CloudEvents attribute");
    if (name == "datacontenttype") return invalid("ce-datacontenttype is said by Content-Type");
    if (name == "data" || name == "database64") return invalid("the data is the body, not a header");
    if (envelope.contains(name))
        return invalid("the header \"" + std::string(header) + "\" is given more than once");
    auto value = attribute_value(raw);
    if (!value) return invalid("the header \"" + std::string(header) + "\": " + value.error().message);
    envelope[name] = std::move(*value);
    return {};
}

Result<Json> binary_envelope(const Request& request) {
    Json envelope = Json::object();
    for (const auto& [name, value] : request.head.headers) {
        if (name.size() <= header_prefix.size() ||
            !equal_ignoring_case(name.substr(0, header_prefix.size()), header_prefix))
            continue;
        if (auto read = read_attribute(envelope, name, value); !read) return read.error();
    }
    if (request.body.empty()) return envelope;
    auto data = parse_json(request.body);
    if (!data) return data.error();
    envelope["data"] = std::move(*data);
    return envelope;
}

/// `data_base64` holding JSON becomes `data`; this engine has no use for other bytes.
Result<void> unpack_data(Json& envelope) {
    const auto packed = envelope.find("data_base64");
    if (packed == envelope.end() || packed->is_null()) return {};
    if (envelope.contains("data")) return invalid("\"data\" and \"data_base64\" exclude each other");
    if (!packed->is_string()) return invalid("\"data_base64\" is no text");
    if (!is_json_type(media_type(text_or(envelope, "datacontenttype", ""))))
        return invalid("the data is no JSON: \"datacontenttype\" says so");
    const auto bytes = from_base64(packed->get_ref<const std::string&>());
    if (!bytes) return invalid("\"data_base64\": " + bytes.error().message);
    auto data = parse_json(*bytes);
    if (!data) return invalid("\"data_base64\" holds no JSON: " + data.error().message);
    envelope["data"] = std::move(*data);
    envelope.erase("data_base64");
    return {};
}

/// Attributes are scalars; what is nested belongs into data.
Result<void> check_attributes(const Json& envelope) {
    for (const auto& [name, value] : envelope.items()) {
        if (name == "data") continue;
        if (value.is_structured()) return invalid("the attribute \"" + name + "\" is no single value");
    }
    return {};
}

Result<Event> read_event(Json& envelope, const TenantName& tenant, Instant received) {
    if (!envelope.is_object()) return invalid("the envelope is not a JSON object");
    if (auto unpacked = unpack_data(envelope); !unpacked) return unpacked.error();
    if (auto checked = check_attributes(envelope); !checked) return checked.error();
    auto event = event_from_envelope(tenant, envelope);
    if (!event) return event.error();
    event->received = received;
    return event;
}

EventItem item_of(Json& envelope, const TenantName& tenant, Instant received) {
    auto id = text_or(envelope, "id", "");
    return {read_event(envelope, tenant, received), std::move(id)};
}

}  // namespace

std::optional<EventMode> event_mode(const RequestHead& head) {
    const auto content_type = head.header("content-type").value_or("");
    const auto type = media_type(content_type);
    if (!is_utf8_charset(content_type)) return {};
    if (type == "application/cloudevents-batch+json") return EventMode::batch;
    if (type == "application/cloudevents+json") return EventMode::structured;
    if (type.starts_with("application/cloudevents")) return {};
    if (is_binary(head) && is_json_type(type)) return EventMode::binary;
    return {};
}

Result<std::vector<EventItem>> read_events(EventMode mode, const Request& request, const TenantName& tenant,
                                           Instant received, std::size_t items_max) {
    auto body = mode == EventMode::binary ? binary_envelope(request) : parse_json(request.body);
    if (!body) return body.error();
    std::vector<EventItem> items;
    if (mode != EventMode::batch) {
        items.push_back(item_of(*body, tenant, received));
        return items;
    }
    if (!body->is_array()) return invalid("a batch is a JSON array of events");
    if (body->size() > items_max)
        return exhausted("a batch has at most " + std::to_string(items_max) + " events");
    items.reserve(body->size());
    for (auto& envelope : *body) items.push_back(item_of(envelope, tenant, received));
    return items;
}

}  // namespace engine::http
