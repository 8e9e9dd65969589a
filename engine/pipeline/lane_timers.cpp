#include "engine/pipeline/lane_timers.h"

namespace engine {

bool LaneTimers::read() {
    if (names_ || error_) return !error_;
    const auto timers = snapshot_.timers(event_.tenant, event_.subject);
    if (!timers) {
        error_ = timers.error();
        return false;
    }
    names_.emplace();
    for (const auto& timer : *timers) names_->insert(timer.name);
    return true;
}

bool LaneTimers::has_room(std::size_t number, std::string_view name, std::span<const TimerChange> so_far,
                          std::size_t most) {
    if (const auto refused = snapshot_.timers_refused()) return !refused->contains(number);
    if (!read()) return true;
    auto names = *names_;
    std::size_t nameless = 0;
    for (const auto& change : so_far) {
        if (!change.due)
            names.erase(change.name);
        else if (change.name.empty())
            ++nameless;
        else
            names.insert(change.name);
    }
    return (!name.empty() && names.contains(name)) || names.size() + nameless < most;
}

}  // namespace engine
