#pragma once
/// The floor of PostgreSQL: what the server itself takes for the rows of an event. For measurements.

#include <string>

#include "engine/base/result.h"
#include "engine/store/floor.h"

namespace engine {

/// Writes the rows that the store writes for events with one delivery each (in the journal event, decision
/// and delivered; entity, seen; outbox row, which goes again with the next commit) with the store's own
/// statement, over one connection, into a database of its own on that server, which is removed again. Nothing
/// is computed, looked up or hashed. Returns events per second. The login may create databases.
Result<double> postgres_batch_floor(const std::string& url, const FloorOptions& options);

}  // namespace engine
