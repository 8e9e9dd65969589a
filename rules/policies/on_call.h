#pragma once
/// On-call: who is called at an instant, by turns that people hand over at a local time, and by what was
/// agreed on for once. Pure: it follows from the schedule and the instant.

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/time.h"
#include "rules/calendar/calendar.h"
#include "rules/calendar/zone.h"

namespace rules {

/// One layer. Its turns are counted in local time, so all hand over at the same local times of day, and one
/// with a change of clocks in it is longer or shorter than others. A hand-over that clocks skip is at the
/// first instant after it, one whose time comes twice at the first.
struct OnCallRotation {
    std::vector<std::vector<std::string>>
        turns;                              ///< ids of people, in order; not empty, begins again at its end
    std::chrono::hours every{};             ///< of local time that a turn has; positive
    std::chrono::local_days starts{};       ///< before its first hand-over there is nobody
    std::chrono::seconds hand_over{};       ///< since midnight
    std::shared_ptr<const Calendar> hours;  ///< outside of it there is nobody; null = always somebody
    std::optional<std::chrono::local_days> until;  ///< from hand_over of that day on there is nobody
};

struct OnCallOverride {
    std::vector<std::string> who;  ///< empty = nobody
    engine::Instant from{};
    engine::Instant until{};
};

/// Of overrides that hold, the last in the list says who is on call; when none holds, the last rotation that
/// has somebody.
struct OnCallSchedule {
    std::string id;
    Zone zone;
    std::vector<OnCallRotation> rotations;
    std::vector<OnCallOverride> overrides;
    engine::Place place;
};

/// One after another with the same people, in the same order, are one.
struct OnCallShift {
    engine::Instant from{};
    engine::Instant until{};       ///< left out
    std::vector<std::string> who;  ///< empty = nobody
    bool overridden = false;       ///< by an override; in a list, for a part of it at least
    bool operator==(const OnCallShift&) const = default;
};

/// Farther away from the instant than that no change is looked for.
inline constexpr std::chrono::days on_call_looked{366};
/// Farther than that no shifts are listed.
inline constexpr std::chrono::days on_call_listed{5 * 366};

/// Who is on call then, since when, and until when: on_call_looked before it and after it at the farthest.
OnCallShift on_call_at(const OnCallSchedule& schedule, engine::Instant at);
/// The first `max` shifts from one instant to another, cut off at both. None is missing between them: where
/// nobody is on call, there is a shift of nobody.
std::vector<OnCallShift> shifts_between(const OnCallSchedule& schedule, engine::Instant from,
                                        engine::Instant to, std::size_t max);

}  // namespace rules
