#include "rules/lua/coverage_in_worker.h"

#include <algorithm>
#include <iterator>

namespace rules {
namespace {

// So many runs at most are not counted when a worker is lost.
constexpr std::size_t stock_runs = 200;

WorkerOptions lasting(WorkerOptions options) {
    options.one_ready = false;
    options.idle_max = options.busy_max = std::chrono::hours(24);
    return options;
}

}  // namespace

CoverageWorker::CoverageWorker(WorkerOptions options) : host_(lasting(std::move(options))) {}

std::vector<engine::Diagnostic> CoverageWorker::load(const std::shared_ptr<const ScriptSet>& scripts) {
    auto problems = host_.load(scripts);
    last_ = scripts;
    known_.clear();
    take_stock();
    return problems;
}

ScriptOutcome CoverageWorker::run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) {
    auto outcome = host_.run(scripts, call);
    if (++runs_ % stock_runs == 0) take_stock();
    return outcome;
}

void CoverageWorker::take_stock() {
    if (!last_) return;
    for (auto& one : host_.coverage(last_)) {
        const auto [known, is_new] = known_.try_emplace(one.file, one);
        if (is_new) continue;
        // Another worker begins with none.
        std::set<int> missed;
        std::set_intersection(known->second.missed.begin(), known->second.missed.end(), one.missed.begin(),
                              one.missed.end(), std::inserter(missed, missed.end()));
        known->second.missed = std::move(missed);
    }
}

std::vector<Coverage> CoverageWorker::coverage() {
    take_stock();
    std::vector<Coverage> files;
    for (const auto& [name, one] : known_) files.push_back(one);
    return files;
}

}  // namespace rules
