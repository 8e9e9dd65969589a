#pragma once
/// Entity: what events are about, a versioned document.

#include <map>
#include <optional>
#include <string>

#include "engine/base/json.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"
#include "engine/model/subject.h"

namespace engine {

/// The vendor time of each field's last write by the vendor. Most fields share one time, so only the others
/// are listed.
struct FieldTimes {
    std::optional<Instant> base;                           ///< of every field that is not listed
    std::map<std::string, std::optional<Instant>> others;  ///< dotted field without the kind → its time
    friend bool operator==(const FieldTimes&, const FieldTimes&) = default;
};

/// A field that a rule wrote and whose write-back the vendor has not confirmed yet.
struct OwnWrite {
    Json before =
        Json::array();     ///< the values it replaced; a payload that repeats one is an echo of the past
    DeliveryKey delivery;  ///< the newest write-back that carries the field
    friend bool operator==(const OwnWrite&, const OwnWrite&) = default;
};

struct Entity {
    TenantName tenant;
    Subject subject;
    std::uint64_t version = 0;  ///< 0 = never seen; one more with each decision that changed it
    bool deleted = false;       ///< a tombstone
    Json fields = Json::object();
    FieldTimes times;
    Json sla = Json::object();     ///< its clocks of service levels, as rules/policies keeps them
    Json scores = Json::object();  ///< what its scores are made of, as rules/policies keeps it
    Json routing =
        Json::object();            ///< its escalations and its place in a queue, as rules/policies keeps them
    Json rates = Json::object();   ///< its events that rates count, as rules/policies keeps them
    Json awaited = Json::array();  ///< the events that rules of its lane wait for, as the pipeline keeps them
    std::map<std::string, OwnWrite> own_writes;  ///< dotted field without the kind → our undelivered write

    bool known() const { return version > 0; }
    friend bool operator==(const Entity&, const Entity&) = default;
};

/// Until when decisions of other lanes look at what is kept with the entity: for good where it is escalated
/// or has a place at the desk, else as long as that place (`routing.place.until`) and `rates.until` say;
/// nothing = they do not.
std::optional<Instant> watched_until(const Entity& entity);

/// What is stored beside the fields: times, own writes, the tombstone.
Json meta_to_json(const Entity& entity);
/// Fails with corrupt.
Result<void> meta_from_json(Entity& entity, const Json& meta);

}  // namespace engine
