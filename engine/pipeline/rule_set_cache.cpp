#include "engine/pipeline/rule_set_cache.h"

#include <algorithm>
#include <utility>

#include "engine/pipeline/tenant.h"

namespace engine {
namespace {

using Found = Result<std::shared_ptr<const Tenant>>;

Found compile(const TenantName& name, const std::string& version, const Json& files,
              const std::shared_ptr<rules::ScriptHost>& scripts) {
    auto loaded = tenant_of_files(name, files_from_json(files), scripts);
    if (loaded) return loaded;
    return Error{loaded.error().code,
                 "rule set " + version + " does not compile any more: " + loaded.error().message};
}

}  // namespace

Found RuleSetCache::get(Store& store, const TenantName& name, const std::string& version,
                        const std::shared_ptr<rules::ScriptHost>& scripts) {
    const auto held = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.version == version && entry.name == name;
    });
    if (held != entries_.end()) {
        entries_.splice(entries_.begin(), entries_, held);
        return held->found;
    }
    const auto files = store.rule_set(name, version);
    if (!files) return files.error();
    auto found = *files ? compile(name, version, **files, scripts)
                        : Found(not_found("the store has no rule set " + version));
    entries_.push_front({name, version, std::move(found)});
    if (entries_.size() > limit_) entries_.pop_back();
    return entries_.front().found;
}

}  // namespace engine
