#pragma once
/// Decisions, traces and differences as people read them.

#include <string>

#include "engine/base/json.h"

namespace engine::app {

/// A few lines: what came, what fired, what changed, what is sent.
std::string render_decision(const Json& decision);
/// Every rule: fired, or the conditions that did not hold with the values they saw.
std::string render_trace(const Json& trace);
/// A value in a line of text, cut when it is long.
std::string render_value(const Json& value);

}  // namespace engine::app
