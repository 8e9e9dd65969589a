#pragma once
/// CloudEvents 1.0 over HTTP: which mode a request is in, and the envelopes it carries. Pure.

#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/http/message.h"
#include "engine/model/event.h"

namespace engine::http {

enum class EventMode {
    structured,  ///< one envelope is the body
    batch,       ///< the body is a list of envelopes
    binary,      ///< attributes are headers, the body is the data
};

/// By Content-Type, then by the presence of `ce-` headers; nothing when the request carries no event we can
/// read.
std::optional<EventMode> event_mode(const RequestHead& head);

struct EventItem {
    Result<Event> event;
    std::string id;  ///< as sent, if it is a text; to name the item in the answer
};
/// The events in the order of the body; an item that is wrong stands as its error. Fails with invalid_input
/// when the body cannot be read at all, with exhausted when it has more items than `items_max` or passes the
/// limits of JSON.
Result<std::vector<EventItem>> read_events(EventMode mode, const Request& request, const TenantName& tenant,
                                           Instant received, std::size_t items_max);

}  // namespace engine::http
