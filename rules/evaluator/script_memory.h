#pragma once
/// ScriptMemory: what is known of scripts from one attempt at a decision to the next.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "rules/script.h"

namespace rules {

/// A decision whose script needs an answer is made again from its start. One decision's; one thread.
class ScriptMemory {
public:
    /// From the second attempt on outcomes are worth keeping.
    void begin_attempt() { ++attempts_; }

    /// What came of this very call, whatever answers it was given: an outcome that needed no more of them is
    /// the same with more. Null = it is not known.
    const ScriptOutcome* find(const ScriptCall& call) const {
        const auto [first, last] = known_.equal_range(call.seed);
        for (auto one = first; one != last; ++one)
            if (is_same(one->second.first, call)) return &one->second.second;
        return nullptr;
    }
    /// Whether there is something under the seed of a call.
    bool may_know(const std::string& seed) const { return known_.find(seed) != known_.end(); }
    void keep(const ScriptCall& call, const ScriptOutcome& outcome) {
        fuel_used_ += outcome.fuel_used;
        if (attempts_ > 1 && !outcome.need) known_.emplace(call.seed, std::pair(call, outcome));
    }
    /// On a run: what is made for it, sent and read included.
    void spend(std::chrono::nanoseconds time) { time_used_ += time; }
    /// Of all runs in all attempts.
    std::uint64_t fuel_used() const { return fuel_used_; }
    std::chrono::nanoseconds time_used() const { return time_used_; }

private:
    static bool is_same(const ScriptCall& one, const ScriptCall& other) {
        return one.file == other.file && one.function == other.function && one.now == other.now &&
               one.context == other.context;
    }

    std::multimap<std::string, std::pair<ScriptCall, ScriptOutcome>> known_;  ///< by seed
    std::uint64_t fuel_used_ = 0;
    std::chrono::nanoseconds time_used_{};
    int attempts_ = 0;
};

}  // namespace rules
