#pragma once
/// Loads a tenant's folder: rules, fields, connectors, connections, into what the pipeline runs on.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "connectors/kit/connector.h"
#include "engine/base/diagnostic.h"
#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/pipeline/engine.h"

namespace engine {

struct FolderLimits {
    std::size_t files_max = 2'000;
    std::size_t file_bytes_max = 1024 * 1024;
    std::size_t total_bytes_max = 32 * 1024 * 1024;
};

/// Every `.yaml` and `.lua` file below the folder, by relative path. Symbolic links are not followed. Fails
/// with not_found when there is no such folder, with exhausted when a limit is passed.
Result<rules::Files> read_folder(const std::filesystem::path& folder, const FolderLimits& limits = {});

/// The tenant's name: `name` in tenant.yaml, else the folder's name.
TenantName tenant_name_of(const rules::Files& files, const std::filesystem::path& folder);

struct LoadOptions {
    bool secrets_required = false;
    connectors::SecretSource secrets;            ///< empty = the system's
    std::shared_ptr<rules::ScriptHost> scripts;  ///< called on any thread; null = scripts fail
    /// Finds the version before, or null: what stayed of its index is used again.
    std::function<std::shared_ptr<const Tenant>(const TenantName&)> previous;
};

/// Compiles the files; problems go to `diagnostics`, and with an error among them nothing is returned. Pure
/// but for the secrets.
std::shared_ptr<const Tenant> load_tenant(const TenantName& name, const rules::Files& files,
                                          const LoadOptions& options, Diagnostics& diagnostics);

/// A stored version, compiled again. Fails with corrupt when it does not compile any more.
Result<std::shared_ptr<const Tenant>> tenant_of_files(const TenantName& name, const rules::Files& files,
                                                      std::shared_ptr<rules::ScriptHost> scripts = nullptr);

Json files_to_json(const rules::Files& files);
rules::Files files_from_json(const Json& json);

}  // namespace engine
