#pragma once
/// Reads `<connection>.<action>` steps and checks them against what the connection's connector offers.

#include "rules/language/context.h"

namespace rules {

/// Whether the key has the form `<connection>.<action>`.
bool is_call(const std::string& key);

/// `map` is the whole step, with `as`, `save` and `order` beside the call.
std::optional<CallStep> read_call(const engine::YamlNode& map, const engine::YamlNode::Entry& entry,
                                  RuleContext& context);

}  // namespace rules
