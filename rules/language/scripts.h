#pragma once
/// Reads what rule files say of scripts: which function, and the limits of all of them.

#include <memory>
#include <optional>
#include <string>

#include "engine/base/yaml.h"
#include "rules/language/context.h"
#include "rules/language/load.h"
#include "rules/script.h"

namespace rules {

/// `connectors/forms/forms.lua`: what the connector's map cannot say.
bool is_connector_script(const std::string& name);

/// The files below `scripts/`, those of connectors and the rule files in Lua, with the limits that
/// tenant.yaml gives; null when there is none. Reports what is too big. How rules refer to a file says what
/// it is: finish it when they are read.
std::shared_ptr<ScriptSet> read_scripts(const Files& files, const std::string& tenant,
                                        const ScriptLimits& limits, Problems& problems);
void finish(ScriptSet& scripts);

/// `scripts: { fuel_max: 500000 }` of tenant.yaml.
ScriptLimits read_script_limits(const engine::YamlNode& node, Problems& problems);
std::vector<std::string> script_limit_names();

/// `scripts/vip.lua#is_vip`, or `scripts/vip.lua` where the file's own statements are the function.
std::optional<ScriptRef> read_script_ref(const engine::YamlNode& node, RuleContext& context);

/// `lua: scripts/vip.lua#is_vip` as a condition.
std::optional<Comparison> read_script_condition(const engine::YamlNode& node, RuleContext& context);

/// `lua: scripts/route.lua#run` or `lua: { script: scripts/route.lua#run, with: { … } }`.
std::optional<LuaStep> read_lua_step(const engine::YamlNode::Entry& entry, RuleContext& context);

}  // namespace rules
