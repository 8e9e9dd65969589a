#pragma once
/// The commands, each adding itself to the command line. A command's `run` returns the exit code.

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace engine::app {

/// Where a command leaves what is to be run once the command line is read.
using Chosen = std::function<int()>;

void add_rule_commands(CLI::App& app, Chosen& chosen);     ///< check test fmt dry-run replay lua
void add_lua_command(CLI::App& app, Chosen& chosen);       ///< lua
void add_check_command(CLI::App& app, Chosen& chosen);     ///< check
void add_version_commands(CLI::App& app, Chosen& chosen);  ///< rules
void add_store_commands(CLI::App& app, Chosen& chosen);    ///< explain history
void add_audit_commands(CLI::App& app, Chosen& chosen);    ///< audit
void add_audit_list(CLI::App& audit, Chosen& chosen);      ///< below audit
void add_erase_command(CLI::App& app, Chosen& chosen);
void add_operator_commands(CLI::App& app, Chosen& chosen);  ///< dead-letters lanes timers keys
void add_sla_commands(CLI::App& app, Chosen& chosen);       ///< sla
void add_routing_commands(CLI::App& app, Chosen& chosen);   ///< escalations desk on-call
void add_migrate_commands(CLI::App& app, Chosen& chosen);   ///< migrate
void add_retention_command(CLI::App& app, Chosen& chosen);  ///< retention
void add_moving_commands(CLI::App& app, Chosen& chosen);    ///< backup restore copy
void add_doctor_command(CLI::App& app, Chosen& chosen);
void add_rebuild_command(CLI::App& app, Chosen& chosen);  ///< rebuild
void add_serve_command(CLI::App& app, Chosen& chosen);
void add_bench_commands(CLI::App& app, Chosen& chosen);

}  // namespace engine::app
