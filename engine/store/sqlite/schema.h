#pragma once
/// The schema of a SQLite store: making it, bringing it up to date, and knowing it again.

#include <optional>
#include <vector>

#include "engine/store/migrations.h"
#include "engine/store/sqlite/database.h"
#include "engine/store/store.h"

namespace engine {

/// Makes the schema in an empty database. Fails with invalid_input for another program's database and for a
/// schema that is not this program's, an older one included.
Result<StoreInfo> prepare_schema(Database& database, const OpenOptions& options);
/// What the store says of itself now.
Result<StoreInfo> read_info(Database& database);

/// Fails with invalid_input when another program has migrated the store since it was opened.
Result<void> check_schema(Database& database, int schema);

}  // namespace engine
