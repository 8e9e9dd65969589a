#include "engine/pipeline/rule_set_cache.h"

#include <algorithm>
#include <utility>

#include "engine/pipeline/tenant.h"

namespace engine {
namespace {

Result<std::shared_ptr<const Tenant>> read(Store& store, const TenantName& name, const std::string& version) {
    auto files = store.rule_set(name, version);
    if (!files) return files.error();
    if (!*files) return std::shared_ptr<const Tenant>();
    auto loaded = tenant_of_files(name, files_from_json(**files));
    return loaded ? *std::move(loaded) : std::shared_ptr<const Tenant>();
}

}  // namespace

Result<std::shared_ptr<const Tenant>> RuleSetCache::get(Store& store, const TenantName& name,
                                                        const std::string& version) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.version == version && entry.name == name;
    });
    if (found != entries_.end()) {
        entries_.splice(entries_.begin(), entries_, found);
        return entries_.front().tenant;
    }
    auto tenant = read(store, name, version);
    if (!tenant) return tenant;
    entries_.push_front({name, version, *tenant});
    if (entries_.size() > limit_) entries_.pop_back();
    return tenant;
}

}  // namespace engine
