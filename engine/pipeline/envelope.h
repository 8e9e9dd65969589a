#pragma once
/// The bytes of an event as it is journaled.

#include <string>
#include <string_view>

#include "engine/model/event.h"

namespace engine {

/// canonical_json(envelope_of(event)), given canonical_json(event.data): every event is written this way, so
/// no JSON value is made for it.
std::string canonical_envelope(const Event& event, std::string_view canonical_data);

}  // namespace engine
