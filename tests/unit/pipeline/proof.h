#pragma once
/// What a world's journal proves: that its projections follow from it, and that every decision comes out
/// again.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/pipeline/rebuild.h"
#include "engine/pipeline/reexecute.h"
#include "tests/unit/pipeline/world.h"

namespace engine::test {

/// What rebuilding finds, a line each.
inline std::string differences_in(World& world) {
    std::string found;
    RebuildOptions options;
    options.on_difference = [&](const Difference& one) {
        found += one.what + " " + one.name + " " + one.detail + "\n";
    };
    const auto rebuilt = rebuild(*world.store, world.tenant->name, options);
    return rebuilt ? found : rebuilt.error().message;
}

struct Proof {
    std::string found;  ///< by rebuilding and by deciding again, a line each
    std::uint64_t decisions = 0;
};
inline Proof prove(World& world) {
    Proof proof{differences_in(world)};
    ReexecuteOptions options;
    options.scripts = world.tenant->scripts;
    options.on_finding = [&](const Redecided& one) { proof.found += one.event + ": " + one.what + "\n"; };
    const auto report = reexecute(*world.store, world.tenant->name, options);
    if (report)
        proof.decisions = report->decisions;
    else
        proof.found += report.error().message;
    return proof;
}
inline std::string found_in(World& world) {
    return prove(world).found;
}

inline std::vector<Timer> timers_in(World& world) {
    return *world.store->timers(world.tenant->name, 1'000);
}

}  // namespace engine::test
