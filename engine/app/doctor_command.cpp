/// doctor: what is wrong with a store, and what to do.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/doctor.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"

namespace engine::app {
namespace {

struct DoctorCommand {
    std::string store = store_default;
    std::string tenants;
    bool deep = false;
    bool json = false;
};

/// Of a store that cannot be opened the reason is the finding.
Finding unopened(const Error& error) {
    const bool older = error.message.find("migrate") != std::string::npos;
    if (older)
        return {Finding::Level::error, "store.schema", error.message, "", "signalbox migrate plan, then up"};
    if (error.code == Code::unavailable)
        return {Finding::Level::error, "store.reachable", error.message, "",
                "see whether --store is right and the file or server is there"};
    return {Finding::Level::error, "store.opens", error.message, "",
            "signalbox migrate status says which schema it has; if the file is damaged, signalbox restore"};
}

/// Folders that do not load are for `check`; what they name is then not known.
Tenants tenants_of(const std::string& folder, std::vector<Finding>& found) {
    Tenants tenants;
    std::error_code error;
    std::vector<std::filesystem::path> folders{folder};
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        if (entry.is_directory()) folders.push_back(entry.path());
    for (const auto& path : folders) {
        const auto loaded = load_folder(path.string());
        if (loaded.error) continue;  // no tenant's folder
        if (loaded.tenant)
            tenants[loaded.tenant->name] = loaded.tenant;
        else
            found.push_back({Finding::Level::error, "tenants.load", "the folder has errors", path.string(),
                             "signalbox check " + path.string()});
    }
    if (tenants.empty())
        found.push_back({Finding::Level::warning, "tenants.load", "no tenant's folder is there", folder,
                         "say where they are with --tenants"});
    return tenants;
}

std::vector<Finding> look_at(const DoctorCommand& options) {
    OpenOptions open;
    open.read_only = true;
    open.also_loading = true;
    auto store = open_store(options.store, open);
    if (!store) return {unopened(store.error())};
    auto look = open_store(options.store, open);
    if (!look) return {unopened(look.error())};
    std::vector<Finding> found{{Finding::Level::ok, "store.reachable", "the store opens", "", ""}};
    DoctorOptions doctor;
    doctor.deep = options.deep;
    doctor.now = SystemClock().now();
    if (!options.tenants.empty()) doctor.tenants = tenants_of(options.tenants, found);
    auto examined = examine(**store, **look, doctor);
    std::move(examined.begin(), examined.end(), std::back_inserter(found));
    return found;
}

void print(const Finding& finding, bool json) {
    if (json) {
        std::cout << canonical_json(Json{{"level", name_of(finding.level)},
                                         {"check", finding.check},
                                         {"what", finding.what},
                                         {"where", finding.where},
                                         {"remedy", finding.remedy}})
                  << "\n";
        return;
    }
    std::cout << name_of(finding.level) << "  " << finding.check << ": " << finding.what;
    if (!finding.where.empty()) std::cout << " (" << finding.where << ")";
    std::cout << "\n";
    if (!finding.remedy.empty()) std::cout << "    " << finding.remedy << "\n";
}

int doctor(const DoctorCommand& options) {
    const auto found = look_at(options);
    for (const auto& finding : found) print(finding, options.json);
    return worst_of(found) == Finding::Level::error ? exit_code::failed : exit_code::ok;
}

}  // namespace

void add_doctor_command(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<DoctorCommand>();
    auto* command = app.add_subcommand("doctor", "Checks a store: what is wrong, where, and what to do");
    add_store_option(*command, options->store);
    command->add_option("--tenants", options->tenants,
                        "Folder of tenants, whose connections count; else those of the active rule sets");
    command->add_flag("--deep", options->deep, "Every hash and every reference instead of samples");
    command->add_flag("--json", options->json, "JSON for programs, one finding a line");
    command->callback([options, &chosen] { chosen = [options] { return doctor(*options); }; });
}

}  // namespace engine::app
