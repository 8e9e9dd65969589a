#pragma once
/// ScriptTimers: the names of timers that a script sets by ctx.after, as far as they are written there.

#include <set>
#include <string>

#include "rules/script.h"

namespace rules {

struct ScriptTimers {
    std::set<std::string> names;
    bool has_others = false;  ///< some names are known only when it runs
};

ScriptTimers timers_set_by(const ScriptFile& file);

}  // namespace rules
