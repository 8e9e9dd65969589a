#pragma once
/// Mistakes in scripts that can be seen without knowing more of the tenant than its scripts.

#include <string>
#include <vector>

#include "engine/base/diagnostic.h"
#include "rules/lua/globals.h"
#include "rules/lua/script_words.h"
#include "rules/script.h"

namespace rules {

/// Borrows everything.
struct ScriptInQuestion {
    const ScriptFile& file;
    const ScriptWords& words;
    const ScriptSet& scripts;
    const std::vector<std::string>& kinds;  ///< what `ctx` has besides its own, such as `ticket`
};

/// Of a file that compiles: `global-variable` (made without `local`), `lost-write` (an assignment to what is
/// below ctx), `no-result` (of a function that gives none), `unused-result` (of one that does nothing else),
/// `script-arguments` (a colon where a dot belongs), `wrong-type` and `unknown-key` (constants that the API
/// does not take), `bad-value` (a span that is none) and `dangling-script` (a file that is required and not
/// there).
void add_mistakes(const ScriptInQuestion& script, const std::vector<GlobalUse>& globals,
                  engine::Diagnostics& found);

}  // namespace rules
