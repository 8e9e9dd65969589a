#pragma once
/// Reads rule files in Lua: what they say of their rule, as the tree that a rule file in YAML gives.

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/yaml.h"
#include "rules/language/problems.h"

namespace rules {

/// `{ rules: [ … ] }` with the file's one rule, its conditions as they are written and its functions as `lua`
/// in `when` and `then`. Null when the file has not the form of one. Nothing of it is run. Reports
/// `lua-rule`, `computed-value` and what single values may have.
engine::YamlNode read_lua_rule_file(const std::string& name, std::string_view source, Problems& problems);

/// What `rule.…` may be.
std::vector<std::string> lua_rule_names();

}  // namespace rules
