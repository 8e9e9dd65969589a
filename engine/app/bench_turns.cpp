#include "engine/app/bench_turns.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace engine::app {
namespace {

constexpr double microseconds = 1e6;

Spread spread_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return {values[values.size() / 2], values.front(), values.back()};
}

double cost_of(const Timed& work, double seconds) {
    const auto done = work(seconds);
    return done.seconds / static_cast<double>(std::max<std::size_t>(done.times, 1)) * microseconds;
}

}  // namespace

TurnsCost measure_by_turns(const Timed& work, const Timed& floor, double seconds, int turns) {
    const auto turn = seconds / (2 * std::max(turns, 1));
    work(turn / 4);
    floor(turn / 4);
    std::vector<double> works, floors, ratios;
    for (int i = 0; i < std::max(turns, 1); ++i) {
        works.push_back(cost_of(work, turn));
        floors.push_back(cost_of(floor, turn));
        ratios.push_back(works.back() / floors.back());
    }
    return {spread_of(works), spread_of(floors), spread_of(ratios)};
}

Timed timed(std::function<double()> once) {
    return [once = std::move(once)](double seconds) {
        TimedWork done;
        do {
            done.seconds += once();
            ++done.times;
        } while (done.seconds < seconds);
        return done;
    };
}

double seconds_of(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace engine::app
