/// bench scripts: decisions that run a script, one by one and with the scripts of those that come next ahead.

#include <algorithm>
#include <chrono>
#include <memory>
#include <unordered_map>

#include "engine/app/bench_scripts.h"
#include "engine/app/bench_tally.h"
#include "engine/app/bench_world.h"
#include "engine/pipeline/scripts_ahead.h"
#include "engine/pipeline/tenant.h"
#include "rules/lua/in_process_host.h"
#include "rules/lua/worker.h"

namespace engine::app {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto scripted_rules =
    "rules:\n  - { id: scripted, on: ticket.updated, then: [ { lua: scripts/bench.lua#run } ] }\n";

/// The same events of as many entities, turn after turn.
class ScriptedTurns final : public Snapshot {
public:
    ScriptedTurns(std::string host, std::shared_ptr<const Tenant> tenant, std::size_t events,
                  const Json& ticket)
        : host_(std::move(host)), tenant_(std::move(tenant)) {
        for (std::size_t i = 0; i < events; ++i) {
            Event event;
            event.tenant = bench_tenant_name;
            event.id = EventId("e" + std::to_string(i));
            event.source = "/bench";
            event.type = "ticket.updated";
            event.subject = *Subject::parse("ticket/" + std::to_string(i));
            event.received = now_;
            event.data = Json{{"ticket", ticket}};
            works_.emplace_back().event = std::make_shared<const Event>(std::move(event));
            events_.push_back(works_.back().event.get());
        }
    }

    void turn() {
        const auto begin = SteadyClock::now();
        if (host_ == "together") {
            (void)ahead_.decide_all(
                *tenant_->scripts, events_,
                [&](std::size_t i) {
                    (void)decide_event(*tenant_, works_[i], *this, {now_, false, &ahead_});
                    return Result<void>();
                },
                [&](std::size_t i) {
                    decide(i, &ahead_);
                    return Result<void>();
                });
        } else {
            for (std::size_t i = 0; i < works_.size(); ++i) decide(i, nullptr);
        }
        micros_.push_back(std::chrono::duration<double, std::micro>(SteadyClock::now() - begin).count());
    }

    void round(double seconds) {
        const auto begin = SteadyClock::now();
        const auto turns_before = micros_.size();
        double spent = 0;
        do {
            turn();
            spent = std::chrono::duration<double>(SteadyClock::now() - begin).count();
        } while (spent < seconds);
        rates_.push_back(static_cast<double>((micros_.size() - turns_before) * works_.size()) / spent);
    }

    /// Turns in which scripts were not yet known to run do not count.
    void warm_up() {
        for (int i = 0; i < 16; ++i) turn();
        micros_.clear();
    }

    std::uint64_t failures() const { return failures_; }

    ScriptedDecisionsResult result(const std::string& script) {
        std::sort(rates_.begin(), rates_.end());
        std::sort(micros_.begin(), micros_.end());
        ScriptedDecisionsResult result;
        result.script = script;
        result.host = host_;
        result.decisions_per_s = quantile(rates_, 0.5);
        result.p50_us = quantile(micros_, 0.5);
        result.p99_us = quantile(micros_, 0.99);
        const auto& counts = ahead_.counts();
        result.met =
            counts.runs == 0 ? 0 : static_cast<double>(counts.used) / static_cast<double>(counts.runs);
        return result;
    }

    Result<Entity> entity(const TenantName& tenant, const Subject& subject) override {
        if (const auto found = entities_.find(subject.text()); found != entities_.end()) return found->second;
        Entity entity;
        entity.tenant = tenant;
        entity.subject = subject;
        return entity;
    }
    Result<std::optional<Entity>> by_email(const TenantName&, std::string_view, std::string_view) override {
        return std::optional<Entity>();
    }

private:
    void decide(std::size_t i, rules::ScriptHost* host) {
        auto decided = *decide_event(*tenant_, works_[i], *this, {now_, false, host});
        failures_ += decided.need || !decided.decision.failures.empty() ? 1 : 0;
        entities_[decided.after.subject.text()] = std::move(decided.after);
    }

    std::string host_;
    std::shared_ptr<const Tenant> tenant_;
    Instant now_ = *parse_instant("2026-05-04T08:00:00Z");
    std::vector<Work> works_;
    std::vector<const Event*> events_;
    std::unordered_map<std::string, Entity> entities_;
    ScriptsAhead ahead_;
    std::vector<double> rates_, micros_;
    std::uint64_t failures_ = 0;
};

Result<std::shared_ptr<const Tenant>> scripted_tenant(const BenchedScript& script,
                                                      std::shared_ptr<rules::ScriptHost> host) {
    return tenant_of_files(bench_tenant_name,
                           {{"rules.yaml", scripted_rules}, {"scripts/bench.lua", script.source}},
                           std::move(host));
}

}  // namespace

Result<void> bench_decisions(const BenchedScript& script, const Json& ticket,
                             const ScriptsBenchOptions& options, ScriptsBenchReport& report) {
    const auto workers = std::make_shared<rules::WorkerHost>();
    const auto inside = scripted_tenant(script, std::make_shared<rules::InProcessHost>(1));
    const auto outside = scripted_tenant(script, workers);
    for (const auto* tenant : {&inside, &outside})
        if (!*tenant) return tenant->error();
    std::vector<ScriptedTurns> ways;
    ways.emplace_back("in_process", *inside, options.turn_events, ticket);
    ways.emplace_back("one_by_one", *outside, options.turn_events, ticket);
    ways.emplace_back("together", *outside, options.turn_events, ticket);
    for (auto& way : ways) way.warm_up();
    for (std::size_t round = 0; round < options.rounds; ++round)
        for (auto& way : ways) way.round(options.seconds / static_cast<double>(options.rounds));
    report.turn_events = options.turn_events;
    double in_process = 0;
    for (auto& way : ways) {
        auto result = way.result(script.name);
        if (in_process == 0) in_process = result.decisions_per_s;
        result.to_in_process = in_process / result.decisions_per_s;
        report.decisions.push_back(std::move(result));
        report.failures += way.failures();
    }
    return {};
}

}  // namespace engine::app
