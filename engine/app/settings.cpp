#include "engine/app/settings.h"

#include <CLI/CLI.hpp>

#include "engine/app/support.h"
#include "engine/base/diagnostic.h"
#include "engine/base/text.h"
#include "engine/base/yaml.h"

namespace engine::app {
namespace {

constexpr std::size_t config_bytes_max = 256 * 1024;

std::string env_name(std::string name) {
    for (auto& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return "SIGNALBOX_" + name;
}

template <class Value>
void add(CLI::App& command, const std::string& name, Value& value, const std::string& help) {
    command.add_option("--" + name, value, help)->envname(env_name(name))->capture_default_str();
}

std::vector<std::string> setting_names(const CLI::App& command) {
    std::vector<std::string> names;
    for (const auto* option : command.get_options())
        if (!option->get_envname().empty()) names.push_back(option->get_name().substr(2));
    return names;
}

Error bad_key(const YamlNode::Entry& entry, const std::vector<std::string>& names) {
    return invalid(entry.place.file + ":" + std::to_string(entry.place.line) + ":" +
                   std::to_string(entry.place.column) + ": unknown setting \"" + entry.key + "\"" +
                   hint(entry.key, names));
}

void add_script_settings(CLI::App& command, Settings& settings) {
    add(command, "script-isolation", settings.script_isolation,
        "process, or in_process for an installation that trusts its scripts");
    add(command, "script-workers-max", settings.script_workers_max,
        "Processes that run scripts, each of one tenant; besides, one stands ready");
    add(command, "script-sets-max", settings.script_sets_max,
        "Versions of a tenant's scripts that are kept compiled");
    add(command, "script-batch-calls-max", settings.script_batch_calls_max,
        "Runs of scripts that are sent to a process at once");
    add(command, "script-losses-max", settings.script_losses_max,
        "How many processes in a row a function of a script may lose before it rests");
    add(command, "script-pause", settings.script_pause,
        "How long it rests: its runs fail at once, then it is tried again");
    add(command, "script-memory-bytes-max", settings.script_memory_bytes_max,
        "Memory of a process that runs scripts, besides the program");
    add(command, "script-deadline", settings.script_deadline,
        "Processor time of a run of a script; one that takes longer is ended");
    add(command, "script-decision-time", settings.script_decision_time,
        "How long all scripts of a decision may take together; those that come then fail");
    add(command, "script-grace", settings.script_grace,
        "How long after its deadline a run that goes on is killed with its process");
    add(command, "script-patience", settings.script_patience,
        "The same for a run that the machine has kept from its processor time");
    add(command, "script-load-deadline", settings.script_load_deadline,
        "How long compiling the scripts of a rule set may take");
    add(command, "script-idle", settings.script_idle, "How long a process that runs scripts waits for more");
}

}  // namespace

void add_settings(CLI::App& command, Settings& settings) {
    command.add_option("--config", settings.config, "YAML file with settings")->envname("SIGNALBOX_CONFIG");
    add(command, "tenants", settings.tenants, "Folder of tenants' folders, or one tenant's folder");
    add(command, "store", settings.store,
        "sqlite:///relative.db, sqlite:////absolute.db or postgresql://user@host/database");
    add(command, "listen", settings.listen, "Address and port; port 0 takes a free one");
    add(command, "log-level", settings.log_level, "debug, info, warn, error or off");
    add(command, "log-format", settings.log_format, "json or text");
    add(command, "drain", settings.drain, "How long a stop waits for requests and deliveries in flight");
    add(command, "lease", settings.lease,
        "PostgreSQL: how long a daemon that has fallen silent keeps the store from others");
    add(command, "wait-for-owner", settings.wait_for_owner,
        "How long a start waits while another process owns the store, as a command does for a moment");
    command
        .add_flag("--standby", settings.standby,
                  "Wait while another daemon owns the store, and take it over when that one is gone")
        ->envname(env_name("standby"));
    add(command, "partitions", settings.partitions, "Partitions of a store that is made now");
    add(command, "journal-partition", settings.journal_partition,
        "PostgreSQL: time that one partition of the journal spans: day, week or month");
    add(command, "journal-partitions-ahead", settings.journal_partitions_ahead,
        "PostgreSQL: partitions of the journal that stand ready before their time");
    add(command, "checkpoints", settings.checkpoints,
        "File that gets the signed checkpoints, outside the store; none for none (default: beside the "
        "store)");
    add(command, "checkpoint-key", settings.checkpoint_key,
        "Private key they are signed with, made when it is not there (default: beside the checkpoints)");
    add(command, "checkpoint-rows", settings.checkpoint_rows,
        "A checkpoint after so many rows of the journal");
    add(command, "checkpoint-every", settings.checkpoint_every,
        "and after so long when there is anything new");
    command
        .add_flag("--checkpoints-required", settings.checkpoints_required,
                  "End rather than go on without checkpoints")
        ->envname(env_name("checkpoints-required"));
    command.add_flag("--accept-rollback", settings.accept_rollback,
                     "Serve a store that is behind its checkpoints, such as a restored backup; journaled");
    add(command, "batch-events-max", settings.batch_events_max, "Events decided in one commit");
    add(command, "turn-share", settings.turn_share,
        "Time in which events of one tenant are decided while others wait; who needs more has turns of its "
        "own");
    add(command, "intake-events-max", settings.intake_events_max,
        "Events waiting in memory; more are answered 503");
    add(command, "intake-tenant-percent", settings.intake_tenant_percent,
        "How much of --intake-events-max and --intake-waiting-max one tenant may take, where several are "
        "served");
    add(command, "lane-waiting-max", settings.lane_waiting_max, "Events waiting behind one blocked lane");
    add(command, "outbox-rows-max", settings.outbox_rows_max,
        "Deliveries waiting; over it intake is answered 503");
    add(command, "outbox-memory-max", settings.outbox_memory_max, "Deliveries held whole in memory");
    add(command, "timers-memory-max", settings.timers_memory_max,
        "Timers held in memory, those that are due next");
    add(command, "watched-max", settings.watched_max,
        "Counted events held in memory for other lanes, of each tenant");
    add(command, "body-bytes-max", settings.body_bytes_max, "Largest request body");
    add(command, "connections-max", settings.connections_max, "Open HTTP connections");
    add(command, "connections-per-address-max", settings.connections_per_address_max,
        "The same for one address");
    add(command, "cache-bytes", settings.cache_bytes, "Page cache of the store");
    add(command, "response-bytes-max", settings.response_bytes_max, "Largest answer of a destination");
    add(command, "intake-threads", settings.intake_threads,
        "Threads that read webhooks whose connector calls Lua; one keeps them in their order");
    add(command, "intake-waiting-max", settings.intake_waiting_max,
        "Webhooks that wait for these threads, by turns of their tenants; more are answered 503");
    add(command, "intake-script-deadline", settings.intake_script_deadline,
        "Time that the functions of one such webhook may take together; its items behind that are refused");
    add(command, "lookup-timeout", settings.lookup_timeout,
        "How long a script's look-up is tried; then the script is told that there is no answer");
    add(command, "lookups-max", settings.lookups_max, "Look-ups under way at once");
    add(command, "lookups-per-event-max", settings.lookups_per_event_max,
        "Look-ups that one event waits for, one after another");
    add(command, "lookup-answers-max", settings.lookup_answers_max,
        "Answers of look-ups that are kept for scripts that ask again");
    add_script_settings(command, settings);
}

Result<void> read_settings_file(CLI::App& command, const Settings& settings) {
    if (settings.config.empty()) return {};
    const auto text = read_input(settings.config, config_bytes_max);
    if (!text) return text.error();
    Diagnostics diagnostics;
    const auto root = parse_yaml(*text, settings.config, diagnostics);
    for (const auto& one : diagnostics.sorted()) return invalid(to_text(one));
    const auto names = setting_names(command);
    for (const auto& entry : root.entries) {
        if (std::find(names.begin(), names.end(), entry.key) == names.end()) return bad_key(entry, names);
        auto* option = command.get_option("--" + entry.key);
        if (option->count() > 0) continue;
        try {
            option->add_result(entry.value.text);
            option->run_callback();
        } catch (const CLI::Error& error) {
            return invalid(settings.config + ":" + std::to_string(entry.place.line) + ": " + error.what());
        }
    }
    return {};
}

}  // namespace engine::app
