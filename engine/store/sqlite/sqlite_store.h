#pragma once
/// The embedded store: one SQLite file in WAL mode, for one owner and any number of readers.

#include <memory>
#include <string>

#include "engine/store/store.h"

namespace engine {

/// Opens the file, making it (readable by its user only) unless `read_only`; `:memory:` is a store that ends
/// with the object. Fails with not_found, with unavailable, with corrupt, and with invalid_input for another
/// program's database or one that a newer version wrote. A store belongs to the process that opened it, never
/// to a fork.
Result<std::unique_ptr<Store>> open_sqlite(const std::string& path, const OpenOptions& options = {});

}  // namespace engine
