#pragma once
/// What the floors of all backends are told: the rows of an event, and how many.

#include <cstddef>

namespace engine {

/// Sizes in bytes of what an event leaves behind.
struct RowSizes {
    std::size_t event = 0;      ///< body of the event's journal row
    std::size_t decision = 0;   ///< of the decision's
    std::size_t delivered = 0;  ///< of the delivery's
    std::size_t outbox = 0;     ///< body of the outbox row
    std::size_t fields = 0;     ///< of the entity
    std::size_t meta = 0;
    std::size_t subject = 0;
    std::size_t event_id = 0;
};

struct FloorOptions {
    RowSizes sizes;
    std::size_t events = 0;
    std::size_t lanes = 1;
    std::size_t events_per_commit = 100;
    int partitions = 16;
    std::size_t cache_bytes = 16u * 1024 * 1024;
};

}  // namespace engine
