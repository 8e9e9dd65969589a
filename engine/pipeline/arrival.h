#pragma once
/// Arrival: an event from outside with all that can be said of it before its turn comes.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/hash.h"
#include "engine/model/event.h"
#include "engine/pipeline/engine.h"

namespace engine {

/// Made by the thread that takes the event in, so that the worker need not.
struct Arrival {
    std::shared_ptr<const Event> event;  ///< as the journal will have it
    std::string data;                    ///< canonical_json(event->data)
    Digest digest{};                     ///< content_digest of it
    /// What the data's bytes say to the tenant's rules; null when nobody asks or the tenant is not known.
    std::shared_ptr<const rules::PayloadReadings> payload;
};

/// SHA-256 over what the sender said; when it was received does not count. `canonical_data` is
/// canonical_json(event.data).
Digest content_digest(const Event& event, std::string_view canonical_data);

/// `tenant`, the one whose rules will probably decide, may be null.
Arrival arrival_of(Event event, const Tenant* tenant);
/// Each with the tenant it is of, as `tenant_of` knows it.
std::vector<Arrival> arrivals_of(
    std::vector<Event> events,
    const std::function<std::shared_ptr<const Tenant>(const TenantName&)>& tenant_of);

}  // namespace engine
