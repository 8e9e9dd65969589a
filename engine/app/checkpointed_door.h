#pragma once
/// CheckpointedDoor: the engine's door, whose health tells of the checkpoints too.

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/app/checkpoints.h"
#include "engine/pipeline/engine.h"

namespace engine::app {

/// The door outlives it.
class CheckpointedDoor final : public EngineDoor {
public:
    explicit CheckpointedDoor(EngineDoor& door) : door_(door) {}

    /// From now on, on any thread; they outlive this.
    void watch(const Checkpoints* checkpoints) { checkpoints_ = checkpoints; }

    std::shared_ptr<const Tenant> tenant(const TenantName& name) const override { return door_.tenant(name); }
    bool serves_several() const override { return door_.serves_several(); }
    void submit(std::vector<Event> events, std::function<void(std::vector<Ack>)> done) override {
        door_.submit(std::move(events), std::move(done));
    }
    void ask(std::function<void(Store&)> question) override { door_.ask(std::move(question)); }
    void perform(Request request, std::function<void(Result<Json>)> done) override {
        door_.perform(std::move(request), std::move(done));
    }
    Result<Json> dry_run(const Tenant& tenant, const Json& request, Store& store) override {
        return door_.dry_run(tenant, request, store);
    }
    Health health() const override {
        auto health = door_.health();
        if (const auto* checkpoints = checkpoints_.load()) health.gauges.merge(checkpoints->gauges());
        return health;
    }

private:
    EngineDoor& door_;
    std::atomic<const Checkpoints*> checkpoints_{nullptr};
};

}  // namespace engine::app
