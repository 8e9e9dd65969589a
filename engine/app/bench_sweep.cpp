/// bench sweep: what `on: schedule` costs for each entity that it looks at.

#include <algorithm>
#include <optional>

#include "engine/app/bench_daemon.h"
#include "engine/app/bench_policies.h"
#include "engine/app/bench_world.h"
#include "engine/app/progress.h"
#include "engine/app/scratch_folder.h"
#include "engine/app/support.h"
#include "engine/pipeline/schedules.h"
#include "engine/pipeline/worker.h"

namespace engine::app {
namespace {

constexpr auto sweeping_rules =
    "rules:\n"
    "  - id: nag\n"
    "    on: schedule\n"
    "    schedule: { every: 1h, for: ticket }\n"
    "    when: { ticket.status: open, ticket.priority: urgent }\n"
    "    then: [ { add_tags: [nagged] } ]\n";

Entity swept_ticket(std::size_t number, std::size_t one_in) {
    Entity entity;
    entity.tenant = bench_tenant_name;
    entity.subject = Subject::of("ticket", "", std::to_string(1'000'000 + number));
    entity.version = 1;
    entity.fields = Json{{"status", "open"},
                         {"priority", number % one_in == 0 ? "urgent" : "normal"},
                         {"subject", "The printer on the second floor does not print"},
                         {"requester", {{"id", number}, {"email", "someone@example.test"}}},
                         {"tags", {"printer", "hardware"}}};
    return entity;
}

Result<void> fill_tickets(Store& store, std::size_t from, std::size_t to, std::size_t one_in) {
    Progress progress("tickets");
    for (auto number = from; number < to;) {
        Step step;
        step.tenant = bench_tenant_name;
        for (; number < to && step.entities.size() < 5'000; ++number) {
            step.entities.push_back(swept_ticket(number, one_in));
            progress.step();
        }
        if (auto done = store.commit(std::span(&step, 1)); !done) return done;
    }
    return {};
}

struct Swept {
    std::size_t looked_at = 0;
    std::size_t found = 0;
};

/// One step of a sweep after the other, as the timers of its lane have it, until the last.
Result<Swept> sweep_all(const Tenant& tenant, Store& store, std::size_t step, Instant now) {
    Swept swept;
    Event event;
    event.tenant = bench_tenant_name;
    event.subject = *Subject::parse("schedule/nag");
    event.received = now;
    while (true) {
        if (auto done = sweep(tenant, store, step, event); !done) return done.error();
        swept.found += event.data["sweep"]["found"].size();
        const bool is_over = !event.data["sweep"].contains("after");
        if (is_over) return swept;
    }
}

/// The entities are read and looked at by nobody.
Result<Swept> read_all(Store& store, std::size_t step) {
    Swept read;
    std::string after;
    while (true) {
        const auto page = store.entities(bench_tenant_name, "ticket", after, step);
        if (!page) return page.error();
        read.looked_at += page->size();
        if (page->size() < step) return read;
        after = page->back().subject.text();
    }
}

Result<PolicyBenchRow> measured(const SweepBenchOptions& options, const Tenant& tenant, Store& store,
                                std::size_t entities) {
    const auto step = WorkerOptions().swept_entities_max;
    std::optional<Error> trouble;
    const auto of_each = [&](auto once) {
        return [&trouble, once, entities](double seconds) {
            TimedWork done;
            while (!trouble && done.seconds < seconds) {
                done.seconds += seconds_of([&] {
                    if (const auto swept = once(); !swept) trouble = swept.error();
                });
                done.times += entities;
            }
            return done;
        };
    };
    const auto now = SystemClock().now();
    const auto found = sweep_all(tenant, store, step, now);
    if (!found) return found.error();
    if (found->found != (entities + options.one_in - 1) / options.one_in)
        return Error{Code::corrupt, "the sweep found " + std::to_string(found->found) + " entities"};
    PolicyBenchRow row;
    row.what = "an entity that a sweep looks at";
    row.floor = "the entities are only read";
    row.sizes = Json{{"entities", entities}, {"found", found->found}};
    row.cost =
        measure_by_turns(of_each([&] { return sweep_all(tenant, store, step, now); }),
                         of_each([&] { return read_all(store, step); }), options.seconds, options.turns);
    if (trouble) return *trouble;
    row.more = Json{{"whole_sweep_ms", row.cost.us.median * static_cast<double>(entities) / 1e3}};
    return row;
}

}  // namespace

Result<void> run_sweep_bench(const SweepBenchOptions& options, const EachPolicyRow& each) {
    const auto tenant = made_up_tenant({{"rules.yaml", sweeping_rules}});
    if (!tenant) return tenant.error();
    auto scratch = ScratchFolder::make();
    if (!scratch) return scratch.error();
    const auto place = bench_store(options.store, scratch->path());
    if (!place) return place.error();
    const auto store = open_store(place->url);
    if (!store) return store.error();
    const auto tenants = (*store)->tenants();
    if (!tenants) return tenants.error();
    if (!tenants->empty()) return invalid("bench sweep needs an empty store");
    if (auto owned = (*store)->own(); !owned) return owned;
    std::size_t filled = 0;
    auto sizes = options.entities;
    std::sort(sizes.begin(), sizes.end());
    for (const auto entities : sizes) {
        if (auto done = fill_tickets(**store, filled, entities, options.one_in); !done) return done;
        filled = entities;
        const auto row = measured(options, **tenant, **store, entities);
        if (!row) return row.error();
        each(*row);
    }
    return {};
}

}  // namespace engine::app
