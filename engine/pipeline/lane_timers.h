#pragma once
/// LaneTimers: whether a lane has room for one timer more, as it is in the store and in what is decided.

#include <optional>
#include <set>
#include <string>

#include "engine/pipeline/decide_event.h"
#include "rules/evaluator/timer_room.h"

namespace engine {

/// Reads the lane's timers when it is asked first. Borrows the snapshot and the event.
class LaneTimers final : public rules::TimerRoom {
public:
    LaneTimers(Snapshot& snapshot, const Event& event) : snapshot_(snapshot), event_(event) {}

    bool has_room(std::size_t number, std::string_view name, std::span<const TimerChange> so_far,
                  std::size_t most) override;
    /// Why the lane could not be read: what was decided is worth nothing then.
    const std::optional<Error>& error() const { return error_; }

private:
    bool read();

    Snapshot& snapshot_;
    const Event& event_;
    std::optional<std::set<std::string, std::less<>>> names_;
    std::optional<Error> error_;
};

}  // namespace engine
