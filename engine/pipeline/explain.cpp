#include "engine/pipeline/explain.h"

#include "engine/pipeline/decide_event.h"
#include "engine/pipeline/fold.h"
#include "engine/pipeline/retention.h"
#include "engine/pipeline/work.h"

namespace engine {
namespace {

const JsonLimits stored_body{16u << 20, 256};

Result<Json> body_of(Store& store, const TenantName& tenant, const std::string& stream, std::uint64_t seq) {
    auto record = store.record(tenant, stream, seq);
    if (!record) return record.error();
    if (!*record) return absent_row(store, tenant, stream, seq);
    if (!(*record)->body) return not_found("the body of row " + std::to_string(seq) + " was erased");
    return parse_json(*(*record)->body, stored_body);
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

/// The world as the decision saw it: the entity before its event, linked ones at the versions it recorded.
class Past final : public Snapshot {
public:
    Past(Store& store, const Json& decision, const SeenEvent& seen, const Subject& subject,
         const TenantAt& tenant_at)
        : store_(store), decision_(decision), seen_(seen), subject_(subject), tenant_at_(tenant_at) {}

    Result<Entity> entity(const TenantName& tenant, const Subject& subject) override {
        if (subject == subject_)
            return entity_before(store_, tenant, subject, seen_.decision_seq, tenant_at_);
        const auto version = linked_version(subject.text());
        if (version > 0) return entity_at(store_, tenant, subject, version, tenant_at_);
        Entity unknown;
        unknown.tenant = tenant;
        unknown.subject = subject;
        return unknown;
    }

    /// Only one entity of the kind was linked: it is the one the address led to.
    Result<std::optional<Entity>> by_email(const TenantName& tenant, std::string_view kind,
                                           std::string_view) override {
        const auto* linked = find(decision_, "linked");
        if (linked == nullptr) return std::optional<Entity>();
        for (const auto& link : *linked) {
            const auto subject = Subject::parse(text_or(link, "subject", ""));
            if (!subject || subject->kind() != kind) continue;
            auto found = entity(tenant, *subject);
            if (!found) return found.error();
            return std::optional<Entity>(std::move(*found));
        }
        return std::optional<Entity>();
    }

private:
    std::uint64_t linked_version(const std::string& subject) const {
        const auto* linked = find(decision_, "linked");
        if (linked == nullptr) return 0;
        for (const auto& link : *linked)
            if (text_or(link, "subject", "") == subject) return link["version"].get<std::uint64_t>();
        return 0;
    }

    Store& store_;
    const Json& decision_;
    const SeenEvent& seen_;
    const Subject& subject_;
    const TenantAt& tenant_at_;
};

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

Result<Json> explain(Store& store, const TenantName& tenant, const EventId& id, const std::string& source) {
    const auto seen = named_event(store, tenant, id, source);
    if (!seen) return seen.error();
    auto envelope = body_of(store, tenant, seen->stream, seen->event_seq);
    if (!envelope) return envelope.error();
    if (seen->decision_seq == 0) return Json{{"event", *envelope}, {"pending", true}};
    auto decision = body_of(store, tenant, seen->stream, seen->decision_seq);
    if (!decision) return decision.error();
    auto event = event_from_envelope(tenant, *envelope, true);
    if (!event) return event.error();

    const auto tenant_at = tenants_of(store, tenant);
    auto then = tenant_at(text_or(*decision, "ruleset", ""));
    if (!then) return then.error();
    const auto now = parse_instant(text_or(*decision, "now", ""));
    if (!now) return Error{Code::corrupt, "the decision of " + id.text() + " has no clock"};
    Past past(store, *decision, *seen, event->subject, tenant_at);
    auto work = work_of(std::make_shared<const Event>(*event));
    if (work.resume && work.resume->continuation.ruleset != (*then)->rule_set->version)
        if (auto older = tenant_at(work.resume->continuation.ruleset)) work.began_under = std::move(*older);
    auto again = decide_event(**then, work, past, {*now, true});
    if (!again) return again.error();
    auto trace = std::move(again->decision.trace);
    again->decision.trace = nullptr;
    const bool same = canonical_json(to_json(again->decision, true)) == canonical_json(*decision);
    return Json{
        {"event", *envelope}, {"decision", *decision}, {"trace", std::move(trace)}, {"reproduced", same}};
}

}  // namespace engine
