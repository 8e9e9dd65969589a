#pragma once
/// Migrations: the numbered scripts of a store's schema, each applied once, whole, and never changed after.

#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace engine {

/// A script of this program.
struct Migration {
    int number = 0;
    std::string name;
    std::string script;
    std::string checksum;  ///< SHA-256 of the script, in hex
};
Migration migration(int number, const char* name, const char* script);

/// What a store says of a script that was applied to it.
struct AppliedMigration {
    int number = 0;
    std::string name;
    std::string checksum;
    std::string applied;  ///< when, as RFC 3339; empty when the store was made before that was noted
    std::string program;  ///< the version that did it; empty likewise
};

struct MigrationStatus {
    std::vector<AppliedMigration> applied;
    std::vector<Migration> missing;
    int partitions = 0;  ///< 0 while there is no store
    bool empty() const { return applied.empty(); }
};

/// Fails with invalid_input when the store has migrations that are not among `known`, or others of the same
/// number.
Result<MigrationStatus> compare_migrations(const std::vector<Migration>& known,
                                           std::vector<AppliedMigration> applied);

/// Fails with invalid_input, saying what to do, when something is missing in a store that is not empty.
Result<void> check_complete(const MigrationStatus& status);

/// The number of partitions is fixed when a store is made: fails with invalid_input when another is wanted.
Result<void> check_wanted_partitions(const MigrationStatus& status, std::optional<int> wanted);

}  // namespace engine
