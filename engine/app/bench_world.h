#pragma once
/// BenchWorld: entities in memory and what a decision sees of others, so that only deciding is measured.

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "engine/pipeline/decide_event.h"
#include "engine/pipeline/watched.h"

namespace engine::app {

inline const TenantName bench_tenant_name(std::string("bench"));

/// Fails with corrupt, naming the first error: made-up files should have none.
Result<std::shared_ptr<const Tenant>> made_up_tenant(const rules::Files& files);

/// One thread.
class BenchWorld final : public Snapshot {
public:
    BenchWorld(std::shared_ptr<const Tenant> tenant, Instant now) : tenant_(std::move(tenant)), now_(now) {}

    /// It is there like this, without a decision.
    void put(Entity entity);
    void forget(const std::string& subject);
    const Entity* find(const std::string& subject) const;

    Event event(const std::string& type, const std::string& subject, Json data);
    /// Decides and remembers what came of it; what it emits is left to the caller. Never fails: nothing here
    /// can.
    Decided decide(Event event);
    /// Seconds that deciding has taken so far.
    double seconds() const { return seconds_; }
    void advance(Duration by) { now_ += by; }
    Instant now() const { return now_; }

    Result<Entity> entity(const TenantName& tenant, const Subject& subject) override;
    Result<std::optional<Entity>> by_email(const TenantName&, std::string_view, std::string_view) override {
        return std::optional<Entity>();
    }
    Result<std::unique_ptr<rules::RoutingBoard>> desk(const TenantName&, const rules::Routing& routing,
                                                      const Subject& subject) override {
        return watched_.desk().seen_by(subject, routing);
    }

private:
    std::shared_ptr<const Tenant> tenant_;
    Instant now_;
    std::unordered_map<std::string, Entity> entities_;
    Watched watched_{1'000'000};
    std::uint64_t events_ = 0;
    double seconds_ = 0;
};

}  // namespace engine::app
