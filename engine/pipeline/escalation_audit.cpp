#include "engine/pipeline/escalation_audit.h"

#include <algorithm>
#include <utility>

#include "engine/pipeline/pages.h"

namespace engine {
namespace {

std::string fault_of(const std::string& id, const rules::EscalationRun& run, const std::vector<Timer>& timers,
                     Instant now) {
    using State = rules::EscalationRun::State;
    if (!run.due)
        return run.state == State::running ? "it is under way, and nothing says when it goes on" : "";
    const auto name = rules::escalation_timer_name(id);
    const auto timer =
        std::find_if(timers.begin(), timers.end(), [&](const Timer& one) { return one.name == name; });
    if (timer == timers.end()) return "it goes on at " + to_text(*run.due) + ", and no timer is set for that";
    if (timer->due != *run.due)
        return "it goes on at " + to_text(*run.due) + ", and its timer is set for " + to_text(timer->due);
    if (*run.due + escalation_grace < now) return "it should have gone on at " + to_text(*run.due);
    return "";
}

Result<void> add_page(Store& store, const std::vector<Entity>& page, Instant now,
                      std::vector<EscalationStand>& stands) {
    for (const auto& entity : page) {
        const auto runs = rules::escalation_runs_from(entity.routing.value("escalations", Json()));
        if (runs.empty()) continue;
        const auto timers = store.timers_of(entity.tenant, entity.subject);
        if (!timers) return timers.error();
        for (const auto& [id, run] : runs)
            stands.push_back({entity.subject, id, run, fault_of(id, run, *timers, now)});
    }
    return {};
}

}  // namespace

Result<std::vector<EscalationStand>> escalations_of(Store& store, const TenantName& tenant, Instant now) {
    if (auto begun = store.begin_reading(); !begun) return begun.error();
    std::vector<EscalationStand> stands;
    std::string after;
    Result<void> done;
    while (true) {
        const auto page = store.watched(tenant, now, after, page_rows);
        done = page ? add_page(store, *page, now, stands) : Result<void>(page.error());
        if (!done || page->size() < page_rows) break;
        after = page->back().subject.text();
    }
    store.end_reading();
    if (!done) return done.error();
    return stands;
}

}  // namespace engine
