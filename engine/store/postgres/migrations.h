#pragma once
/// The migrations of a PostgreSQL store: the scripts of schema/sql/postgres.

#include <vector>

#include "engine/store/migrations.h"
#include "engine/store/postgres/connection.h"

namespace engine::postgres {

/// Those of this program, by number.
const std::vector<Migration>& migrations();

/// Fails with invalid_input when the database has migrations that this program does not know, or others of
/// the same number.
Result<MigrationStatus> migration_status(Connection& connection);

/// Applies what is missing in one transaction and gives it; two programs may do so at once. A store made now
/// gets so many partitions. Fails with conflict while a process owns the store: it would
/// go on with a schema that it does not know. An owner that has fallen silent for the time of its lease is
/// fenced.
Result<std::vector<Migration>> migrate(Connection& connection, int partitions);

}  // namespace engine::postgres
