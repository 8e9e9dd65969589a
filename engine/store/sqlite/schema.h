#pragma once
/// The schema of a SQLite store: making it, and knowing it again.

#include "engine/store/sqlite/database.h"
#include "engine/store/store.h"

namespace engine {

/// Makes the schema in an empty database. Fails with invalid_input for another program's database and for a
/// schema newer than this program's.
Result<StoreInfo> prepare_schema(Database& database, const OpenOptions& options);
/// What the store says of itself now.
Result<StoreInfo> read_info(Database& database);

}  // namespace engine
