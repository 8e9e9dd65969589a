#include "engine/pipeline/envelope.h"

#include <algorithm>

namespace engine {
namespace {

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
}

/// Members in the order of their names; the first one begins the object.
class Writer {
public:
    void text(std::string_view name, std::string_view value) {
        if (is_plain(value))
            begin(name).append(1, '"').append(value).append(1, '"');
        else
            begin(name) += canonical_json(Json(value));
    }
    void text_if_any(std::string_view name, std::string_view value) {
        if (!value.empty()) text(name, value);
    }
    void value(std::string_view name, std::string_view canonical) { begin(name) += canonical; }
    std::string end() { return std::move(out_ += '}'); }

private:
    std::string& begin(std::string_view name) {
        out_ += out_.empty() ? "{\"" : ",\"";
        return out_.append(name).append("\":");
    }
    std::string out_;
};

}  // namespace

std::string canonical_envelope(const Event& event, std::string_view canonical_data) {
    // Extensions may stand anywhere among the names.
    if (!event.extensions.empty()) return canonical_json(envelope_of(event));
    Writer out;
    out.text_if_any("actor", event.actor);
    out.text_if_any("cause", event.cause.text());
    out.text_if_any("connection", event.connection);
    if (!event.data.empty()) out.value("data", canonical_data);
    if (event.full_merge) out.value("fullmerge", "true");
    if (event.hops > 0) out.value("hops", std::to_string(event.hops));
    out.text("id", event.id.text());
    out.text("received", to_text(event.received));
    out.text("source", event.source);
    out.text("specversion", "1.0");
    out.text("subject", event.subject.text());
    if (event.time) out.text("time", to_text(*event.time));
    out.text("type", event.type);
    if (event.urgent) out.value("urgent", "true");
    return out.end();
}

}  // namespace engine
