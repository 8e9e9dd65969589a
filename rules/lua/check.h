#pragma once
/// What can be said of scripts without running them: names that nothing knows, and calls that cannot be
/// meant.

#include <memory>
#include <string>
#include <vector>

#include "engine/base/diagnostic.h"
#include "rules/rule_set.h"
#include "rules/script.h"

namespace rules {

/// What is to be looked at.
struct ScriptCheck {
    std::shared_ptr<const ScriptSet> scripts;
    std::vector<std::string> kinds;
    std::vector<ScriptRef> references;  ///< that rules and connectors make, with file, function and place
};

/// Problems of the files, in their order: `script-syntax`, `unknown-global` (a name that is read and that
/// neither the libraries nor the file itself make), `unknown-script-function` (a member that a library or ctx
/// does not have) and `script-arguments` (too few or too many), and what `mistakes_in` tells of. `kinds` are
/// what `ctx` has besides its own, such as `ticket` and `contact`; with none all are taken for known.
/// Compiles the files in this process.
std::vector<engine::Diagnostic> check_scripts(const ScriptSet& scripts,
                                              const std::vector<std::string>& kinds);

/// `dangling-script` for each reference to a function that the table of its file has not. Of the files that
/// compile; runs their statements in this process.
std::vector<engine::Diagnostic> check_functions(const std::shared_ptr<const ScriptSet>& scripts,
                                                const std::vector<ScriptRef>& references);

/// Both of them, in this process.
std::vector<engine::Diagnostic> problems_of(const ScriptCheck& asked);

}  // namespace rules
