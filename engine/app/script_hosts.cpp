#include "engine/app/script_hosts.h"

#include <charconv>
#include <cstdlib>

#include "engine/app/cli.h"
#include "rules/lua/check_in_worker.h"
#include "rules/lua/hosts_by_thread.h"
#include "rules/lua/in_process_host.h"
#include "rules/lua/worker_serve.h"

namespace engine::app {
namespace {

using std::chrono::milliseconds;

Result<milliseconds> span_of(const std::string& name, const std::string& text) {
    const auto span = parse_duration(text);
    if (!span) return invalid("--" + name + ": " + span.error().message);
    const auto whole = std::chrono::duration_cast<milliseconds>(*span);
    if (whole < milliseconds(1)) return invalid("--" + name + ": at least 1ms");
    return whole;
}

}  // namespace

Result<rules::WorkerOptions> worker_options(const Settings& settings) {
    rules::WorkerOptions options;
    for (const auto& [name, value, to] :
         {std::tuple{"script-workers-max", settings.script_workers_max, &options.workers_max},
          std::tuple{"script-sets-max", settings.script_sets_max, &options.sets_max},
          std::tuple{"script-batch-calls-max", settings.script_batch_calls_max, &options.batch_calls_max},
          std::tuple{"script-losses-max", settings.script_losses_max, &options.losses_max},
          std::tuple{"script-memory-bytes-max", settings.script_memory_bytes_max,
                     &options.memory_bytes_max}}) {
        if (value == 0) return invalid("--" + std::string(name) + ": at least 1");
        *to = value;
    }
    const auto deadline = span_of("script-deadline", settings.script_deadline);
    if (!deadline) return deadline.error();
    options.deadline = *deadline;
    for (const auto& [name, text, to] :
         {std::tuple{"script-decision-time", &settings.script_decision_time, &options.decision_time_max},
          std::tuple{"script-grace", &settings.script_grace, &options.grace},
          std::tuple{"script-patience", &settings.script_patience, &options.patience},
          std::tuple{"script-load-deadline", &settings.script_load_deadline, &options.load_deadline},
          std::tuple{"script-pause", &settings.script_pause, &options.pause},
          std::tuple{"script-idle", &settings.script_idle, &options.idle_max}}) {
        const auto span = span_of(name, *text);
        if (!span) return span.error();
        *to = *span;
    }
    return options;
}

Result<MakeScripts> script_hosts(const Settings& settings) {
    auto options = worker_options(settings);
    if (!options) return options.error();
    options->code = std::make_shared<rules::ScriptCode>();
    if (settings.script_isolation == "process")
        return MakeScripts([options = *options] { return std::make_unique<rules::WorkerHost>(options); });
    if (settings.script_isolation == "in_process")
        return MakeScripts([options = *options] {
            return std::make_unique<rules::InProcessHost>(options.sets_max * options.workers_max,
                                                          options.deadline, options.decision_time_max);
        });
    return invalid("--script-isolation is process or in_process, not \"" + settings.script_isolation + "\"");
}

namespace {

std::shared_ptr<rules::ScriptHost> hosts_of_command(std::optional<milliseconds> deadline) {
    return std::make_shared<rules::HostsByThread>([deadline] {
        rules::WorkerOptions options;
        options.one_ready = false;
        options.deadline = deadline;
        options.patience = std::max(options.patience, 2 * deadline.value_or(milliseconds(0)));
        return std::make_unique<rules::WorkerHost>(std::move(options));
    });
}

}  // namespace

std::shared_ptr<rules::ScriptHost> command_scripts() {
    return hosts_of_command(std::nullopt);
}

std::shared_ptr<rules::ScriptHost> recorded_scripts() {
    // What ended within its deadline does so again, on a slower machine, too.
    return hosts_of_command(std::chrono::seconds(10));
}

std::vector<Diagnostic> checked_in_worker(const rules::ScriptCheck& asked) {
    rules::WorkerOptions options;
    options.one_ready = false;
    // All files are taken apart word by word, which takes more than running them.
    options.memory_bytes_max = std::size_t{1} << 30U;
    options.load_deadline = std::chrono::seconds(60);
    return rules::check_in_worker(asked, options);
}

std::shared_ptr<rules::CoverageWorker> covering_scripts() {
    rules::WorkerOptions options;
    options.command.back() = coverage_worker_word;
    return std::make_shared<rules::CoverageWorker>(std::move(options));
}

void run_script_worker(const std::string& memory_bytes_max, bool covers) {
    std::size_t bytes = 0;
    const auto end = memory_bytes_max.data() + memory_bytes_max.size();
    const auto read = std::from_chars(memory_bytes_max.data(), end, bytes);
    if (read.ec != std::errc() || read.ptr != end) std::exit(exit_code::usage);
    rules::serve_scripts(
        [covers]() -> std::unique_ptr<rules::ScriptHost> {
            if (covers) return std::make_unique<rules::CoverageHost>();
            return std::make_unique<rules::InProcessHost>(1);
        },
        bytes);
}

}  // namespace engine::app
