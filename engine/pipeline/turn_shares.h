#pragma once
/// TurnShares: how much of a worker's time the events of each tenant may have, so that none keeps the others
/// waiting.

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "engine/base/time.h"
#include "engine/model/event.h"

namespace engine {

/// One thread. A tenant whose events have used up the share has its turns by itself from then on, by turns
/// with those of all others, until it uses less than half of it. Only which tenant's events are decided first
/// depends on this, never what becomes of them, nor the order of one tenant's events.
class TurnShares {
public:
    using Span = std::chrono::steady_clock::duration;

    /// Zero = everybody has all the time there is.
    explicit TurnShares(Duration share) : share_(std::chrono::duration_cast<Span>(share)) {}

    bool limits() const { return share_ > Span::zero(); }
    /// Before a turn is filled: chooses whose it is.
    void begin();
    /// Before a turn in which everybody is served, slow or not.
    void begin_for_all();
    /// Whose turn this is; nothing = it is everybody's but those that are slow.
    const std::optional<TenantName>& only() const { return only_; }
    bool serves(const TenantName& tenant) const;

    /// Whether the tenant has some of its share of this turn left. If not, the rest of its events are for
    /// another turn.
    bool has_time(const TenantName& tenant);
    void took(const TenantName& tenant, Span span);
    /// After the turn.
    void end();
    /// The tenant whose turn it was has nothing that waits.
    void has_nothing();

    std::size_t slow() const { return slow_.size(); }

private:
    Span share_;
    std::set<TenantName> slow_;
    std::deque<TenantName> by_turns_;  ///< those, the next one first
    bool was_for_one_ = false;
    bool is_for_all_ = false;
    std::optional<TenantName> only_;
    std::map<TenantName, Span> used_;  ///< of this turn
};

}  // namespace engine
