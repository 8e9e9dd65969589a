#pragma once
/// bench e2e: the whole path over HTTP, against the floors of the same machine in the same run.

#include <cstdint>
#include <string>

#include "engine/app/bench_past.h"
#include "engine/base/json.h"
#include "engine/base/result.h"

namespace engine::app {

struct BenchOptions {
    std::string program;          ///< what is run as the daemon; empty = this program
    std::string store;            ///< URL; empty = a fresh file that goes again
    std::size_t events = 50'000;  ///< of the part flat out
    double rate = 200;            ///< events per second of the part at a fixed rate
    double seconds = 10;          ///< of that part
    std::size_t connections = 192;
    std::size_t lanes = 20'000;
    std::size_t rules = 0;         ///< that fit no event, besides the one that does
    std::size_t unread_bytes = 0;  ///< of each webhook's body, that nothing is made of
    bool floors = true;
    PastOptions past;  ///< what the store has been through before
};

/// Times in milliseconds, memory in MB, rates per second.
struct BenchReport {
    std::string store;
    std::size_t events = 0;
    double events_per_s = 0;  ///< actions delivered, to the last one
    double floor_events_per_s = 0;
    double ack_p50_ms = 0;
    double ack_p99_ms = 0;
    double action_p50_ms = 0;
    double action_p99_ms = 0;
    double commit_p50_ms = 0;
    double roundtrip_p50_ms = 0;
    double roundtrip_p99_ms = 0;
    double cold_start_ms = 0;
    double rss_idle_mb = 0;
    double rss_mb = 0;  ///< the peak
    double cpu_us_per_event = 0;
    double floor_cpu_us_per_event = 0;
    std::size_t lost = 0;
    std::size_t duplicated = 0;
    std::size_t out_of_order = 0;
    std::size_t refused = 0;  ///< answered with something else than a 2xx
    std::string trouble;      ///< the first such answer, or broken connection
};

Json to_json(const BenchReport& report);
/// A table for people.
std::string render(const BenchReport& report);

/// Takes some ten seconds. Fails with unavailable when daemon, store or network cannot be had.
Result<BenchReport> run_bench(const BenchOptions& options);

}  // namespace engine::app
