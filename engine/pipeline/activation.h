#pragma once
/// Activation: a rule set goes live, on record.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/pipeline/engine.h"
#include "engine/pipeline/tenant.h"
#include "engine/store/store.h"

namespace engine {

/// How a rule set came to be active; `via` in the journal.
namespace activated_via {
inline constexpr auto folder = "folder";      ///< found in the tenant's folder
inline constexpr auto push = "push";          ///< sent by a person
inline constexpr auto rollback = "rollback";  ///< an earlier one, taken back by a person
}  // namespace activated_via

/// The command that makes a stored rule set live: {"version", "via", "message"}.
inline constexpr auto activate_command = "rules.activate";

/// Who makes a rule set live, and why.
struct ActivatedBy {
    std::string via = activated_via::folder;
    std::string actor = "engine";
    std::string message;
};

/// A row of kind `activation`, as read back.
struct Activation {
    std::uint64_t seq = 0;  ///< in the control stream
    Instant time{};
    std::string version;
    std::string previous;  ///< the version before; empty for the first
    ActivatedBy by;
    std::uint64_t rules = 0;
    Json changed = Json::object();  ///< rule_changes from the version before
};

/// All of the tenant's, oldest first. Reads its whole control stream. Fails as the store fails.
Result<std::vector<Activation>> activations(Store& store, const TenantName& tenant);

/// The version the control stream activated last; empty when there was none.
Result<std::string> active_version(Store& store, const TenantName& tenant);

/// What says which rule set is live, to be journaled again because retention takes away the control stream's
/// rows up to `through_seq`: the last activation, and the last one of the folder. Fails as the store fails.
Result<std::vector<NewRecord>> carried_activations(Store& store, const TenantName& tenant,
                                                   std::uint64_t through_seq);

/// Keeps the tenant's files by version, without its cases. Any handle that may write does so.
Result<void> keep_rule_set(Store& store, const Tenant& tenant);

/// Keeps the rule set and journals its activation in the tenant's control stream. Returns false, and
/// does nothing, when this version is the active one. Needs ownership. Fails as the store fails.
Result<bool> activate(Store& store, const Tenant& tenant, const ActivatedBy& by, Instant now);

/// Whether a folder that holds this version says something new: it is not what the folder held when it was
/// last looked at. What was pushed since stays otherwise.
bool is_news(const std::vector<Activation>& known, std::string_view folder_version);

/// At the start: makes the folders' news live, and takes what was pushed, with and without a folder, from the
/// store. Returns whom to serve. Fails as the store fails, and with invalid_input when a pushed rule set does
/// not compile here.
Result<Tenants> take_up(Store& store, const Tenants& folders, const LoadOptions& load, Instant now);

/// A stored version, compiled to be served. Fails with not_found when the store has none, with invalid_input,
/// naming every error, when it does not compile.
Result<std::shared_ptr<const Tenant>> stored_tenant(Store& store, const TenantName& name,
                                                    const std::string& version, const LoadOptions& load);

/// The rule set that is active, compiled; null when none is. Fails as stored_tenant does.
Result<std::shared_ptr<const Tenant>> active_tenant(Store& store, const TenantName& name);

}  // namespace engine
