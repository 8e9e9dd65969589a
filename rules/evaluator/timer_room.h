#pragma once
/// TimerRoom: whether the entity may have one timer more.

#include <cstddef>
#include <span>
#include <string_view>

#include "engine/model/decision.h"

namespace rules {

/// One decision's. One thread.
class TimerRoom {
public:
    virtual ~TimerRoom() = default;
    /// The decision asks for the `number`-th time, from 0, for a timer of that name (empty: the rest of a
    /// rule, which is like no other); `so_far` is what it has set and cancelled. Less than `most` may be
    /// there.
    virtual bool has_room(std::size_t number, std::string_view name,
                          std::span<const engine::TimerChange> so_far, std::size_t most) = 0;
};

}  // namespace rules
