#include "rules/lua/script_pauses.h"

namespace rules {

std::optional<ScriptPauses::Clock::time_point> ScriptPauses::until(const ScriptSet& scripts,
                                                                   const ScriptCall& call,
                                                                   Clock::time_point now) const {
    if (losses_.empty()) return std::nullopt;
    const auto found = losses_.find(key_of(scripts, call));
    if (found == losses_.end() || found->second.until <= now) return std::nullopt;
    return found->second.until;
}

void ScriptPauses::lost(const ScriptSet& scripts, const ScriptCall& call, Clock::time_point now) {
    if (losses_.size() >= functions_max) losses_.clear();
    auto& losses = losses_[key_of(scripts, call)];
    if (++losses.count < losses_max_) return;
    losses.count = losses_max_ - 1;
    losses.until = now + pause_;
}

void ScriptPauses::came_back(const ScriptSet& scripts, const ScriptCall& call) {
    if (!losses_.empty()) losses_.erase(key_of(scripts, call));
}

}  // namespace rules
