#include <algorithm>

#include "rules/evaluator/condition.h"

namespace rules {
namespace {

using engine::Json;

Json list_of(const std::vector<engine::Change>& changes) {
    Json list = Json::array();
    for (const auto& change : changes) list.push_back(engine::to_json(change));
    return list;
}

}  // namespace

const Json* find_below(const Json& root, std::span<const std::string> keys) {
    const Json* at = &root;
    for (const auto& key : keys) {
        const auto* members = at->get_ptr<const Json::object_t*>();
        if (!members) return nullptr;
        const auto member = members->find(key);
        if (member == members->end()) return nullptr;
        at = &member->second;
    }
    return at;
}

void Scope::set(std::string_view root, const Json* value) {
    const auto known =
        std::find_if(roots_.begin(), roots_.end(), [&](const Root& entry) { return entry.name == root; });
    if (known == roots_.end())
        roots_.push_back({root, value});
    else
        known->value = value;
}

bool Scope::has(std::string_view root) const {
    return std::any_of(roots_.begin(), roots_.end(),
                       [&](const Root& entry) { return entry.value != nullptr && entry.name == root; });
}

const Json* Scope::find(const engine::Path& path) const {
    if (path.empty()) return nullptr;
    return find(path.front(), std::span(path).subspan(1));
}

const Json* Scope::find(std::string_view root, std::span<const std::string> keys) const {
    for (const auto& entry : roots_)
        if (entry.name == root) return entry.value ? find_below(*entry.value, keys) : nullptr;
    if (root == "event") return event ? event->find(keys) : nullptr;
    if (root == "sla") return sla ? find_below(*sla, keys) : nullptr;
    if (root == "escalations") return escalations ? find_below(*escalations, keys) : nullptr;
    return keys.empty() ? computed(root) : nullptr;
}

const Json* Scope::computed(std::string_view root) const {
    if (root == "now")
        computed_ = engine::to_text(now);
    else if (root == "changes" && changes)
        computed_ = list_of(*changes);
    else
        return nullptr;
    return &computed_;
}

}  // namespace rules
