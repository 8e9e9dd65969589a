#pragma once
/// The embedded store: one SQLite file in WAL mode, for one owner and any number of readers.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/store/migrations.h"
#include "engine/store/store.h"

namespace engine {

/// Opens the file, making it (readable by its user only) unless `read_only`; `:memory:` is a store that ends
/// with the object. Fails with not_found, with unavailable, with corrupt, and with invalid_input for another
/// program's database and for a schema that is not this program's. A store belongs to the process that opened
/// it, never to a fork.
Result<std::unique_ptr<Store>> open_sqlite(const std::string& path, const OpenOptions& options = {});

/// What has been applied to the file and what has not; nothing is changed, nor made when there is no file.
Result<MigrationStatus> sqlite_migrations(const std::string& path);
/// Applies what is missing, all of it or nothing, and gives it; a store that is made gets so many partitions.
/// Fails with conflict while a process owns the store, with invalid_input for a schema that is not this
/// program's or another number of partitions than the store has.
Result<std::vector<Migration>> migrate_sqlite(const std::string& path, std::optional<int> partitions);

}  // namespace engine
