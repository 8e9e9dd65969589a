#pragma once
/// The PostgreSQL backend of Store.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/store/migrations.h"
#include "engine/store/store.h"

namespace engine {

/// Opens the database that the `postgresql://` URL names; an empty one is set up unless `options` say read
/// only. Fails with unavailable when the server cannot be reached, with not_found when there is no store in
/// the database, with invalid_input when it is another schema's than this program's or the server does not
/// keep what it was told (fsync or full_page_writes are off).
Result<std::unique_ptr<Store>> open_postgres(const std::string& url, const OpenOptions& options = {});

/// What has been applied to the database and what has not; nothing is changed.
Result<MigrationStatus> postgres_migrations(const std::string& url);
/// Applies what is missing, all of it or nothing, and gives it; a store that is made gets so many partitions.
/// Fails with conflict while a process owns the store, with invalid_input for a schema that is not this
/// program's or another number of partitions than the store has.
Result<std::vector<Migration>> migrate_postgres(const std::string& url, std::optional<int> partitions);

}  // namespace engine
