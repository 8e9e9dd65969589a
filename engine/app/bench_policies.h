#pragma once
/// What policies cost: routing, scoring, tagging, sweeps, each beside a floor of the same run.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/app/bench_turns.h"
#include "engine/base/json.h"
#include "engine/base/result.h"

namespace engine::app {

struct PolicyBenchOptions {
    double seconds = 2;  ///< for each case, the floor included
    int turns = 5;
    std::uint32_t seed = 1;
};

struct RoutingBenchOptions : PolicyBenchOptions {
    std::size_t agents = 1'000;
    std::size_t waiting = 10'000;
    std::vector<std::size_t> queues{1, 10};  ///< each with a team of its own, agents dealt out evenly
};

struct ScoringBenchOptions : PolicyBenchOptions {
    std::vector<std::size_t> entries{10, 100, 1'000};  ///< of one score, half of which count events
    std::size_t counted = 50;                          ///< events that a lead has brought before
};

struct TaggingBenchOptions : PolicyBenchOptions {
    std::vector<std::size_t> patterns{100, 1'000, 5'000, 10'000};
};

struct SweepBenchOptions : PolicyBenchOptions {
    std::string store;  ///< empty; left out: a new file that is removed again
    std::vector<std::size_t> entities{10'000, 100'000};
    std::size_t one_in = 100;  ///< of so many one is what the rule is for
};

struct PolicyBenchRow {
    std::string what;  ///< is done once
    std::string floor;
    Json sizes = Json::object();
    TurnsCost cost;
    Json more = Json::object();  ///< further figures by name
};
using EachPolicyRow = std::function<void(const PolicyBenchRow&)>;

/// Each row as soon as it is measured. Fail as the store fails, and with corrupt when what was made up does
/// not do what it should.
Result<void> run_routing_bench(const RoutingBenchOptions& options, const EachPolicyRow& each);
Result<void> run_scoring_bench(const ScoringBenchOptions& options, const EachPolicyRow& each);
Result<void> run_tagging_bench(const TaggingBenchOptions& options, const EachPolicyRow& each);
Result<void> run_sweep_bench(const SweepBenchOptions& options, const EachPolicyRow& each);

Json to_json(const PolicyBenchRow& row);
std::string render(const PolicyBenchRow& row);

}  // namespace engine::app
