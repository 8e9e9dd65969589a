#pragma once
/// The PostgreSQL backend of Store.

#include <memory>
#include <string>

#include "engine/store/store.h"

namespace engine {

/// Opens the database that the `postgresql://` URL names; an empty one is set up unless `options` say read
/// only. Fails with unavailable when the server cannot be reached, with not_found when there is no store in
/// the database, with invalid_input when it is another schema's than this program's or the server does not
/// keep what it was told (fsync or full_page_writes are off).
Result<std::unique_ptr<Store>> open_postgres(const std::string& url, const OpenOptions& options = {});

}  // namespace engine
