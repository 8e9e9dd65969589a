#include "rules/lua/in_process_host.h"

#include <algorithm>

namespace rules {

namespace {

/// Two sets of one name are one only if nothing in them differs; the second with these limits.
bool is_same_set(const ScriptSet& left, const ScriptSet& right, const ScriptLimits& limits) {
    return left.limits == limits &&
           (&left == &right ||
            (left.tenant == right.tenant && left.version == right.version &&
             std::equal(left.files.begin(), left.files.end(), right.files.begin(), right.files.end(),
                        [](const ScriptFile& one, const ScriptFile& other) {
                            return one.name == other.name && one.source == other.source &&
                                   one.is_function == other.is_function;
                        })));
}

}  // namespace

ScriptLimits InProcessHost::limits_of(const ScriptSet& scripts) const {
    auto limits = scripts.limits;
    limits.deadline = deadline_.value_or(limits.deadline);
    return limits;
}

Sandbox* InProcessHost::kept(const ScriptSet& scripts) {
    const auto limits = limits_of(scripts);
    const auto found = std::find_if(sandboxes_.begin(), sandboxes_.end(), [&](const auto& one) {
        return is_same_set(one->scripts(), scripts, limits);
    });
    if (found == sandboxes_.end()) return nullptr;
    sandboxes_.splice(sandboxes_.begin(), sandboxes_, found);
    return sandboxes_.front().get();
}

std::vector<engine::Diagnostic> InProcessHost::load(const std::shared_ptr<const ScriptSet>& scripts) {
    if (kept(*scripts)) return {};
    auto limited = scripts;
    if (const auto limits = limits_of(*scripts); !(limits == scripts->limits)) {
        auto set = std::make_shared<ScriptSet>(*scripts);
        set->limits = limits;
        limited = std::move(set);
    }
    auto opened = Sandbox::open(std::move(limited));
    if (opened.sandbox) sandboxes_.push_front(std::move(opened.sandbox));
    while (sandboxes_.size() > sandboxes_max_) sandboxes_.pop_back();
    return opened.diagnostics;
}

void InProcessHost::settle() {
    for (const auto& sandbox : sandboxes_) sandbox->settle();
}

std::vector<std::string> InProcessHost::code_of(const ScriptSet& scripts) {
    const auto* sandbox = kept(scripts);
    return sandbox == nullptr ? std::vector<std::string>() : sandbox->code();
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
