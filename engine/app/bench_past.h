#pragma once
/// A store's past, made at once: journal, entities, known events and an outbox as years of work leave them.

#include <cstdint>

#include "engine/base/result.h"
#include "engine/store/store.h"

namespace engine::app {

struct PastOptions {
    std::uint64_t rows = 0;     ///< of the journal, three for an event
    std::uint64_t waiting = 0;  ///< deliveries that a receiver's absence has left to be tried again
    std::uint64_t lanes = 500'000;
};

/// Writes what the bench's tenant has been through, by ordinary commits: each event with its decision and its
/// delivery, which was in the outbox for a while. What waits is due in a year. Takes the store; it must have
/// no owner. Fails as the store fails.
Result<void> write_past(Store& store, const PastOptions& options);

}  // namespace engine::app
