#include "engine/pipeline/failure_log.h"

#include "engine/base/log.h"

namespace engine {
namespace {

constexpr Duration told_again_after = std::chrono::minutes(1);
constexpr std::size_t rules_kept_max = 1'000;

}  // namespace

bool FailureLog::is_due(const TenantName& tenant, const std::string& rule, Instant now) {
    if (told_.size() >= rules_kept_max)
        std::erase_if(told_, [&](const auto& one) { return now - one.second >= told_again_after; });
    if (told_.size() >= rules_kept_max) return false;
    const auto [known, is_new] = told_.try_emplace({tenant, rule}, now);
    // A clock that was set back is no reason to be silent.
    if (!is_new && known->second <= now && now - known->second < told_again_after) return false;
    known->second = now;
    return true;
}

void FailureLog::note(const Event& event, const Decision& decision, Instant now) {
    for (const auto& failure : decision.failures) {
        ++total_;
        if (!is_due(event.tenant, failure.rule, now)) continue;
        log_warn("a rule failed", {{"tenant", event.tenant.text()},
                                   {"rule", failure.rule},
                                   {"file", failure.place.file},
                                   {"line", failure.place.line},
                                   {"event", event.id.text()}});
    }
}

}  // namespace engine
