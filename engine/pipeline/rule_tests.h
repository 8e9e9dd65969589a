#pragma once
/// Rule tests: the cases beside a tenant's rules, run through the engine, with a readable difference.

#include <memory>
#include <string>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/result.h"
#include "engine/pipeline/engine.h"
#include "engine/pipeline/rehearsal.h"

namespace engine {

struct CaseResult {
    std::string file;
    int line = 0;
    std::string name;
    bool passed = false;
    std::vector<std::string> differences;  ///< one line each: what was expected, what came
};

/// Runs `tests/*.yaml`. What is wrong with the files goes to `diagnostics` (class `bad-test`). Fails as the
/// store fails.
Result<std::vector<CaseResult>> run_rule_tests(const std::shared_ptr<const Tenant>& tenant,
                                               const ScratchStore& scratch, Diagnostics& diagnostics);

}  // namespace engine
