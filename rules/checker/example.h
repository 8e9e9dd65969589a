#pragma once
/// Example: an event that shows what a finding says, in the shape that a dry run takes.

#include <optional>
#include <string>

#include "engine/base/json.h"
#include "engine/model/decision.h"
#include "rules/checker/supposition.h"
#include "rules/matcher/matcher.h"
#include "rules/rule_set.h"

namespace rules {

struct Example {
    engine::Json event;   ///< the envelope
    engine::Json entity;  ///< what was known before, by kind; null = nothing
};

/// `{"at", "event", "entity"?}`: the request of a dry run.
engine::Json to_json(const Example& example);

/// The supposition as an event about an entity of the kind; nothing when no event from outside can bring it
/// about.
std::optional<Example> example_of(const Supposition& world, const std::string& kind);

/// Decides it as a dry run would, the merge included.
engine::Decision decide(const RuleSet& rule_set, const Matcher& matcher, const Example& example);

}  // namespace rules
