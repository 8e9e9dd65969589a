#pragma once
/// What can be said of scripts without running them: names that nothing knows, and calls that cannot be
/// meant.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/diagnostic.h"
#include "rules/rule_set.h"
#include "rules/script.h"

namespace rules {

/// A call of the API that names something of the tenant's: `ctx.action("slack.post_message", { text = … })`.
struct ScriptUse {
    std::string function;                                       ///< `ctx.action`
    std::string name;                                           ///< `slack.post_message`
    std::vector<std::pair<std::string, engine::Place>> params;  ///< keys of the table that follows
    bool has_all_params = false;  ///< the table is written out, so that there are no others
    engine::Place place;
};

/// Problems of the files, in their order: `script-syntax`, `unknown-global` (a name that is read and that
/// neither the libraries nor the file itself make), `unknown-script-function` (a member that a library or ctx
/// does not have) and `script-arguments` (too few or too many). `kinds` are what `ctx` has besides its own,
/// such as `ticket` and `contact`; with none all are taken for known. Compiles the files in this process.
std::vector<engine::Diagnostic> check_scripts(const ScriptSet& scripts,
                                              const std::vector<std::string>& kinds);

/// `dangling-script` for each reference to a function that the table of its file has not. Of the files that
/// compile; runs their statements in this process.
std::vector<engine::Diagnostic> check_functions(const std::shared_ptr<const ScriptSet>& scripts,
                                                const std::vector<const ScriptRef*>& references);

/// The file's calls of `ctx.action`, `ctx.call` and `ctx.emit` whose first argument is a literal.
std::vector<ScriptUse> uses_of(const ScriptFile& file);

}  // namespace rules
