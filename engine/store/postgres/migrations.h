#pragma once
/// Migrations: the numbered scripts of schema/sql/postgres, each applied once, whole, and never changed
/// after.

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/store/postgres/connection.h"

namespace engine::postgres {

struct Migration {
    int number = 0;
    std::string name;
    std::string script;
    std::string checksum;  ///< SHA-256 of the script, in hex
};
/// Those of this program, by number.
const std::vector<Migration>& migrations();

struct MigrationStatus {
    std::vector<Migration> applied;  ///< without scripts
    std::vector<Migration> missing;
    bool empty() const { return applied.empty(); }
};
/// Fails with invalid_input when the database has migrations that this program does not know, or others of
/// the same number.
Result<MigrationStatus> migration_status(Connection& connection);

/// Applies what is missing, each in a transaction of its own; `partitions` is that of a store made now. Two
/// programs may do so at once.
Result<void> migrate(Connection& connection, int partitions);

}  // namespace engine::postgres
