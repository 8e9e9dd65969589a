#pragma once
/// WorkerHost: runs scripts in processes of their own, which can do nothing but compute. Whatever becomes of
/// one, the daemon goes on.

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "rules/lua/coverage.h"
#include "rules/lua/script_pauses.h"
#include "rules/lua/worker_pool.h"
#include "rules/script.h"

namespace rules {

/// One thread, the same from the first call to the end: the kernel ends workers with the thread that started
/// them.
///
/// A worker serves one tenant and is never given another one. A worker that is lost costs one retry in a new
/// one; then the call fails with a message that begins with `script_crashed`.
class WorkerHost final : public ScriptHost {
public:
    explicit WorkerHost(WorkerOptions options = {});

    std::vector<engine::Diagnostic> load(const std::shared_ptr<const ScriptSet>& scripts) override;
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) override;
    std::size_t together_max() const override { return options_.batch_calls_max; }
    std::chrono::milliseconds decision_time_max() const override { return options_.decision_time_max; }
    std::vector<ScriptOutcome> run_all(const std::shared_ptr<const ScriptSet>& scripts,
                                       std::span<const ScriptCall> calls,
                                       const std::function<void()>& meanwhile = {}) override;

    /// Which lines of the set its worker has run; of one whose scripts a CoverageHost runs. Empty when there
    /// is no such worker, or not any more.
    std::vector<Coverage> coverage(const std::shared_ptr<const ScriptSet>& scripts);

    /// Ends workers that had nothing to do for long; what is called later does so too.
    void rest() { pool_.rest(); }
    WorkerStats stats() const;
    std::map<std::string, double> figures() override;
    /// Processes that have a tenant, the one used last first.
    std::vector<pid_t> processes() const;

private:
    /// Why there is no answer.
    struct Loss {
        std::string message;
        std::string limit = {};
        bool may_pass = false;  ///< in another worker
        bool took_worker = false;
    };
    using Outcomes = std::vector<ScriptOutcome>;

    using Scripts = std::shared_ptr<const ScriptSet>;
    using Meanwhile = std::function<void()>;

    /// Calls that were sent to the worker used last, whose outcomes are not read yet.
    struct UnderWay {
        std::size_t count = 0;
        const ScriptLimits& limits;
        Outcomes& outcomes;
        std::chrono::steady_clock::time_point begin;
        bool is_over = false;
        std::optional<Loss> loss = {};
    };

    std::optional<Loss> ask(const Scripts& scripts, std::span<const ScriptCall> calls, Outcomes& outcomes,
                            const Meanwhile& meanwhile = {});
    void read_what_is_under_way();
    std::size_t send_calls(Worker& worker, std::span<const ScriptCall> calls, std::string& refusal);
    std::variant<Frame, Loss> wait_for_outcome(WorkerProcess& worker, std::chrono::milliseconds deadline);
    std::optional<Loss> read_outcomes(Worker& worker, const ScriptLimits& limits, std::size_t count,
                                      Outcomes& outcomes);
    bool run_alone(const Scripts& scripts, const ScriptCall& call, Outcomes& outcomes);
    void run_one_by_one(const Scripts& scripts, std::span<const ScriptCall> calls, Outcomes& outcomes);
    void answer(Outcomes& outcomes, ScriptOutcome outcome);
    void fail(const ScriptCall& call, const Loss& loss, Outcomes& outcomes);
    std::optional<Loss> pause_of(const Scripts& scripts, const ScriptCall& call) const;
    std::size_t count_together(const Scripts& scripts, std::span<const ScriptCall> calls) const;

    std::optional<engine::Diagnostic> memory_error(const ScriptLimits& limits) const;
    std::chrono::milliseconds deadline_of(const ScriptLimits& limits) const;
    std::optional<Loss> ask_to_load(const Scripts& scripts, std::vector<engine::Diagnostic>& diagnostics);
    std::optional<Loss> send_set(Worker& worker, const Scripts& scripts,
                                 std::vector<engine::Diagnostic>& diagnostics);
    std::optional<Loss> read_loaded(Worker& worker, const Scripts& scripts,
                                    std::vector<engine::Diagnostic>& diagnostics);
    bool has_room_for(const Worker& worker, const ScriptLimits& limits) const;
    void drop_set(Worker& worker, std::list<WorkerSet>::iterator set);
    Loss lose(WorkerTrouble trouble);

    WorkerOptions options_;
    WorkerStats stats_;
    WorkerPool pool_{options_, stats_};
    ScriptPauses pauses_{options_.losses_max, options_.pause};
    UnderWay* under_way_ = nullptr;
    std::uint64_t last_id_ = 0;
    std::uint64_t last_set_ = 0;
};

}  // namespace rules
