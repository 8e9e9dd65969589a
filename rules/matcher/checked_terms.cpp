#include "rules/matcher/checked_terms.h"

#include "engine/base/ensure.h"

namespace rules {

void CheckedTerms::add(std::uint32_t rule, bool exact, const std::vector<Asked>& checks) {
    ENSURE(checks_.size() < std::size_t{1} << 31);
    terms_.push_back({rule, static_cast<std::uint32_t>(checks_.size()) & 0x7FFFFFFF, exact ? 1U : 0U});
    for (const auto& [slot, codes] : checks) {
        const auto& ranges = codes->ranges();
        checks_.push_back({static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(ranges_.size()),
                           static_cast<std::uint32_t>(ranges.size())});
        ranges_.insert(ranges_.end(), ranges.begin(), ranges.end());
    }
}

void CheckedTerms::close() {
    terms_.push_back({0, static_cast<std::uint32_t>(checks_.size()) & 0x7FFFFFFF, 0});
}

}  // namespace rules
