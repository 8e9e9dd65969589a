#include "rules/lua/coverage.h"

#include <algorithm>
#include <iterator>

namespace rules {

std::vector<engine::Diagnostic> CoverageHost::load(const std::shared_ptr<const ScriptSet>& scripts) {
    auto opened = Sandbox::open(scripts, &ran_);
    if (opened.sandbox) {
        last_ = opened.sandbox.get();
        sandboxes_[scripts.get()] = std::move(opened.sandbox);
    }
    return opened.diagnostics;
}

ScriptOutcome CoverageHost::run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) {
    const auto found = sandboxes_.find(scripts.get());
    if (found != sandboxes_.end()) return found->second->run(call);
    ScriptOutcome outcome;
    outcome.failure.emplace().message = "the scripts are not loaded";
    return outcome;
}

std::set<int> CoverageHost::ran(const std::string& file) const {
    const auto found = ran_.find(file);
    return found == ran_.end() ? std::set<int>() : found->second;
}

std::vector<Coverage> CoverageHost::coverage() const {
    std::vector<Coverage> files;
    if (last_ == nullptr) return files;
    for (const auto& file : last_->scripts().files) {
        Coverage one{file.name, last_->lines_of(file.name), {}};
        const auto done = ran(file.name);
        std::set_difference(one.lines.begin(), one.lines.end(), done.begin(), done.end(),
                            std::inserter(one.missed, one.missed.end()));
        files.push_back(std::move(one));
    }
    std::sort(files.begin(), files.end(),
              [](const Coverage& one, const Coverage& other) { return one.file < other.file; });
    return files;
}

}  // namespace rules
