#pragma once
/// StoreUrl: which backend keeps the data, and where.

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace engine {

struct StoreUrl {
    enum class Backend { sqlite, postgresql };
    Backend backend = Backend::sqlite;
    /// Of SQLite: a file, or `:memory:`. Of PostgreSQL: the whole URL, which may hold a password.
    std::string location;

    bool in_memory() const { return backend == Backend::sqlite && location == ":memory:"; }
};

/// Reads `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite::memory:` and `postgresql://…`. The path
/// is taken as it stands, without percent-decoding. Fails with invalid_input; the message never holds the URL
/// of a server.
Result<StoreUrl> parse_store_url(std::string_view url);

}  // namespace engine
