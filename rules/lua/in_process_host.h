#pragma once
/// InProcessHost: runs scripts in this process, for installations that trust them: the inner wall alone.

#include <chrono>
#include <list>
#include <memory>
#include <optional>

#include "rules/lua/sandbox.h"
#include "rules/script.h"

namespace rules {

/// One thread. Keeps a state for each of the script sets that were used last.
class InProcessHost final : public ScriptHost {
public:
    static constexpr std::size_t sandboxes_kept = 16;
    /// Runs have the deadline, without it that of their limits; all of a decision have so long together.
    explicit InProcessHost(std::size_t sandboxes_max = sandboxes_kept,
                           std::optional<std::chrono::milliseconds> deadline = std::nullopt,
                           std::chrono::milliseconds decision_time_max = std::chrono::milliseconds::max())
        : sandboxes_max_(sandboxes_max), deadline_(deadline), decision_time_max_(decision_time_max) {}

    std::vector<engine::Diagnostic> load(const std::shared_ptr<const ScriptSet>& scripts) override;
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) override;
    void settle() override;
    std::vector<std::string> code_of(const ScriptSet& scripts) override;
    std::chrono::milliseconds decision_time_max() const override { return decision_time_max_; }

private:
    ScriptLimits limits_of(const ScriptSet& scripts) const;
    Sandbox* kept(const ScriptSet& scripts);

    std::size_t sandboxes_max_;
    std::optional<std::chrono::milliseconds> deadline_;
    std::chrono::milliseconds decision_time_max_;
    std::list<std::unique_ptr<Sandbox>> sandboxes_;  ///< the last used first
};

}  // namespace rules
