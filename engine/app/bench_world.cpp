#include "engine/app/bench_world.h"

#include <utility>

#include "engine/app/bench_turns.h"
#include "engine/pipeline/tenant.h"

namespace engine::app {

Result<std::shared_ptr<const Tenant>> made_up_tenant(const rules::Files& files) {
    Diagnostics diagnostics;
    auto tenant = load_tenant(bench_tenant_name, files, {}, diagnostics);
    if (tenant) return tenant;
    return Error{Code::corrupt, "made-up rules: " + to_text(diagnostics.sorted().front())};
}

void BenchWorld::put(Entity entity) {
    watched_.changed(entity);
    const auto subject = entity.subject.text();
    entities_[subject] = std::move(entity);
}

void BenchWorld::forget(const std::string& subject) {
    Entity nobody;
    nobody.tenant = bench_tenant_name;
    nobody.subject = *Subject::parse(subject);
    watched_.changed(nobody);
    entities_.erase(subject);
}

const Entity* BenchWorld::find(const std::string& subject) const {
    const auto found = entities_.find(subject);
    return found == entities_.end() ? nullptr : &found->second;
}

Result<Entity> BenchWorld::entity(const TenantName& tenant, const Subject& subject) {
    const auto* known = find(subject.text());
    if (known != nullptr) return *known;
    Entity entity;
    entity.tenant = tenant;
    entity.subject = subject;
    return entity;
}

Event BenchWorld::event(const std::string& type, const std::string& subject, Json data) {
    Event event;
    event.tenant = bench_tenant_name;
    event.id = EventId("e" + std::to_string(++events_));
    event.source = "/bench";
    event.type = type;
    event.subject = *Subject::parse(subject);
    event.received = now_;
    event.data = Json{{std::string(event.subject.kind()), std::move(data)}};
    return event;
}

Decided BenchWorld::decide(Event event) {
    Work work;
    work.event = std::make_shared<Event>(std::move(event));
    Decided decided;
    seconds_ += seconds_of([&] {
        decided = *decide_event(*tenant_, work, *this, {.now = now_});
        watched_.changed(decided.after);
        watched_.decided(decided.decision);
    });
    entities_[decided.after.subject.text()] = decided.after;
    return decided;
}

}  // namespace engine::app
