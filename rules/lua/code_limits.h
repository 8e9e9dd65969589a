#pragma once
/// What compiled scripts may be, so that a worker that takes another one's place is ready in some
/// milliseconds, whatever a tenant has written.

#include <string>
#include <vector>

#include "rules/script.h"

namespace rules {

/// Of all files of a set together, in bytes. Usual scripts are compiled to less than twice their source; one
/// can be written whose names stand in its code eighty times.
std::size_t code_bytes_max(const ScriptLimits& limits);

/// Why the code of a set takes too long to load, or is too large; empty = it is neither.
std::string why_too_dear(const std::vector<std::string>& code, const ScriptLimits& limits);

}  // namespace rules
