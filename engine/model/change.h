#pragma once
/// Change: one field of an entity got another value.

#include <string>

#include "engine/base/json.h"

namespace engine {

/// Absent is null: the two are one.
struct Change {
    std::string field;  ///< dotted, with the kind: `ticket.custom.seats`
    Json from;
    Json to;
    std::string rule;   ///< the rule that wrote it; empty for what the payload brought
    std::string actor;  ///< who did it at the source; empty when unknown or a rule
    friend bool operator==(const Change&, const Change&) = default;
};

/// `{"field","from","to"}`, with `rule` when there is one.
Json to_json(const Change& change);

}  // namespace engine
