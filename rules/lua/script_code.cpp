#include "rules/lua/script_code.h"

#include <algorithm>
#include <numeric>

namespace rules {

std::list<ScriptCode::Set>::iterator ScriptCode::known(const ScriptSet& scripts) {
    return std::find_if(sets_.begin(), sets_.end(), [&](const Set& set) {
        return set.tenant == scripts.tenant && set.version == scripts.version &&
               set.files->size() == scripts.files.size();
    });
}

std::shared_ptr<const ScriptCode::Files> ScriptCode::find(const ScriptSet& scripts) {
    const std::lock_guard lock(mutex_);
    const auto found = known(scripts);
    if (found == sets_.end()) return nullptr;
    sets_.splice(sets_.begin(), sets_, found);
    return found->files;
}

void ScriptCode::keep(const ScriptSet& scripts, Files files) {
    const auto bytes = std::accumulate(files.begin(), files.end(), std::size_t(0),
                                       [](std::size_t sum, const auto& file) { return sum + file.size(); });
    const bool is_whole =
        files.size() == scripts.files.size() &&
        std::none_of(files.begin(), files.end(), [](const auto& file) { return file.empty(); });
    if (!is_whole || bytes > bytes_max_) return;
    const std::lock_guard lock(mutex_);
    if (known(scripts) != sets_.end()) return;
    sets_.push_front(
        {scripts.tenant, scripts.version, std::make_shared<const Files>(std::move(files)), bytes});
    bytes_ += bytes;
    while (sets_.size() > sets_max_ || bytes_ > bytes_max_) {
        bytes_ -= sets_.back().bytes;
        sets_.pop_back();
    }
}

void ScriptCode::forget(const ScriptSet& scripts) {
    const std::lock_guard lock(mutex_);
    const auto found = known(scripts);
    if (found == sets_.end()) return;
    bytes_ -= found->bytes;
    sets_.erase(found);
}

}  // namespace rules
