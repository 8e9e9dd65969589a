#pragma once
/// Measures two things by turns, so that a machine that wanders slows down both.

#include <cstddef>
#include <functional>

namespace engine::app {

/// So often it was done in so long.
struct TimedWork {
    std::size_t times = 0;
    double seconds = 0;
};
/// Does its work for about so many seconds of the time that it counts.
using Timed = std::function<TimedWork(double seconds)>;

/// Of several turns.
struct Spread {
    double median = 0;
    double from = 0;
    double to = 0;
};

/// Of doing it once.
struct TurnsCost {
    Spread us;
    Spread floor_us;
    Spread ratio;  ///< within each turn: how many floors it costs
};

/// Each has a turn that does not count, to warm up.
TurnsCost measure_by_turns(const Timed& work, const Timed& floor, double seconds, int turns);

/// Only what `once` says it took counts, in seconds; so it can put right what it has changed.
Timed timed(std::function<double()> once);

/// How long it took, in seconds.
double seconds_of(const std::function<void()>& work);

}  // namespace engine::app
