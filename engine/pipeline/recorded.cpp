#include "engine/pipeline/recorded.h"

#include <algorithm>
#include <utility>

#include "engine/pipeline/rule_set_cache.h"
#include "engine/pipeline/work.h"

namespace engine {
namespace {

class Recorded final : public Snapshot {
public:
    Recorded(const Decision& decision, const Entity& before, const TenantAt& tenant_at,
             const EntityAt& entity_at)
        : decision_(decision), before_(before), tenant_at_(tenant_at), entity_at_(entity_at) {}

    Result<Entity> entity(const TenantName& tenant, const Subject& subject) override {
        if (subject == before_.subject) return before_;
        for (const auto& link : decision_.linked)
            if (link.subject == subject) return entity_at_(subject, link.version);
        Entity unknown;
        unknown.tenant = tenant;
        unknown.subject = subject;
        return unknown;
    }

    /// Only one entity of the kind was linked: it is the one the address led to.
    Result<std::optional<Entity>> by_email(const TenantName& tenant, std::string_view kind,
                                           std::string_view) override {
        for (const auto& link : decision_.linked) {
            if (link.subject.kind() != kind) continue;
            auto found = entity(tenant, link.subject);
            if (!found) return found.error();
            return std::optional<Entity>(std::move(*found));
        }
        return std::optional<Entity>();
    }

    /// What was news depended on how far the other lane was then: it is recorded, as the clock is.
    Result<bool> is_news(const Event& entering, const rules::Catalogue&) override {
        const auto& entered = decision_.entered;
        return std::find(entered.begin(), entered.end(), entering.subject.kind()) != entered.end();
    }

    /// Asked for where an entity was deleted: those that ended with it.
    Result<std::vector<Timer>> timers(const TenantName&, const Subject&) override {
        std::vector<Timer> ended;
        for (const auto& change : decision_.timers) {
            if (change.due) continue;
            Timer timer;
            timer.name = change.name;
            if (!change.rule.empty()) timer.body["rule"] = change.rule;
            ended.push_back(std::move(timer));
        }
        return ended;
    }

    Json desk_said() override {
        const auto* said = find(decision_.consulted, "routing");
        return said == nullptr ? Json(Json::object()) : *said;
    }

    /// What others had brought by then is recorded, too.
    Result<std::vector<Instant>> counted(const TenantName&, const rules::RateQuestion& question,
                                         const Subject&) override {
        const auto* rates = find(decision_.consulted, "rates");
        return rates == nullptr ? std::vector<Instant>() : rules::counted_in(*rates, question.rate);
    }

    std::optional<std::set<std::size_t>> timers_refused() override {
        const auto* refused = find(decision_.consulted, "timers.refused");
        return refused == nullptr ? std::set<std::size_t>() : refused->get<std::set<std::size_t>>();
    }

    Json answers_said() override {
        const auto* said = find(decision_.consulted, "answers");
        return said == nullptr ? Json(Json::object()) : *said;
    }

    Result<std::shared_ptr<const Tenant>> tenant_under(const TenantName&,
                                                       const std::string& version) override {
        auto tenant = tenant_at_(version);
        return tenant ? *std::move(tenant) : std::shared_ptr<const Tenant>();
    }

private:
    const Decision& decision_;
    const Entity& before_;
    const TenantAt& tenant_at_;
    const EntityAt& entity_at_;
};

}  // namespace

TenantAt tenants_of(Store& store, const TenantName& name, std::shared_ptr<rules::ScriptHost> scripts) {
    auto versions = std::make_shared<RuleSetCache>();
    return [&store, name, versions, scripts = std::move(scripts)](const std::string& version) {
        return versions->get(store, name, version, scripts);
    };
}

Result<Decision> decide_again(const std::shared_ptr<const Event>& event, const Decision& decision,
                              const Entity& before, const TenantAt& tenant_at, const EntityAt& entity_at,
                              bool trace) {
    const auto then = tenant_at(decision.ruleset);
    if (!then) return then.error();
    auto work = work_of(event);
    if (work.resume && work.resume->continuation.ruleset != decision.ruleset)
        if (auto older = tenant_at(work.resume->continuation.ruleset)) work.began_under = std::move(*older);
    Recorded world(decision, before, tenant_at, entity_at);
    auto again = decide_event(**then, work, world, {decision.now, trace});
    if (!again) return again.error();
    again->decision.placed = decision.placed;
    return std::move(again->decision);
}

}  // namespace engine
