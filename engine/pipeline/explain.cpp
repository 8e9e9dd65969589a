#include "engine/pipeline/explain.h"

#include "engine/pipeline/fold.h"
#include "engine/pipeline/recorded.h"
#include "engine/pipeline/retention.h"

namespace engine {
namespace {

Result<Json> body_of(Store& store, const TenantName& tenant, const std::string& stream, std::uint64_t seq) {
    auto record = store.record(tenant, stream, seq);
    if (!record) return record.error();
    if (!*record) return absent_row(store, tenant, stream, seq);
    if (!(*record)->body) return not_found("the body of row " + std::to_string(seq) + " was erased");
    return parse_json(*(*record)->body, stored_json_limits);
}

/// The event of that id and source, or the only one of that id.
Result<SeenEvent> named_event(Store& store, const TenantName& tenant, const EventId& id,
                              const std::string& source) {
    if (!source.empty()) {
        auto seen = store.seen({tenant, source, id});
        if (!seen) return seen.error();
        if (!*seen) return not_found("no event " + id.text() + " of " + source);
        return std::move(**seen);
    }
    auto found = events_of_id(store, tenant, id);
    if (!found) return found.error();
    if (found->empty()) return not_found("no event " + id.text());
    if (found->size() == 1) return std::move(found->front());
    std::string sources;
    for (const auto& seen : *found) sources += (sources.empty() ? "" : ", ") + seen.key.source;
    return Error{Code::conflict, "several events have the id " + id.text() + "; say the source: " + sources};
}

}  // namespace

Result<std::vector<SeenEvent>> events_of_id(Store& store, const TenantName& tenant, const EventId& id) {
    auto found = store.seen_by_id(tenant, id);
    if (!found) return found.error();
    for (auto& seen : *found) {
        seen.key.tenant = tenant;
        const auto envelope = body_of(store, tenant, seen.stream, seen.event_seq);
        if (!envelope && envelope.error().code != Code::not_found) return envelope.error();
        seen.key.source = envelope ? text_or(*envelope, "source", "") : "";
    }
    return found;
}

Result<Json> decision_of(Store& store, const TenantName& tenant, const EventId& id,
                         const std::string& source) {
    const auto seen = named_event(store, tenant, id, source);
    if (!seen) return seen.error();
    if (seen->decision_seq != 0) return body_of(store, tenant, seen->stream, seen->decision_seq);
    auto event = body_of(store, tenant, seen->stream, seen->event_seq);
    if (!event) return event.error();
    return Json{{"event",
                 {{"id", text_or(*event, "id", "")},
                  {"type", text_or(*event, "type", "")},
                  {"subject", text_or(*event, "subject", "")}}},
                {"pending", true}};
}

Result<Json> explain(Store& store, const TenantName& tenant, const EventId& id, const std::string& source,
                     std::shared_ptr<rules::ScriptHost> scripts) {
    const auto seen = named_event(store, tenant, id, source);
    if (!seen) return seen.error();
    auto envelope = body_of(store, tenant, seen->stream, seen->event_seq);
    if (!envelope) return envelope.error();
    if (seen->decision_seq == 0) return Json{{"event", *envelope}, {"pending", true}};
    auto decision = body_of(store, tenant, seen->stream, seen->decision_seq);
    if (!decision) return decision.error();
    auto event = event_from_envelope(tenant, *envelope, true);
    if (!event) return event.error();

    const auto tenant_at = tenants_of(store, tenant, std::move(scripts));
    auto read = decision_from_json(*decision);
    if (!read) return read.error();
    const auto before = entity_before(store, tenant, event->subject, seen->decision_seq, tenant_at);
    if (!before) return before.error();
    const auto linked_at = [&](const Subject& subject, std::uint64_t version) {
        return entity_at(store, tenant, subject, version, tenant_at);
    };
    auto again = decide_again(std::make_shared<const Event>(*std::move(event)), *read, *before, tenant_at,
                              linked_at, true);
    if (!again) return again.error();
    auto trace = std::move(again->trace);
    again->trace = nullptr;
    const bool same = canonical_text(*again) == canonical_json(*decision);
    return Json{
        {"event", *envelope}, {"decision", *decision}, {"trace", std::move(trace)}, {"reproduced", same}};
}

}  // namespace engine
