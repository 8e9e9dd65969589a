#pragma once
/// What a call of a script costs behind the walls, beside the same script in plain Lua.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace engine::app {

struct ScriptsBenchOptions {
    double seconds = 1;                          ///< of each measurement, in all of its rounds
    std::size_t rounds = 5;                      ///< by turns, of which the middle one counts
    std::vector<std::size_t> batches{1, 8, 64};  ///< calls that go to a worker together
    std::size_t turn_events = 64;                ///< decided in one turn
};

/// One script, one way to run it.
struct ScriptsBenchResult {
    std::string script;
    std::string host;       ///< plain, in_process or process
    std::size_t batch = 1;  ///< calls that went together
    double calls_per_s = 0;
    double p50_us = 0;  ///< of one call; of a batch, from its sending to its last answer
    double p99_us = 0;
    double cpu_us = 0;  ///< processor time of a call, here and in the worker; a busy machine disturbs it less
    double to_plain = 0;           ///< calls per second of plain Lua, as a multiple of these
    double to_in_process = 0;      ///< the same of the host in this process
    double cpu_to_in_process = 0;  ///< processor time, as a multiple of that of the host in this process
};

/// Decisions that run one script each, in turns as a daemon under load has them.
struct ScriptedDecisionsResult {
    std::string script;
    std::string host;  ///< in_process, one_by_one or together
    double decisions_per_s = 0;
    double p50_us = 0;  ///< of a whole turn
    double p99_us = 0;
    double to_in_process = 0;  ///< decisions per second with the host in this process, as a multiple of these
    double met = 0;            ///< share of runs that were done ahead, of `together`
};

struct ScriptsBenchReport {
    std::size_t context_bytes = 0;  ///< what a script is given, as JSON
    std::vector<ScriptsBenchResult> results;
    std::size_t turn_events = 0;
    std::vector<ScriptedDecisionsResult> decisions;
    std::uint64_t failures = 0;     ///< calls that did not come back as they should
    std::uint64_t differences = 0;  ///< scripts whose results were not the same everywhere
};

/// One of the scripts that are measured.
struct BenchedScript {
    const char* name;
    const char* source;
};

/// Adds the decisions that run the script, about an entity with these fields. Fails as the one below.
Result<void> bench_decisions(const BenchedScript& script, const Json& ticket,
                             const ScriptsBenchOptions& options, ScriptsBenchReport& report);

/// Fails with unavailable when no worker can be started.
Result<ScriptsBenchReport> run_scripts_bench(const ScriptsBenchOptions& options);

Json to_json(const ScriptsBenchReport& report);
std::string render(const ScriptsBenchReport& report);

}  // namespace engine::app
