#include "engine/pipeline/rehearsal.h"

#include <utility>

#include "engine/pipeline/replayer.h"
#include "engine/pipeline/schedules.h"
#include "engine/pipeline/tenant.h"

namespace engine {
namespace {

/// The subject's entity, others under their id.
Result<void> seed(Store& store, const Tenant& tenant, const Json& known, const Subject& subject,
                  Instant now) {
    Step step;
    step.tenant = tenant.name;
    step.time = now;
    for (const auto& [kind, fields] : known.items()) {
        if (!fields.is_object()) continue;
        Entity entity;
        entity.tenant = tenant.name;
        entity.subject = kind == subject.kind()
                             ? subject
                             : Subject::of(kind, subject.connection(), text_or(fields, "id", "known"));
        entity.version = 1;
        entity.fields = fields;
        step.entities.push_back(std::move(entity));
    }
    if (step.entities.empty()) return {};
    return store.commit(std::span(&step, 1));
}

/// An entity that no link leads to is readable all the same: it stands in the payload.
void show_known(const Json& known, const Tenant& tenant, Event& event) {
    for (const auto& [kind, fields] : known.items()) {
        if (kind == event.subject.kind() || event.data.contains(kind) || !fields.is_object()) continue;
        if (tenant.kinds_read.contains(kind) && !fields.contains("id") && !fields.contains("email"))
            event.data[kind] = fields;
    }
}

}  // namespace

Result<std::vector<Decision>> rehearse(const std::shared_ptr<const Tenant>& tenant, Rehearsal rehearsal,
                                       const ScratchStore& scratch) {
    auto store = scratch();
    if (!store) return store.error();
    std::vector<Decision> decisions;
    // That schedules begin is no news of the rehearsal.
    const auto note = [&](const Event& event, const Decision& decision) {
        if (!begins_schedule(event)) decisions.push_back(decision);
    };
    Replayer replayer(**store, tenant, note, std::move(rehearsal.answers));
    const auto start = rehearsal.at ? rehearsal.at : rehearsal.events.front().time;
    if (auto started = replayer.start(start); !started) return started.error();
    const auto& subject = rehearsal.events.front().subject;
    if (auto seeded = seed(**store, *tenant, rehearsal.known, subject, replayer.now()); !seeded)
        return seeded.error();
    for (auto& event : rehearsal.events) {
        show_known(rehearsal.known, *tenant, event);
        if (auto taken = replayer.take(std::move(event)); !taken) return taken.error();
    }
    if (auto finished = replayer.finish(replayer.now() + rehearsal.advance); !finished)
        return finished.error();
    return decisions;
}

}  // namespace engine
