#pragma once
/// RuleChanges: what one version of a tenant's files has that another has not, by file and by rule.

#include <set>
#include <string>

#include "engine/base/json.h"
#include "rules/language/load.h"

namespace engine {

struct Changes {
    std::set<std::string> added;
    std::set<std::string> removed;
    std::set<std::string> changed;
    bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
};

struct RuleChanges {
    Changes files;  ///< by path
    Changes rules;  ///< by id; what is written differently and says the same has not changed
};

/// Compares texts: what does not compile is compared as well as it can be read. Cases in `tests/` do not
/// count.
RuleChanges rule_changes(const rules::Files& before, const rules::Files& after);

/// `{"files":{"added":[…],"removed":[…],"changed":[…]},"rules":{…}}`; what is empty is left out.
Json to_json(const RuleChanges& changes);

}  // namespace engine
