#pragma once
/// Decisions, traces and differences as people read them.

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/json.h"

namespace engine::app {

/// A few lines: what came, what fired, what changed, what is sent.
std::string render_decision(const Json& decision);
/// The body of a row of the journal of that kind.
std::string render_body(std::string_view kind, const Json& body);
/// Every rule: fired, or the conditions that did not hold with the values they saw.
std::string render_trace(const Json& trace);
/// A value in a line of text, cut behind so many characters.
std::string render_value(const Json& value, std::size_t length_max = 100);

/// With so many digits behind the point.
std::string rounded(double value, int digits);

}  // namespace engine::app
