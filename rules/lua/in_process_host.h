#pragma once
/// InProcessHost: runs scripts in this process, for installations that trust them: the inner wall alone.

#include <list>
#include <memory>

#include "rules/lua/sandbox.h"
#include "rules/script.h"

namespace rules {

/// One thread. Keeps a state for each of the script sets that were used last.
class InProcessHost final : public ScriptHost {
public:
    static constexpr std::size_t sandboxes_kept = 16;
    /// Sets that give their runs longer than `deadline_max` are not run.
    explicit InProcessHost(std::size_t sandboxes_max = sandboxes_kept,
                           std::chrono::milliseconds deadline_max = std::chrono::milliseconds::max())
        : sandboxes_max_(sandboxes_max), deadline_max_(deadline_max) {}

    std::vector<engine::Diagnostic> load(const std::shared_ptr<const ScriptSet>& scripts) override;
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) override;

private:
    Sandbox* kept(const ScriptSet& scripts);

    std::size_t sandboxes_max_;
    std::chrono::milliseconds deadline_max_;
    std::list<std::unique_ptr<Sandbox>> sandboxes_;  ///< the last used first
};

}  // namespace rules
