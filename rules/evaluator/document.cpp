#include "rules/evaluator/document.h"

#include <utility>

#include "engine/base/ensure.h"
#include "rules/evaluator/condition.h"

namespace rules {
namespace {

using engine::Json;
using Keys = std::span<const std::string>;

/// The member, when it is an object to go on into.
Json* object_in(Json& object, const std::string& key) {
    const auto member = object.find(key);
    return member != object.end() && member->is_object() ? &*member : nullptr;
}

Json nested(Keys keys, Json value) {
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
        Json outer = Json::object();
        outer.emplace(*key, std::move(value));
        value = std::move(outer);
    }
    return value;
}

}  // namespace

Document::Document(Json fields) : fields_(fields.is_object() ? std::move(fields) : Json::object()) {}

const Json* Document::find(Keys keys) const {
    return find_below(fields_, keys);
}

void Document::put(Keys keys, Json value) {
    ENSURE(!keys.empty());
    if (value.is_null() && find(keys) == nullptr) return;
    Json* at = &fields_;
    std::size_t depth = 0;
    while (depth + 1 < keys.size()) {
        auto* inner = object_in(*at, keys[depth]);
        if (!inner) break;
        at = inner;
        ++depth;
    }
    // From here down everything is new, so taking back this one member takes back all of it.
    const auto member = at->find(keys[depth]);
    std::optional<Json> before;
    if (member != at->end()) before = std::move(*member);
    undo_.push_back({keys.first(depth + 1), std::move(before)});
    if (value.is_null())
        at->erase(keys[depth]);
    else
        (*at)[keys[depth]] = nested(keys.subspan(depth + 1), std::move(value));
}

void Document::undo_to(std::size_t mark) {
    while (undo_.size() > mark) {
        set(fields_, undo_.back().keys, std::move(undo_.back().before));
        undo_.pop_back();
    }
}

void Document::set(Json& object, Keys keys, std::optional<Json> value) {
    if (keys.size() > 1) return set(object[keys.front()], keys.subspan(1), std::move(value));
    if (value)
        object[keys.front()] = std::move(*value);
    else
        object.erase(keys.front());
}

}  // namespace rules
