#pragma once
/// Rehearsal: events on what is said to be known, on a virtual clock, in a store of its own: what cases of
/// rule tests and dry runs over a span of time are made of.

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/model/decision.h"
#include "engine/model/event.h"
#include "engine/pipeline/answers.h"
#include "engine/pipeline/engine.h"
#include "engine/store/store.h"

namespace engine {

/// Makes an empty store that is thrown away.
using ScratchStore = std::function<Result<std::unique_ptr<Store>>()>;

struct Rehearsal {
    /// What is known before, in the shape of an event's data: the first event's own entity, and others.
    Json known = Json::object();
    std::vector<Event> events;  ///< at least one
    std::optional<Instant> at;  ///< where the clock begins; without it at the first event
    Duration advance{};         ///< how far it goes on after the last event, for timers that are due
    std::shared_ptr<AnswerSource> answers = nullptr;  ///< what look-ups find; null = nothing
};

/// Every decision, in order: of the events, of what they emit, and of timers. Nothing is delivered. Fails as
/// the store fails.
Result<std::vector<Decision>> rehearse(const std::shared_ptr<const Tenant>& tenant, Rehearsal rehearsal,
                                       const ScratchStore& scratch);

}  // namespace engine
