#pragma once
/// PayloadReadings: what an event's payload says to a matcher's slots, read from its bytes before the event's
/// turn comes.

#include <cstdint>
#include <memory>
#include <vector>

#include "rules/matcher/index_part.h"

namespace rules {

/// Immutable; any thread.
struct PayloadReadings {
    struct OfPart {
        std::shared_ptr<const IndexPart> index;  ///< whose slots; a matcher made later may still have it
        Readings readings;
        std::vector<std::uint8_t> said;  ///< 1 for each value field that the payload has a value for
    };
    std::vector<OfPart> parts;
};

}  // namespace rules
