/// migrate: which schema a store has, and bringing it to this program's.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/store/postgres/postgres_store.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "engine/store/url.h"

namespace engine::app {
namespace {

struct MigrateOptions {
    std::string store = store_default;
    bool json = false;
    int partitions = 0;  ///< 0 = not said
};

Result<StoreUrl> lasting_store(const std::string& url) {
    auto parsed = parse_store_url(url);
    if (parsed && parsed->in_memory()) return invalid("a store in memory is made anew each time");
    return parsed;
}

Result<MigrationStatus> status_of(const StoreUrl& store) {
    return store.backend == StoreUrl::Backend::sqlite ? sqlite_migrations(store.location)
                                                      : postgres_migrations(store.location);
}

Json json_of(const Migration& migration) {
    return {{"number", migration.number}, {"name", migration.name}, {"checksum", migration.checksum}};
}

Json json_of(const AppliedMigration& migration) {
    return {{"number", migration.number},
            {"name", migration.name},
            {"checksum", migration.checksum},
            {"applied", migration.applied.empty() ? Json() : Json(migration.applied)},
            {"program", migration.program.empty() ? Json() : Json(migration.program)}};
}

template <class List>
Json json_list(const List& migrations) {
    Json list = Json::array();
    for (const auto& one : migrations) list.push_back(json_of(one));
    return list;
}

void print_status(const MigrationStatus& status) {
    for (const auto& one : status.applied)
        std::cout << one.number << "  " << one.name << "  "
                  << (one.applied.empty() ? "applied before that was noted"
                                          : "applied " + one.applied + " by signalbox " + one.program)
                  << "\n";
    for (const auto& one : status.missing) std::cout << one.number << "  " << one.name << "  missing\n";
}

int print_status_command(const MigrateOptions& options) {
    const auto store = lasting_store(options.store);
    if (!store) return complain(store.error());
    const auto status = status_of(*store);
    if (!status) return complain(status.error());
    if (options.json)
        std::cout << canonical_json(Json{{"applied", json_list(status->applied)},
                                         {"missing", json_list(status->missing)},
                                         {"partitions", status->partitions}})
                  << "\n";
    else
        print_status(*status);
    return status->missing.empty() ? exit_code::ok : exit_code::failed;
}

int print_plan(const MigrateOptions& options) {
    const auto store = lasting_store(options.store);
    if (!store) return complain(store.error());
    const auto status = status_of(*store);
    if (!status) return complain(status.error());
    for (const auto& one : status->missing) {
        auto json = json_of(one);
        json["sql"] = one.script;
        if (options.json)
            std::cout << canonical_json(json) << "\n";
        else
            std::cout << "-- migration " << one.number << " (" << one.name << "), sha256 " << one.checksum
                      << "\n"
                      << one.script << "\n";
    }
    if (status->missing.empty()) std::cerr << "Nothing is missing.\n";
    return exit_code::ok;
}

int migrate_up(const MigrateOptions& options) {
    const auto store = lasting_store(options.store);
    if (!store) return complain(store.error());
    const auto partitions = options.partitions == 0 ? std::nullopt : std::optional(options.partitions);
    const auto applied = store->backend == StoreUrl::Backend::sqlite
                             ? migrate_sqlite(store->location, partitions)
                             : migrate_postgres(store->location, partitions);
    if (!applied) return complain(applied.error());
    if (options.json) {
        std::cout << canonical_json(Json{{"applied", json_list(*applied)}}) << "\n";
        return exit_code::ok;
    }
    for (const auto& one : *applied) std::cout << one.number << "  " << one.name << "  applied\n";
    if (applied->empty()) std::cout << "Nothing was missing.\n";
    return exit_code::ok;
}

CLI::App* add(CLI::App& parent, const char* name, const char* help, Chosen& chosen,
              const std::shared_ptr<MigrateOptions>& options, int (*run)(const MigrateOptions&)) {
    auto* command = parent.add_subcommand(name, help);
    add_store_option(*command, options->store);
    add_json_option(*command, options->json);
    command->callback([options, run, &chosen] { chosen = [options, run] { return run(*options); }; });
    return command;
}

}  // namespace

void add_migrate_commands(CLI::App& app, Chosen& chosen) {
    auto* parent = app.add_subcommand("migrate", "The schema of a store");
    parent->require_subcommand(1);
    add(*parent, "status", "Lists what was applied when and what is missing; 1 when something is", chosen,
        std::make_shared<MigrateOptions>(), print_status_command);
    add(*parent, "plan", "Prints the SQL that `up` would run", chosen, std::make_shared<MigrateOptions>(),
        print_plan);
    auto options = std::make_shared<MigrateOptions>();
    auto* up =
        add(*parent, "up", "Applies what is missing, all of it or nothing; makes a store where none is",
            chosen, options, migrate_up);
    up->add_option("--partitions", options->partitions,
                   "Partitions of a store that is made; fixed from then on")
        ->check(CLI::PositiveNumber);
}

}  // namespace engine::app
