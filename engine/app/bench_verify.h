#pragma once
/// How fast a journal is proved, beside the bare digests of the same bytes.

#include <cstdint>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace engine::app {

struct VerifyBenchOptions {
    std::string store;  ///< filled when it is empty; left out: a new file that is removed again
    std::uint64_t rows = 200'000;
    int threads = 0;  ///< 0 = one a core
    bool deep = false;
};

struct VerifyBenchReport {
    std::string store;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;  ///< hashed
    int threads = 1;
    bool deep = false;
    double seconds = 0;
    double floor_seconds = 0;  ///< SHA-256 over as many bytes in as many pieces, by as many threads
    std::uint64_t faults = 0;
};

/// Fails as the store fails, and with invalid_input for a store in memory, which has one handle only.
Result<VerifyBenchReport> run_verify_bench(const VerifyBenchOptions& options);

Json to_json(const VerifyBenchReport& report);
std::string render(const VerifyBenchReport& report);

}  // namespace engine::app
