/// escalations, desk, on-call: where escalations stand, who has what to do, and who is called when.

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/base/text.h"
#include "engine/pipeline/escalation_audit.h"
#include "engine/pipeline/pages.h"
#include "engine/pipeline/tenant.h"
#include "rules/policies/routing.h"

namespace engine::app {
namespace {

// ---- escalations

Json json_of(const EscalationStand& stand) {
    auto json = rules::escalation_view({{stand.escalation, stand.run}})[stand.escalation];
    json["subject"] = stand.subject.text();
    json["escalation"] = stand.escalation;
    if (!stand.fault.empty()) json["fault"] = stand.fault;
    return json;
}

void print_stand(const StoreOptions& options, const EscalationStand& stand) {
    if (options.json) {
        std::cout << canonical_json(json_of(stand)) << "\n";
        return;
    }
    const auto& run = stand.run;
    std::cout << stand.subject.text() << "  " << stand.escalation << ": " << name_of(run.state) << ", level "
              << run.level;
    if (run.round > 1) std::cout << " of round " << run.round;
    if (run.due) std::cout << ", goes on at " << to_text(*run.due);
    if (!stand.fault.empty()) std::cout << "\n  " << stand.fault;
    std::cout << "\n";
}

int list_escalations(const StoreOptions& options, Store& store, const TenantName& tenant) {
    const auto stands = escalations_of(store, tenant, SystemClock().now());
    if (!stands) return complain(stands.error());
    for (const auto& stand : *stands) print_stand(options, stand);
    return exit_code::ok;
}

int audit_escalations(const StoreOptions& options, Store& store, const TenantName& tenant) {
    const auto stands = escalations_of(store, tenant, SystemClock().now());
    if (!stands) return complain(stands.error());
    std::size_t faults = 0;
    for (const auto& stand : *stands) {
        if (stand.fault.empty()) continue;
        ++faults;
        print_stand(options, stand);
    }
    std::cerr << stands->size() << " escalations, " << faults << " that should have gone on\n";
    return faults == 0 ? exit_code::ok : exit_code::failed;
}

// ---- the desk

struct Placed {
    std::string subject;
    rules::Placement placement;
};

Result<std::vector<Placed>> placed_in(Store& store, const TenantName& tenant) {
    std::vector<Placed> placed;
    std::string after;
    while (true) {
        const auto page = store.watched(tenant, SystemClock().now(), after, page_rows);
        if (!page) return page.error();
        for (const auto& entity : *page) {
            after = entity.subject.text();
            auto placement = rules::placement_from(entity.routing.value("place", Json()));
            if (!placement.empty()) placed.push_back({after, std::move(placement)});
        }
        if (page->size() < page_rows) return placed;
    }
}

int show_desk(const StoreOptions& options, Store& store, const TenantName& tenant) {
    const auto placed = placed_in(store, tenant);
    if (!placed) return complain(placed.error());
    Json agents = Json::object();
    Json queues = Json::object();
    for (const auto& [subject, placement] : *placed) {
        if (!placement.agent.empty()) {
            agents[placement.agent].push_back(subject);
        }
        if (placement.waits)
            queues[placement.queue].push_back({{"subject", subject}, {"since", to_text(*placement.waits)}});
    }
    if (options.json) {
        std::cout << canonical_json(Json{{"agents", agents}, {"waiting", queues}}) << "\n";
        return exit_code::ok;
    }
    for (const auto& [agent, open] : agents.items()) {
        std::cout << agent << ": " << open.size() << " open:";
        for (const auto& subject : open) std::cout << " " << subject.get<std::string>();
        std::cout << "\n";
    }
    for (const auto& [queue, waiting] : queues.items())
        for (const auto& one : waiting)
            std::cout << "waits in " << queue << ": " << text_or(one, "subject", "") << " since "
                      << text_or(one, "since", "") << "\n";
    return exit_code::ok;
}

// ---- who is on call

struct OnCallOptions {
    std::string folder;
    std::string at;
    std::string span = "7d";
    bool json = false;
};

/// More than anybody reads.
constexpr std::size_t shifts_max = 1'000;

int list_shifts(const OnCallOptions& options) {
    const auto from = options.at.empty() ? Result<Instant>(SystemClock().now()) : parse_instant(options.at);
    if (!from) return complain(exit_code::usage, "--at: " + from.error().message);
    const auto span = parse_duration(options.span);
    if (!span) return complain(exit_code::usage, "--for: " + span.error().message);
    if (*span > rules::on_call_listed)
        return complain(exit_code::usage, "--for: five years are the most that is listed");
    const auto loaded = load_folder(options.folder);
    if (loaded.error) return complain(exit_code::bad_data, loaded.error->message);
    print_diagnostics(loaded.diagnostics, options.folder);
    if (!loaded.tenant) return exit_code::bad_data;
    const auto* routing = loaded.tenant->rule_set->routing.get();
    if (routing == nullptr || routing->on_call.empty())
        return complain(exit_code::failed, "routing.yaml has no on_call");
    for (const auto& schedule : routing->on_call)
        for (const auto& shift : rules::shifts_between(schedule, *from, *from + *span, shifts_max)) {
            if (options.json) {
                std::cout << canonical_json(Json{{"schedule", schedule.id},
                                                 {"from", to_text(shift.from)},
                                                 {"until", to_text(shift.until)},
                                                 {"who", shift.who},
                                                 {"overridden", shift.overridden}})
                          << "\n";
                continue;
            }
            std::cout << schedule.id << "  " << to_text(shift.from) << "  " << to_text(shift.until) << "  "
                      << (shift.who.empty() ? "nobody" : join(shift.who, ", "))
                      << (shift.overridden ? "  (overridden)" : "") << "\n";
        }
    return exit_code::ok;
}

}  // namespace

void add_routing_commands(CLI::App& app, Chosen& chosen) {
    auto* parent = app.add_subcommand("escalations", "Where escalations stand");
    parent->require_subcommand(1);
    auto listed = std::make_shared<StoreOptions>();
    auto* list_command = parent->add_subcommand("list", "Those that are under way");
    add_store_options(*list_command, *listed);
    list_command->callback([listed, &chosen] { chosen = on_tenant(listed, list_escalations); });
    auto audited = std::make_shared<StoreOptions>();
    auto* audit_command =
        parent->add_subcommand("audit", "Those that should have gone on and did not; exit code 1 for some");
    add_store_options(*audit_command, *audited);
    audit_command->callback([audited, &chosen] { chosen = on_tenant(audited, audit_escalations); });

    auto shown = std::make_shared<StoreOptions>();
    auto* desk_command = app.add_subcommand("desk", "Who has what to do, and what waits in queues");
    add_store_options(*desk_command, *shown);
    desk_command->callback([shown, &chosen] { chosen = on_tenant(shown, show_desk); });

    auto called = std::make_shared<OnCallOptions>();
    auto* on_call_command = app.add_subcommand("on-call", "Who is on call, shift by shift");
    on_call_command->add_option("TENANT_DIR", called->folder, "The tenant's folder")->required();
    on_call_command->add_option("--at", called->at, "From then on; now when left out");
    on_call_command->add_option("--for", called->span, "For so long")->capture_default_str();
    add_json_option(*on_call_command, called->json);
    on_call_command->callback([called, &chosen] { chosen = [called] { return list_shifts(*called); }; });
}

}  // namespace engine::app
