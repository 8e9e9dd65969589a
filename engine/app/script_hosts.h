#pragma once
/// Which walls scripts run behind, from settings, and the worker that this program is for itself.

#include <functional>
#include <memory>
#include <string>

#include "engine/app/settings.h"
#include "rules/lua/check.h"
#include "rules/lua/coverage_in_worker.h"
#include "rules/lua/worker.h"
#include "rules/script.h"

namespace engine::app {

/// Makes a host for the thread that calls it.
using MakeScripts = std::function<std::unique_ptr<rules::ScriptHost>()>;

/// What the settings of workers say. Fails with invalid_input naming the setting.
Result<rules::WorkerOptions> worker_options(const Settings& settings);
/// Hosts as the settings say. Fails with invalid_input naming the setting.
Result<MakeScripts> script_hosts(const Settings& settings);
/// For commands that load a folder and decide a little: processes, as the defaults say.
std::shared_ptr<rules::ScriptHost> command_scripts();
/// The same for decisions that are made again. How they ended at a limit is on record; those that came to
/// their end before it may take longer here.
std::shared_ptr<rules::ScriptHost> recorded_scripts();

/// The first word of the command line of a worker, and of one that notes which lines it runs. They are no
/// commands for people.
inline constexpr auto script_worker_word = "script-worker";
inline constexpr auto coverage_worker_word = "coverage-worker";
/// What `check` says of scripts beyond that they compile, found in such a process.
std::vector<Diagnostic> checked_in_worker(const rules::ScriptCheck& asked);
/// Runs the scripts of a command, and tells which of their lines were run.
std::shared_ptr<rules::CoverageWorker> covering_scripts();
/// The life of a worker; `memory_bytes_max` is the word behind the first one.
[[noreturn]] void run_script_worker(const std::string& memory_bytes_max, bool covers);

}  // namespace engine::app
