#include "engine/pipeline/envelope.h"

namespace engine {

std::string canonical_envelope(const Event& event, std::string_view canonical_data) {
    // Extensions may stand anywhere among the names.
    if (!event.extensions.empty()) return canonical_json(envelope_of(event));
    CanonicalWriter out;
    out.begin_object();
    if (!event.actor.empty()) out.text("actor", event.actor);
    if (event.breadth > 1) out.integer("breadth", static_cast<std::uint64_t>(event.breadth));
    if (!event.cause.empty()) out.text("cause", event.cause.text());
    if (!event.connection.empty()) out.text("connection", event.connection);
    if (!event.data.empty()) out.written("data", canonical_data);
    if (event.full_merge) out.boolean("fullmerge", true);
    if (event.hops > 0) out.integer("hops", static_cast<std::uint64_t>(event.hops));
    out.text("id", event.id.text());
    out.text("received", to_text(event.received));
    out.text("source", event.source);
    out.text("specversion", "1.0");
    out.text("subject", event.subject.text());
    if (event.time) out.text("time", to_text(*event.time));
    out.text("type", event.type);
    if (event.urgent) out.boolean("urgent", true);
    out.end_object();
    return out.take();
}

}  // namespace engine
