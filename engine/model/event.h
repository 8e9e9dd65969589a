#pragma once
/// Event: a normalised fact, the content of a CloudEvents 1.0 envelope and what intake knows about it.

#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"
#include "engine/model/change.h"
#include "engine/model/subject.h"

namespace engine {

struct Event {
    TenantName tenant;
    EventId id;
    std::string source;
    std::string type;  ///< such as `ticket.created`
    Subject subject;
    std::optional<Instant> time;  ///< the vendor's time; without it nothing is ever stale
    Instant received{};
    std::string connection;            ///< empty for what comes through the events API or a file
    std::string actor;                 ///< who did it at the source; empty when unknown
    Json data = Json::object();        ///< one object a kind: `{"ticket": {…}, "contact": {…}}`
    Json extensions = Json::object();  ///< further envelope attributes, kept as they came
    bool full_merge = false;           ///< the payload is the whole entity: what it leaves out is removed
    bool urgent = false;
    int hops = 0;     ///< how many decisions led here; over the limit it goes no further
    int breadth = 1;  ///< into how many events the one from outside had branched on the way here, at most
    EventId cause;    ///< the event whose decision made this one; empty for outside events

    /// The time rules see: the vendor's, else when it was received.
    Instant occurred() const { return time.value_or(received); }
};

/// Reads a CloudEvents 1.0 object with JSON data. `id source specversion type subject` are required here. The
/// attributes this program adds (`connection actor hops breadth cause urgent fullmerge received`) are read
/// only when `own` is true: outside, nobody may claim them. Fails with invalid_input naming the attribute.
Result<Event> event_from_envelope(const TenantName& tenant, const Json& envelope, bool own = false);
/// The envelope as journaled: event_from_envelope(…, true) reads it back equal.
Json envelope_of(const Event& event);

}  // namespace engine
