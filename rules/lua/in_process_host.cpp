#include "rules/lua/in_process_host.h"

#include <algorithm>

namespace rules {

namespace {

/// Two sets of one name are one only if nothing in them differs.
bool is_same_set(const ScriptSet& left, const ScriptSet& right) {
    return &left == &right ||
           (left.tenant == right.tenant && left.version == right.version && left.limits == right.limits &&
            std::equal(left.files.begin(), left.files.end(), right.files.begin(), right.files.end(),
                       [](const ScriptFile& one, const ScriptFile& other) {
                           return one.name == other.name && one.source == other.source &&
                                  one.is_function == other.is_function;
                       }));
}

}  // namespace

Sandbox* InProcessHost::kept(const ScriptSet& scripts) {
    const auto found = std::find_if(sandboxes_.begin(), sandboxes_.end(),
                                    [&](const auto& one) { return is_same_set(one->scripts(), scripts); });
    if (found == sandboxes_.end()) return nullptr;
    sandboxes_.splice(sandboxes_.begin(), sandboxes_, found);
    return sandboxes_.front().get();
}

std::vector<engine::Diagnostic> InProcessHost::load(const std::shared_ptr<const ScriptSet>& scripts) {
    if (kept(*scripts)) return {};
    if (auto wrong = deadline_error(scripts->limits, deadline_max_)) return {*std::move(wrong)};
    auto opened = Sandbox::open(scripts);
    if (opened.sandbox) sandboxes_.push_front(std::move(opened.sandbox));
    while (sandboxes_.size() > sandboxes_max_) sandboxes_.pop_back();
    return opened.diagnostics;
}

ScriptOutcome InProcessHost::run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) {
    auto* sandbox = kept(*scripts);
    if (!sandbox) {
        const auto problems = load(scripts);
        if (!problems.empty()) {
            ScriptOutcome outcome;
            outcome.failure.emplace();
            outcome.failure->message = problems.front().message;
            outcome.failure->place = problems.front().place;
            return outcome;
        }
        sandbox = sandboxes_.front().get();
    }
    return sandbox->run(call);
}

}  // namespace rules
