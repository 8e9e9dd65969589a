#pragma once
/// CoverageWorker: what CoverageHost tells, of scripts that run in a process of their own.

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rules/lua/coverage.h"
#include "rules/lua/worker.h"

namespace rules {

/// One thread. Lines that were run shortly before a worker was lost may be told as missed.
class CoverageWorker final : public ScriptHost {
public:
    /// The command is one of workers whose host is a CoverageHost. A worker is kept as long as it lives.
    explicit CoverageWorker(WorkerOptions options);

    std::vector<engine::Diagnostic> load(const std::shared_ptr<const ScriptSet>& scripts) override;
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) override;

    /// Of the set loaded last, by name.
    std::vector<Coverage> coverage();
    std::vector<pid_t> processes() const { return host_.processes(); }

private:
    void take_stock();

    WorkerHost host_;
    std::shared_ptr<const ScriptSet> last_;
    std::map<std::string, Coverage> known_;  ///< by file
    std::size_t runs_ = 0;
};

}  // namespace rules
