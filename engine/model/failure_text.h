#pragma once
/// A failed rule in one line, as people read it.

#include <string>

#include "engine/base/json.h"

namespace engine {

/// `score-lead: scripts/enrich.lua:12: attempt to index a nil value`, of a failure as a decision's JSON has
/// it.
std::string failure_text(const Json& failure);

}  // namespace engine
