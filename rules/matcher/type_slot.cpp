#include "rules/matcher/type_slot.h"

#include "engine/base/ensure.h"
#include "rules/matcher/matcher.h"

namespace rules {

void TypeSlot::learn(const std::string& pattern) {
    if (pattern == "*") {
        fits_all_ = true;
        return;
    }
    if (ids_of_patterns_.add(pattern) == patterns_.size()) patterns_.push_back(pattern);
}

void TypeSlot::freeze() {
    for (const auto& type : patterns_) {
        if (type.find('*') != std::string::npos) continue;
        std::vector<Code> found;
        find(type, found);
        types_.add(type);
        ids_of_types_.push_back(std::move(found));
    }
}

std::vector<Code> TypeSlot::ids_of(const std::vector<std::string>& patterns) const {
    std::vector<Code> ids;
    for (const auto& pattern : patterns) {
        const auto id = ids_of_patterns_.find(pattern);
        ENSURE(id);
        ids.push_back(*id);
    }
    return ids;
}

void TypeSlot::find(std::string_view event_type, std::vector<Code>& found) const {
    if (const auto known = types_.find(event_type)) {
        const auto& ids = ids_of_types_[*known];
        found.insert(found.end(), ids.begin(), ids.end());
        return;
    }
    for (Code id = 0; id < patterns_.size(); ++id)
        if (type_fits(patterns_[id], event_type)) found.push_back(id);
}

}  // namespace rules
