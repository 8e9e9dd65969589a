/// sla: the clocks of service levels, of one entity or of all that have something due.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/base/text.h"
#include "engine/pipeline/activation.h"
#include "engine/pipeline/tenant.h"
#include "rules/policies/sla.h"

namespace engine::app {
namespace {

struct SlaOptions : StoreOptions {
    std::string subject;
};

Json due_of(const Timer& timer) {
    Json json{{"subject", timer.subject.text()},
              {"event", text_or(timer.body, "event", "")},
              {"at", to_text(timer.due)}};
    if (const auto* change = find(timer.body, "data.sla"))
        for (const char* name : {"metric", "policy", "due_at", "target_seconds"})
            if (const auto found = change->find(name); found != change->end()) json[name] = *found;
    return json;
}

int list_clocks(const SlaOptions& options, Store& store, const TenantName& tenant) {
    const auto timers = store.timers(tenant, list_rows);
    if (!timers) return complain(timers.error());
    for (const auto& timer : *timers) {
        if (!timer.name.starts_with("sla:")) continue;
        const auto json = due_of(timer);
        if (options.json)
            std::cout << canonical_json(json) << "\n";
        else
            std::cout << text_or(json, "at", "") << "  " << text_or(json, "event", "") << "  "
                      << text_or(json, "subject", "") << "  " << text_or(json, "metric", "") << "  due "
                      << text_or(json, "due_at", "") << "  (" << text_or(json, "policy", "") << ")\n";
    }
    return exit_code::ok;
}

/// The calendars by which clocks run: those of the rule set that is active.
Result<rules::Calendars> calendars_of(Store& store, const TenantName& name) {
    const auto tenant = active_tenant(store, name);
    if (!tenant) return tenant.error();
    return *tenant ? (*tenant)->rule_set->calendars : rules::Calendars();
}

void print_clock(const std::string& metric, const Json& clock) {
    const auto seconds = [&](const char* name) {
        return to_text(Duration(std::chrono::seconds(clock.value(name, std::int64_t{0}))));
    };
    std::cout << metric << ": " << text_or(clock, "state", "") << ", " << seconds("used_seconds") << " of "
              << seconds("target_seconds") << " used";
    for (const auto& [name, word] :
         {std::pair{"due_at", "due"}, {"breached_at", "late since"}, {"ended_at", "ended"}})
        if (clock.contains(name)) std::cout << ", " << word << " " << text_or(clock, name, "");
    std::cout << "\n";
}

int show(const SlaOptions& options, Store& store, const TenantName& tenant) {
    const auto subject = Subject::parse(options.subject);
    if (!subject) return complain(exit_code::usage, subject.error().message);
    const auto entity = store.entity(tenant, *subject);
    if (!entity) return complain(entity.error());
    if (!*entity) return complain(exit_code::failed, "no entity " + options.subject);
    const auto calendars = calendars_of(store, tenant);
    if (!calendars) return complain(calendars.error());
    const auto view = rules::sla_view(rules::sla_state_from((*entity)->sla), *calendars, SystemClock().now());
    if (options.json) {
        std::cout << canonical_json(view) << "\n";
        return exit_code::ok;
    }
    if (view.empty()) std::cout << "no service level\n";
    for (const auto& [metric, clock] : view.items())
        if (clock.is_object()) print_clock(metric, clock);
    return exit_code::ok;
}

}  // namespace

void add_sla_commands(CLI::App& app, Chosen& chosen) {
    auto* parent = app.add_subcommand("sla", "The clocks of service levels");
    parent->require_subcommand(1);
    auto listed = std::make_shared<SlaOptions>();
    auto* list_command = parent->add_subcommand("list", "What is due next, warnings too");
    add_store_options(*list_command, *listed);
    list_command->callback([listed, &chosen] { chosen = on_tenant(listed, list_clocks); });
    auto shown = std::make_shared<SlaOptions>();
    auto* show_command = parent->add_subcommand("show", "All clocks of one entity, as they stand now");
    add_store_options(*show_command, *shown);
    show_command->add_option("SUBJECT", shown->subject, "Such as ticket/42")->required();
    show_command->callback([shown, &chosen] { chosen = on_tenant(shown, show); });
}

}  // namespace engine::app
