#pragma once
/// What several commands share: opening stores, loading folders, saying what went wrong.

#include <memory>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/pipeline/engine.h"
#include "engine/pipeline/tenant.h"
#include "engine/store/store.h"

namespace engine::app {

/// Opens the store that the URL names. Fails with invalid_input for a URL that is none, with unavailable when
/// there is no store.
Result<std::unique_ptr<Store>> open_store(const std::string& url, const OpenOptions& options = {});
/// The same for what only reads; a daemon may serve the store meanwhile.
Result<std::unique_ptr<Store>> open_for_reading(const std::string& url);
/// An empty store in memory.
Result<std::unique_ptr<Store>> scratch_store();

/// Prints `signalbox: message` to stderr and gives the exit code the error stands for.
int complain(const Error& error);
int complain(int code, const std::string& message);

/// Loads a folder and prints its diagnostics to stderr (or, with `json`, nothing). Null when it has errors.
struct Loaded {
    std::shared_ptr<const Tenant> tenant;
    Diagnostics diagnostics;
    std::optional<Error> error;  ///< the folder could not be read at all
};
Loaded load_folder(const std::string& folder, const LoadOptions& options = {});
void print_diagnostics(const Diagnostics& diagnostics, const std::string& folder);

/// The whole of a file, or of standard input for `-`. Fails with not_found or exhausted.
Result<std::string> read_input(const std::string& path, std::size_t bytes_max);

/// The only tenant of the store, or the named one. Fails with invalid_input when there are several.
Result<TenantName> choose_tenant(Store& store, const std::string& name);

/// How many threads prove a journal unless told: one a core.
int verify_threads();

bool colours_wanted(int descriptor);

}  // namespace engine::app
