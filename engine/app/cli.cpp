#include "engine/app/cli.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "engine/app/commands.h"
#include "engine/app/script_hosts.h"
#include "engine/base/diagnostic.h"

namespace engine::app {
namespace {

constexpr auto examples =
    "Examples:\n"
    "  signalbox check examples/acme\n"
    "  signalbox dry-run examples/acme --event event.json --explain\n"
    "  signalbox serve --tenants examples --store sqlite:///signalbox.db\n";

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(command->get_name());
    return names;
}

/// A first word that is no command deserves a better word than "unexpected argument".
bool complain_of_unknown_command(const CLI::App& app, int argc, char** argv) {
    if (argc < 2 || argv[1][0] == '-') return false;
    const auto names = command_names(app);
    if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return false;
    std::cerr << "signalbox: no command \"" << argv[1] << "\"" << hint(argv[1], names)
              << "\nRun signalbox --help for the commands.\n";
    return true;
}

}  // namespace

int run(int argc, char** argv) {
    if (argc == 3 && std::string_view(argv[1]) == script_worker_word) run_script_worker(argv[2], false);
    if (argc == 3 && std::string_view(argv[1]) == coverage_worker_word) run_script_worker(argv[2], true);
    CLI::App app{"Signalbox: a rules engine for customer support that explains every decision."};
    app.name("signalbox");
    app.set_version_flag("--version", "signalbox " SIGNALBOX_VERSION);
    app.require_subcommand(1);
    Chosen chosen;
    add_rule_commands(app, chosen);
    add_version_commands(app, chosen);
    add_store_commands(app, chosen);
    add_audit_commands(app, chosen);
    add_operator_commands(app, chosen);
    add_sla_commands(app, chosen);
    add_routing_commands(app, chosen);
    add_migrate_commands(app, chosen);
    add_retention_command(app, chosen);
    add_erase_command(app, chosen);
    add_moving_commands(app, chosen);
    add_doctor_command(app, chosen);
    add_rebuild_command(app, chosen);
    add_serve_command(app, chosen);
    add_bench_commands(app, chosen);
    app.footer(examples);  // commands that are there before would inherit it
    if (complain_of_unknown_command(app, argc, argv)) return exit_code::usage;
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error, std::cout, std::cerr) == 0 ? exit_code::ok : exit_code::usage;
    }
    return chosen ? chosen() : exit_code::usage;
}

}  // namespace engine::app
