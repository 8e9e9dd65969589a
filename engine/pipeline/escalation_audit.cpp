#include "engine/pipeline/escalation_audit.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/text.h"
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

/// Goes through entities in order and keeps what is asked for.
class EscalationSearch {
public:
    EscalationSearch(Store& store, const TenantName& tenant, Instant now, const EscalationQuery& query)
        : store_(store), tenant_(tenant), now_(now), query_(query) {}

    Result<std::vector<EscalationStand>> run() {
        const auto done = query_.subject ? look_at(*query_.subject) : look_at_all();
        if (!done) return done.error();
        return std::move(found_);
    }

private:
    Result<void> look_at(const Subject& subject) {
        const auto entity = store_.entity(tenant_, subject);
        if (!entity) return entity.error();
        return *entity ? add(**entity) : Result<void>();
    }

    Result<void> look_at_all() {
        std::string after;
        if (query_.after_subject) {
            after = query_.after_subject->text();
            // The page before may have ended in the middle of an entity.
            if (auto rest = look_at(*query_.after_subject); !rest) return rest;
        }
        while (!is_full()) {
            const auto page = store_.watched(tenant_, now_, after, page_rows);
            if (!page) return page.error();
            for (const auto& entity : *page)
                if (auto added = add(entity); !added) return added;
            if (page->size() < page_rows) break;
            after = page->back().subject.text();
        }
        return {};
    }

    Result<void> add(const Entity& entity) {
        if (!query_.kind.empty() && entity.subject.kind() != query_.kind) return {};
        const auto runs = rules::escalation_runs_from(entity.routing.value("escalations", Json()));
        std::optional<std::vector<Timer>> timers;
        for (const auto& [id, run] : runs) {
            if (is_full() || !is_asked_for(entity.subject, id, run)) continue;
            if (!timers) {
                auto read = store_.timers_of(tenant_, entity.subject);
                if (!read) return read.error();
                timers = *std::move(read);
            }
            auto fault = fault_of(id, run, *timers, now_);
            if (query_.only_faults && fault.empty()) continue;
            found_.push_back({entity.subject, id, run, std::move(fault)});
        }
        return {};
    }

    bool is_asked_for(const Subject& subject, const std::string& id, const rules::EscalationRun& run) const {
        if (query_.after_subject && subject == *query_.after_subject && id <= query_.after_escalation)
            return false;
        return (query_.escalation.empty() || id == query_.escalation) &&
               (!query_.state || run.state == *query_.state);
    }

    bool is_full() const { return found_.size() >= query_.max; }

    Store& store_;
    const TenantName& tenant_;
    Instant now_;
    const EscalationQuery& query_;
    std::vector<EscalationStand> found_;
};

constexpr std::array all_states{rules::EscalationRun::State::running,
                                rules::EscalationRun::State::acknowledged,
                                rules::EscalationRun::State::exhausted};

}  // namespace

Result<std::vector<EscalationStand>> escalations_of(Store& store, const TenantName& tenant, Instant now,
                                                    const EscalationQuery& query) {
    if (auto begun = store.begin_reading(); !begun) return begun.error();
    auto found = EscalationSearch(store, tenant, now, query).run();
    store.end_reading();
    return found;
}

Result<rules::EscalationRun::State> parse_escalation_state(const std::string& text) {
    std::vector<std::string> names;
    for (const auto state : all_states) {
        if (name_of(state) == text) return state;
        names.emplace_back(name_of(state));
    }
    return invalid("no state of an escalation is \"" + text + "\"; there are " + join(names, ", "));
}

Json describe(const EscalationStand& stand) {
    auto json = rules::escalation_view({{stand.escalation, stand.run}})[stand.escalation];
    json["subject"] = stand.subject.text();
    json["escalation"] = stand.escalation;
    if (!stand.fault.empty()) json["fault"] = stand.fault;
    return json;
}

}  // namespace engine
