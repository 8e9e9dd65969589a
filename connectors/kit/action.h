#pragma once
/// What rendering, classifying and simulating an action share.

#include <string>

#include "connectors/kit/definition.h"
#include "engine/base/result.h"

namespace connectors {

/// Fails with invalid_input when the connector has no such action, or no such look-up.
engine::Result<const Operation*> find_action(const Connection& connection, const std::string& action);
engine::Result<const Operation*> find_lookup(const Connection& connection, const std::string& lookup);

/// The parameters as templates see them: defaults filled in, nulls left out unless the parameter is sent as
/// null, numbers and booleans as text where a text is wanted. Fails with invalid_input naming the parameter.
engine::Result<Json> checked_params(const Operation& operation, const Json& params);

}  // namespace connectors
