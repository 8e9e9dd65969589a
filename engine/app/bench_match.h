#pragma once
/// How fast the rules that fit an event are found, from its bytes, beside the bare parse of the same bytes
/// and a look at every rule.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/app/bench_match_set.h"

namespace engine::app {

struct MatchBenchOptions {
    std::vector<std::string> profiles;  ///< none: all
    std::vector<std::size_t> counts{10, 100, 1'000, 10'000, 100'000};
    std::size_t events = 2'000;
    std::uint32_t seed = 1;
    double seconds = 1;        ///< of each measurement
    std::string workload;      ///< a folder of engine-neutral sets, instead of profiles
    std::string rules_folder;  ///< a tenant's folder, instead of both, with
    std::string events_file;
};

struct MatchBenchResult {
    std::string profile;
    std::size_t rules = 0;
    double events_per_s = 0;
    double p50_us = 0, p99_us = 0;
    double build_ms = 0;
    double bytes_per_rule = 0;
    double naive_events_per_s = 0;
    double parse_floor_events_per_s = 0;
    double matches_per_event = 0;
    std::optional<double> instructions_per_event;  ///< where the kernel tells
    std::uint64_t compared = 0;                    ///< events whose rules were compared
    std::uint64_t mismatches = 0;                  ///< of those
};

/// Calls `done` after each set. Fails as reading the sets fails.
Result<void> run_match_bench(const MatchBenchOptions& options,
                             const std::function<void(const MatchBenchResult&)>& done);

Json to_json(const MatchBenchResult& result);
std::string match_bench_head();
std::string render(const MatchBenchResult& result);

}  // namespace engine::app
