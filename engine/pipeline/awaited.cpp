#include "engine/pipeline/awaited.h"

#include <algorithm>

#include "engine/pipeline/timers.h"
#include "rules/evaluator/condition.h"
#include "rules/evaluator/run_rule.h"
#include "rules/matcher/matcher.h"

namespace engine {
namespace {

class Follower {
public:
    Follower(const AwaitedScope& given, Snapshot& snapshot, Decided& decided)
        : given_(given),
          snapshot_(snapshot),
          decided_(decided),
          decision_(decided.decision),
          view_(given.event),
          awaited_(given.before.awaited) {}

    Result<void> run() {
        if (is_rest_of_wait(given_.event)) remove(continuation_of_wait(name_of_timer(given_.event)));
        if (!awaited_.empty())
            if (auto met = meet(); !met) return met;
        if (decided_.after.deleted)
            awaited_ = Json::array();
        else
            add_new();
        if (awaited_ == given_.before.awaited) return {};
        if (!decided_.after.known()) decided_.after.version = 1;
        decided_.after.awaited = awaited_;
        decision_.awaited = awaited_;
        return {};
    }

private:
    void remove(std::string_view id) {
        const auto is_it = [&](const Json& one) { return text_or(one, "id", "") == id; };
        awaited_.erase(std::remove_if(awaited_.begin(), awaited_.end(), is_it), awaited_.end());
    }

    void add_new() {
        for (const auto& continuation : decision_.continuations)
            if (!continuation.events.empty())
                awaited_.push_back({{"id", continuation_id(given_.event, continuation.firing)},
                                    {"rule", continuation.rule},
                                    {"ruleset", continuation.ruleset},
                                    {"at", continuation.resume_at},
                                    {"on", continuation.events}});
    }

    Result<void> meet() {
        changes_ = decision_.merged;
        changes_.insert(changes_.end(), decision_.changes.begin(), decision_.changes.end());
        scope_.event = &view_;
        scope_.now = decision_.now;
        scope_.changes = &changes_;
        scope_.sla = &given_.sla;
        for (const auto& [kind, fields] : given_.linked) scope_.set(kind, &fields);
        scope_.set(decided_.after.subject.kind(), &decided_.after.fields);
        Json left = Json::array();
        for (auto& one : awaited_) {
            const auto is_met = comes(one);
            if (!is_met) return is_met.error();
            if (*is_met)
                let_go_on(one);
            else
                left.push_back(std::move(one));
        }
        awaited_ = std::move(left);
        return {};
    }

    Result<bool> comes(const Json& one) {
        if (!any_type_fits(one)) return false;
        auto tenant = under(text_or(one, "ruleset", ""));
        if (!tenant) return tenant.error();
        const auto* rules = *tenant ? (*tenant)->rule_set.get() : given_.tenant.rule_set.get();
        const auto at = one.at("at").get<std::vector<int>>();
        const auto* step = rules::awaiting_step(*rules, text_or(one, "rule", ""), at);
        return step != nullptr && rules::holds(step->when, scope_);
    }

    /// What rules wrote is an update that was awaited too.
    bool any_type_fits(const Json& one) {
        std::vector<std::string> types;
        if (!is_rest_of_wait(given_.event)) types.push_back(given_.event.type);
        if (!decision_.changes.empty())
            types.push_back(std::string(decided_.after.subject.kind()) + ".updated");
        const auto& on = one.at("on");
        for (const auto& type : types) {
            const bool fits = std::any_of(on.begin(), on.end(), [&](const Json& pattern) {
                return rules::type_fits(pattern.get_ref<const std::string&>(), type);
            });
            if (!fits) continue;
            view_.set_type(type);
            return true;
        }
        return false;
    }

    /// Null when the active rule set is the one.
    Result<std::shared_ptr<const Tenant>> under(const std::string& version) {
        if (version == given_.tenant.rule_set->version) return std::shared_ptr<const Tenant>();
        return snapshot_.tenant_under(given_.event.tenant, version);
    }

    void let_go_on(const Json& one) {
        TimerChange timer;
        timer.name = wait_name(text_or(one, "id", ""));
        timer.due = decision_.now;
        timer.rule = text_or(one, "rule", "");
        timer.type = rules::wait_over_type;
        timer.data = {{"came", {{"id", given_.event.id.text()}, {"type", std::string(view_.type())}}}};
        decision_.timers.push_back(std::move(timer));
    }

    const AwaitedScope& given_;
    Snapshot& snapshot_;
    Decided& decided_;
    Decision& decision_;
    rules::EventView view_;
    rules::Scope scope_;
    std::vector<Change> changes_;
    Json awaited_;
};

}  // namespace

Result<void> follow_awaited(const AwaitedScope& scope, Snapshot& snapshot, Decided& decided) {
    return Follower(scope, snapshot, decided).run();
}

}  // namespace engine
