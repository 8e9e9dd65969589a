#pragma once
/// How a daemon fares with timers: many that wait, and some that are due.

#include <cstdint>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace engine::app {

struct TimersBenchOptions {
    std::string store;                  ///< empty; left out: a new file that is removed again
    std::uint64_t waiting = 1'000'000;  ///< due in a year
    int rate = 1'000;                   ///< due in each second, besides
    double seconds = 10;                ///< for so long
    std::string program;                ///< the executable; empty = this one
};

struct TimersBenchReport {
    std::string store;
    std::uint64_t waiting = 0;
    int rate = 0;
    std::uint64_t due = 0;
    std::uint64_t fired = 0;
    std::uint64_t lost = 0;
    std::uint64_t doubled = 0;
    double cold_start_ms = 0;  ///< from exec to the first 200 on /readyz, with all of them in the store
    /// How far behind its due time the decision of a timer was, by the decision's clock, from the moment on
    /// at which the daemon was ready.
    double lag_p50_ms = 0;
    double lag_p99_ms = 0;
    double lag_max_ms = 0;
    double rss_ready_mb = 0;
    double rss_peak_mb = 0;
};

/// Fails as the store and the daemon fail, and with invalid_input for a store in memory.
Result<TimersBenchReport> run_timers_bench(const TimersBenchOptions& options);

Json to_json(const TimersBenchReport& report);
std::string render(const TimersBenchReport& report);

}  // namespace engine::app
