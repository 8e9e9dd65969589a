#pragma once
/// What an event brings to its decision besides its payload, kept in its envelope so that it can be decided
/// again.

#include "engine/base/json.h"
#include "engine/model/event.h"
#include "engine/pipeline/decide_event.h"

namespace engine {

/// The extension of our own events (source `signalbox:…`) that holds it; outsiders cannot send that source.
inline constexpr auto context_extension = "context";

/// `{"presets": [{field,value,rule}], "resume": continuation, "changes": [{field,from,to,actor}]}`, each only
/// when there is one.
Json context_of(const Work& work);
/// Work as it was first decided: reads the context back.
Work work_of(std::shared_ptr<const Event> event);

/// What the source of an event begins with that Signalbox itself made.
inline constexpr std::string_view own_source = "signalbox:";
bool is_own_source(std::string_view source);

}  // namespace engine
