#include "engine/pipeline/turn_shares.h"

#include <utility>

namespace engine {

void TurnShares::begin() {
    begin_for_all();
    is_for_all_ = false;
    if (by_turns_.empty() || std::exchange(was_for_one_, !was_for_one_)) return;
    only_ = by_turns_.front();
    by_turns_.pop_front();
    by_turns_.push_back(*only_);
}

void TurnShares::begin_for_all() {
    used_.clear();
    only_.reset();
    is_for_all_ = true;
}

bool TurnShares::serves(const TenantName& tenant) const {
    if (only_) return tenant == *only_;
    return is_for_all_ || slow_.empty() || !slow_.contains(tenant);
}

bool TurnShares::has_time(const TenantName& tenant) {
    const auto used = used_.find(tenant);
    if (used == used_.end() || used->second < share_) return true;
    if (slow_.insert(tenant).second) by_turns_.push_back(tenant);
    return false;
}

void TurnShares::took(const TenantName& tenant, Span span) {
    used_[tenant] += span;
}

void TurnShares::end() {
    if (only_ && used_[*only_] < share_ / 2) has_nothing();
}

void TurnShares::has_nothing() {
    if (!only_) return;
    slow_.erase(*only_);
    std::erase(by_turns_, *only_);
}

}  // namespace engine
