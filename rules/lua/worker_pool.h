#pragma once
/// WorkerPool: the worker processes of one host, each of one tenant for as long as it lives.

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rules/lua/script_code.h"
#include "rules/lua/worker_process.h"
#include "rules/script.h"

namespace rules {

/// What workers are and may use.
struct WorkerOptions {
    /// Program and words of a worker; the last word, its memory, is added. The link names the very file that
    /// runs, also when another one has got its name.
    std::vector<std::string> command{"/proc/self/exe", "script-worker"};
    std::size_t workers_max = 4;                 ///< that have a tenant; besides, one stands ready
    bool one_ready = true;                       ///< not worth it for a command that runs a few scripts
    std::size_t sets_max = 4;                    ///< versions of a tenant's scripts kept compiled
    std::size_t memory_bytes_max = 256U << 20U;  ///< of a worker, besides the program itself
    std::chrono::milliseconds idle_max{60'000};  ///< without a run; then a worker ends
    std::chrono::milliseconds busy_max{30'000};  ///< of work in all; then another takes its place
    std::chrono::milliseconds grace{50};         ///< on top of a run's own deadline, by the clock on the wall
    std::chrono::milliseconds patience{1'000};   ///< for one that is kept from its processor
    /// Shared by hosts that run scripts of the same tenants; null = each worker compiles for itself.
    std::shared_ptr<ScriptCode> code;
    std::optional<std::chrono::milliseconds> deadline;  ///< of a run; without it that of its limits
    std::chrono::milliseconds decision_time_max = std::chrono::milliseconds::max();  ///< of all of a decision
    std::chrono::milliseconds load_deadline{5'000};                                  ///< for compiling a set
    std::chrono::milliseconds start_deadline{5'000};
    std::size_t losses_max = 3;               ///< workers that a function loses in a row; then it rests
    std::chrono::milliseconds pause{60'000};  ///< for so long
    std::size_t batch_calls_max = 64;         ///< under way at once
    std::size_t call_bytes_max = 16U << 20U;  ///< of a call, or of a set, on its way
};

/// Counts since the start, for metrics.
struct WorkerStats {
    std::uint64_t runs = 0;                       ///< calls that were answered, in whatever way
    std::uint64_t loads = 0;                      ///< sets that were sent to a worker
    std::uint64_t starts = 0;                     ///< of workers
    std::uint64_t restarts = 0;                   ///< of workers in the place of one that was lost
    std::uint64_t crashes = 0;                    ///< workers that ended by themselves
    std::uint64_t forgeries = 0;                  ///< workers that sent what is no answer
    std::uint64_t deadlines = 0;                  ///< workers that did not answer in time
    std::uint64_t retries = 0;                    ///< calls that were sent once more
    std::uint64_t script_crashes = 0;             ///< calls that failed because workers were lost
    std::uint64_t paused = 0;                     ///< calls that failed at once, because their function rests
    std::map<std::string, std::uint64_t> limits;  ///< runs that ended at a limit, by its name
    std::size_t workers = 0;                      ///< that have a tenant, now
    std::size_t batch_calls_most = 0;             ///< that were under way at once
};

/// A set that a worker has compiled.
struct WorkerSet {
    std::shared_ptr<const ScriptSet> scripts;
    std::uint64_t number = 0;  ///< by which the worker knows it
    std::size_t answer_bytes_max = 0;
};

struct Worker {
    std::string tenant;
    std::unique_ptr<WorkerProcess> process;
    std::list<WorkerSet> sets;  ///< the one used last first
    std::chrono::steady_clock::duration busy{};
    std::chrono::steady_clock::time_point used{};
};

/// One thread.
class WorkerPool {
public:
    WorkerPool(const WorkerOptions& options, WorkerStats& stats) : options_(options), stats_(stats) {}

    /// The tenant's worker, which is started if it has none; the one not used for longest ends when there are
    /// too many. Valid until the next call. Fails with unavailable.
    engine::Result<Worker*> worker_of(const std::string& tenant);
    /// Ends the worker used last, and says what happened to it.
    std::string lose(WorkerTrouble trouble);
    /// Ends workers that had nothing to do for long.
    void rest();
    /// Starts one for whoever is next, without waiting for it.
    void keep_one_ready();

    const std::list<Worker>& workers() const { return workers_; }
    Worker& used_last() { return workers_.front(); }

private:
    engine::Result<std::unique_ptr<WorkerProcess>> take_process();
    engine::Result<std::unique_ptr<WorkerProcess>> start_process();

    const WorkerOptions& options_;
    WorkerStats& stats_;
    std::list<Worker> workers_;  ///< the one used last first
    std::unique_ptr<WorkerProcess> ready_;
};

}  // namespace rules
