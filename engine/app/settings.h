#pragma once
/// Settings of the daemon: flags over environment over file over defaults.

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace CLI {
class App;
}

namespace engine::app {

struct Settings {
    std::string config;
    std::string tenants = "tenants";
    std::string store = "sqlite:///signalbox.db";
    std::string listen = "127.0.0.1:8080";
    std::string log_level = "info";
    std::string log_format = "json";
    std::string drain = "20s";          ///< how long a stop waits for what is in flight
    std::string lease = "10s";          ///< of a server's store: how long a silent owner keeps it from others
    std::string wait_for_owner = "2s";  ///< how long a start waits while another process owns the store
    bool standby = false;               ///< and as long as it does
    int partitions = 16;                ///< of a store that is made
    std::string journal_partition = "month";  ///< of a server's store: the span of the journal's partitions
    int journal_partitions_ahead = 2;         ///< and how many stand ready
    std::string checkpoints;     ///< file of signed checkpoints; empty = beside the store; `none`
    std::string checkpoint_key;  ///< empty = beside the checkpoints
    std::size_t checkpoint_rows = 1'000;
    std::string checkpoint_every = "60s";
    bool checkpoints_required = false;  ///< without them the daemon ends
    bool accept_rollback = false;       ///< this once
    std::size_t batch_events_max = 256;
    std::string turn_share = "50ms";         ///< of the deciding thread's time in one turn, for each tenant
    std::size_t intake_tenant_percent = 75;  ///< of what may wait, for each of several tenants
    std::size_t intake_events_max = 10'000;
    std::size_t lane_waiting_max = 10'000;
    std::size_t outbox_rows_max = 1'000'000;
    std::size_t outbox_memory_max = 20'000;
    std::size_t timers_memory_max = 10'000;
    std::size_t watched_max = 1'000'000;
    std::size_t body_bytes_max = 1024 * 1024;
    std::size_t connections_max = 1024;
    std::size_t connections_per_address_max = 256;
    std::size_t cache_bytes = 16u * 1024 * 1024;   ///< the store's page cache
    std::size_t response_bytes_max = 1024 * 1024;  ///< of a destination's answer
    std::size_t intake_threads = 1;                ///< for webhooks whose connector calls Lua
    std::size_t intake_waiting_max = 1'000;        ///< webhooks that wait for these threads
    std::string intake_script_deadline = "500ms";  ///< of what one of them calls, together
    std::string lookup_timeout = "10s";            ///< of what a script asks a connection for
    std::size_t lookups_max = 64;                  ///< under way at once
    int lookups_per_event_max = 16;                ///< that an event waits for, one after another
    std::size_t lookup_answers_max = 10'000;       ///< kept for scripts that ask again
    std::string script_isolation = "process";      ///< or in_process
    std::size_t script_workers_max = 4;            ///< processes that run scripts, each of one tenant
    std::size_t script_sets_max = 4;               ///< versions of a tenant's scripts kept compiled
    std::size_t script_batch_calls_max = 64;       ///< of one way there and back
    std::size_t script_losses_max = 3;             ///< processes in a row that a function may lose
    std::string script_pause = "1m";               ///< for which it rests then
    std::size_t script_memory_bytes_max = 256u * 1024 * 1024;  ///< of a worker
    std::string script_deadline = "50ms";                      ///< of a run
    std::string script_decision_time = "250ms";                ///< of all runs of a decision
    std::string script_grace = "50ms";                         ///< after its deadline a run is killed
    std::string script_patience = "1s";  ///< or as long, if the machine kept it from its processor
    std::string script_load_deadline = "5s";
    std::string script_idle = "60s";  ///< then a worker ends
};

/// Adds every setting as an option with its environment variable `SIGNALBOX_<NAME>`.
void add_settings(CLI::App& command, Settings& settings);

/// Fills what neither flag nor environment gave from the YAML file named by `config`, whose keys are the
/// options' names without dashes in front. Fails with invalid_input naming file, line and the nearest key.
Result<void> read_settings_file(CLI::App& command, const Settings& settings);

}  // namespace engine::app
