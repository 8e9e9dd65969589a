/// rebuild, and `audit verify --reexecute`: whether the journal alone gives what the store holds and what was
/// decided.

#include "engine/app/rebuild_commands.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/progress.h"
#include "engine/app/requests.h"
#include "engine/app/script_hosts.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/pipeline/rebuild.h"
#include "engine/pipeline/reexecute.h"

namespace engine::app {
namespace {

struct RebuildCommand {
    std::string store = store_default;
    std::string tenant;
    bool json = false;
    bool check = false;
    bool replace = false;
    std::size_t entities_in_memory = RebuildOptions().entities_in_memory_max;
};

/// The named tenant, or all. Prints why not.
Result<std::vector<TenantName>> chosen_tenants(Store& store, const std::string& name) {
    if (name.empty()) return store.tenants();
    auto chosen = choose_tenant(store, name);
    if (!chosen) return chosen.error();
    return std::vector<TenantName>{*chosen};
}

void print(const RebuildCommand& command, const TenantName& tenant, const RebuildReport& report) {
    if (command.json) {
        auto json = to_json(report);
        json["tenant"] = tenant.text();
        json["replaced"] = command.replace;
        std::cout << canonical_json(json) << "\n";
        return;
    }
    std::cout << tenant.text() << ": " << report.rows << " rows give " << report.entities << " entities, "
              << report.deliveries << " deliveries, " << report.dead_letters << " dead letters, "
              << report.pending << " pending events, " << report.continuations << " continuations, "
              << report.blocked_lanes << " blocked lanes; " << report.differences
              << (command.replace ? " differences, put right" : " differences");
    if (report.lost_lanes > 0) std::cout << "; " << report.lost_lanes << " lanes cannot be known";
    std::cout << "\n";
}

Result<RebuildReport> rebuild_tenant(Store& store, const TenantName& tenant, const RebuildCommand& command) {
    RebuildOptions options;
    options.replace = command.replace;
    options.entities_in_memory_max = command.entities_in_memory;
    options.now = SystemClock().now();
    options.actor = operator_name();
    options.on_difference = [&](const Difference& one) {
        if (command.json)
            std::cout << canonical_json(Json{{"tenant", tenant.text()},
                                             {"what", one.what},
                                             {"name", one.name},
                                             {"detail", one.detail}})
                      << "\n";
        else
            std::cout << "DIFFERS " << tenant.text() << " " << one.what << " " << one.name << ": "
                      << one.detail << "\n";
    };
    options.on_lost = [&](const std::string& subject, const Error& why) {
        std::cerr << "signalbox: lane " << subject << " of " << tenant.text()
                  << " is left as it is: " << why.message << "\n";
    };
    return rebuild(store, tenant, options);
}

int rebuild_command(const RebuildCommand& command) {
    if (command.check && command.replace)
        return complain(exit_code::usage, "say either --check or --replace");
    auto store = command.replace ? open_store(command.store) : open_for_reading(command.store);
    if (!store) return complain(store.error());
    const auto tenants = chosen_tenants(**store, command.tenant);
    if (!tenants) return complain(exit_code::usage, tenants.error().message);
    if (command.replace)
        if (auto owned = (*store)->own(); !owned)
            return complain(exit_code::unavailable,
                            owned.error().message + "; stop the daemon before replacing what it works with");
    std::uint64_t differences = 0;
    for (const auto& tenant : *tenants) {
        const auto report = rebuild_tenant(**store, tenant, command);
        if (!report) return complain(report.error());
        print(command, tenant, *report);
        differences += report->differences;
    }
    return command.replace || differences == 0 ? exit_code::ok : exit_code::failed;
}

}  // namespace

int reexecute_and_print(Store& store, const std::string& tenant, bool json, std::uint64_t named_max) {
    const auto tenants = chosen_tenants(store, tenant);
    if (!tenants) return complain(exit_code::usage, tenants.error().message);
    std::uint64_t named = 0;
    std::uint64_t findings = 0;
    for (const auto& one : *tenants) {
        Progress progress("decisions");
        ReexecuteOptions options;
        options.scripts = recorded_scripts();
        options.on_decision = [&] { progress.step(); };
        options.on_finding = [&](const Redecided& found) {
            if (++named > named_max) return;
            const auto row = found.stream + "#" + std::to_string(found.seq);
            if (json)
                std::cout << canonical_json(Json{{"tenant", found.tenant.text()},
                                                 {"row", row},
                                                 {"event", found.event},
                                                 {"what", found.what}})
                          << "\n";
            else
                std::cout << "DIFFERS " << found.tenant.text() << " " << row << " event " << found.event
                          << ": " << found.what << "\n";
        };
        const auto begin = std::chrono::steady_clock::now();
        const auto report = reexecute(store, one, options);
        if (!report) return complain(report.error());
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        const auto rate = took.count() > 0 ? static_cast<double>(report->decisions) / took.count() : 0.0;
        findings += report->findings;
        auto figures = to_json(*report);
        figures["tenant"] = one.text();
        figures["decisions_per_s"] = static_cast<std::uint64_t>(rate);
        if (json)
            std::cout << canonical_json(figures) << "\n";
        else
            std::cout << one.text() << ": " << report->decisions << " decisions made again, "
                      << report->findings << " differ, " << report->skipped << " skipped for erased content, "
                      << static_cast<std::uint64_t>(rate) << "/s\n";
    }
    if (named > named_max && !json) std::cout << named - named_max << " more are not named (--limit)\n";
    return findings == 0 ? exit_code::ok : exit_code::failed;
}

void add_rebuild_command(CLI::App& app, Chosen& chosen) {
    auto command = std::make_shared<RebuildCommand>();
    auto* rebuilding = app.add_subcommand(
        "rebuild",
        "Computes entities, outbox and all that waits from the journal, and compares or replaces them");
    add_store_option(*rebuilding, command->store);
    rebuilding->add_option("--tenant", command->tenant, "Only this tenant");
    rebuilding->add_flag("--check", command->check,
                         "Only compare (the default): exit 1 when something differs");
    rebuilding->add_flag("--replace", command->replace,
                         "Put right what differs; the store must have no owner");
    rebuilding
        ->add_option("--entities-in-memory", command->entities_in_memory,
                     "Documents held at once; the others wait in a file in $TMPDIR")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    add_json_option(*rebuilding, command->json);
    rebuilding->callback([command, &chosen] { chosen = [command] { return rebuild_command(*command); }; });
}

}  // namespace engine::app
