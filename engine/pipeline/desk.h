#pragma once
/// Desk: who has how much to do and what waits in which queue, as the tenant's entities say.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "engine/base/time.h"
#include "engine/model/entity.h"
#include "engine/model/subject.h"
#include "rules/policies/routing.h"

namespace engine {

/// One thread. Says the same whatever the order in which it heard of entities.
class Desk {
public:
    /// The entity has this place now, in place of what it had; may be told again.
    void changed(const Entity& after);
    void forget_before(Instant instant);

    /// What the others say to a decision about one entity. Borrows the desk and the routing.
    std::unique_ptr<rules::RoutingBoard> seen_by(const Subject& subject, const rules::Routing& routing) const;

private:
    friend class SeenDesk;
    using Subjects = std::set<std::string>;

    void take_away(const std::string& subject);

    std::map<std::string, rules::Placement> placements_;  ///< by subject
    std::map<std::string, Subjects> of_agent_;            ///< their open work
    std::map<std::string, Subjects> of_requester_;        ///< what is open of theirs
    /// By agent: turns that they were given, and by which entity.
    std::map<std::string, std::set<std::pair<std::uint64_t, std::string>>> turns_;
    std::map<std::string, Subjects> waiting_;  ///< by queue
};

}  // namespace engine
