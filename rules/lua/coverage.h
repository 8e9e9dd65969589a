#pragma once
/// CoverageHost: runs scripts in this process and notes which of their lines were run.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "rules/lua/sandbox.h"
#include "rules/script.h"

namespace rules {

/// Of one file.
struct Coverage {
    std::string file;
    std::set<int> lines;   ///< that have something to run
    std::set<int> missed;  ///< of them, those that were not
};

/// One thread.
class CoverageHost final : public ScriptHost {
public:
    std::vector<engine::Diagnostic> load(const std::shared_ptr<const ScriptSet>& scripts) override;
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) override;

    /// Of the set loaded last, by name.
    std::vector<Coverage> coverage() const;
    /// Lines of the file that were run.
    std::set<int> ran(const std::string& file) const;

private:
    ScriptLines ran_;
    std::map<const ScriptSet*, std::unique_ptr<Sandbox>> sandboxes_;
    const Sandbox* last_ = nullptr;
};

}  // namespace rules
