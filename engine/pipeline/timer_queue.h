#pragma once
/// TimerQueue: the timers that are due next, in memory; those that are due later are in the store only.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/timer.h"
#include "engine/store/store.h"

namespace engine {

/// Follows what is committed. One thread.
class TimerQueue {
public:
    /// At most so many are kept; a change may add as many again before the last ones are let go.
    explicit TimerQueue(std::size_t memory_max) : memory_max_(std::max<std::size_t>(1, memory_max)) {}

    /// Reads those that are next and may fire: when what was read last is used up, the ones behind it, else
    /// the first ones, and all that was known before is forgotten. Fails as the store fails, and holds what
    /// it held then.
    Result<void> read(Store& store, const std::function<bool(const Timer&)>& may_fire);
    /// Those in memory are through, and the store may have more.
    bool needs_read() const { return by_due_.empty() && until_.has_value(); }
    /// What is committed by the step.
    void apply(const Step& step);

    /// When the first one is due; nothing when there is none in memory.
    std::optional<Instant> next_due() const;
    /// How many in memory are due.
    std::size_t count_due(Instant now) const;
    /// Those that are due, in order, taken out. Those that may not fire now stay.
    std::vector<Timer> take_due(
        Instant now, std::size_t limit,
        const std::function<bool(const Timer&)>& may_fire = [](const Timer&) { return true; });
    /// One of the store, which may fire now; in place of the one of that name.
    void set(const Timer& timer);

    std::size_t size() const { return by_due_.size(); }

private:
    /// The order in which timers fire.
    using Place = std::tuple<Instant, std::string, std::string, std::string>;  ///< due, subject, name, tenant
    using Lane = std::pair<std::string, std::string>;                          ///< tenant, subject
    static Place place_of(const Timer& timer);
    static Lane lane_of(const Timer& timer) { return {timer.tenant.text(), timer.subject.text()}; }

    void insert(const Timer& timer);
    void remove(const Timer& timer);
    void forget(const Lane& lane);
    void let_go();

    std::size_t memory_max_;
    std::map<Place, Timer> by_due_;
    std::map<Lane, std::map<std::string, Instant>> by_lane_;  ///< name → due, of those in memory
    /// Memory holds all up to this one, or held them; nothing = all there are.
    std::optional<Timer> until_;
};

}  // namespace engine
