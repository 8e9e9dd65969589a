#pragma once
/// The desk and the on-call schedules of a tenant as people see them: the same over HTTP and in commands.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/store/store.h"
#include "rules/policies/routing.h"

namespace engine {

/// An entity that has a place at the desk.
struct DeskItem {
    std::string subject;
    rules::Placement place;
};

struct DeskAgent {
    std::string id;
    const rules::Agent* agent = nullptr;  ///< null = routing.yaml has none of that id any more
    rules::AgentLoad load;                ///< by channel
    std::vector<DeskItem> open;           ///< by subject
};

struct DeskQueue {
    std::string id;
    const rules::Queue* queue = nullptr;  ///< null = routing.yaml has none of that id any more
    std::vector<DeskItem> waiting;        ///< whoever is next first; those that are held last
};

/// Borrows the routing.
struct DeskView {
    Instant now{};
    std::vector<DeskAgent> agents;  ///< as routing.yaml has them, then those that are gone from it, by id
    std::vector<DeskQueue> queues;  ///< likewise
};

/// Who has what to do and what waits where, of one state of the store. Without a routing those are there whom
/// entities name. Fails as the store fails.
Result<DeskView> desk_of(Store& store, const TenantName& tenant, const rules::Routing* routing, Instant now);

/// As lists show them, each with `items_max` entities at most; how many there are stands beside them.
Json describe(const DeskView& desk, std::size_t items_max);
Json describe(const DeskAgent& agent, Instant now, std::size_t items_max);
Json describe(const DeskQueue& queue, Instant now, std::size_t items_max);
Json describe_open(const DeskItem& item);
Json describe_waiting(const DeskItem& item);

/// `{"schedule","from","until","who","overridden"}`
Json describe(const rules::OnCallSchedule& schedule, const rules::OnCallShift& shift);

}  // namespace engine
