#pragma once
/// Desk: who has how much to do and what waits in which queue, as the tenant's entities say.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "engine/model/entity.h"
#include "engine/model/event.h"
#include "engine/model/subject.h"
#include "rules/policies/routing.h"

namespace engine {

/// That `agent` has room for what waits there, where no decision says so.
Event offer_event(const TenantName& tenant, const Subject& subject, const std::string& agent, Instant now);
bool is_offer(const Event& event);

/// One thread. Says the same whatever the order in which it heard of entities.
class Desk {
public:
    /// The entity has this place now, in place of what it had; may be told again.
    void changed(const Entity& after);
    void forget_before(Instant instant);
    /// It is offered to that agent; until it is decided, nobody else need offer it.
    void offered(const Subject& subject, const std::string& agent);
    void decided(const Subject& subject);
    /// It cannot be decided before an operator has released its lane: nobody waits for it.
    void held_up(const Subject& subject) { held_up_.insert(subject.text()); }
    void released(const Subject& subject) { held_up_.erase(subject.text()); }

    /// What the others say to a decision about one entity. Borrows the desk and the routing.
    std::unique_ptr<rules::RoutingBoard> seen_by(const Subject& subject, const rules::Routing& routing) const;

private:
    friend class SeenDesk;
    using Turn = std::pair<std::uint64_t, std::string>;     ///< and who got it
    using Waiting = std::tuple<int, Instant, std::string>;  ///< rank, since when, subject
    /// What the same agents can take: queue, channel, wanted skills.
    using Line = std::tuple<std::string, std::string, std::vector<std::string>>;
    static Line line_of(const rules::Placement& placement) {
        return {placement.queue, placement.channel, placement.skills};
    }

    void take_away(const std::string& subject);
    void take_offer(const std::string& subject);

    std::unordered_map<std::string, rules::Placement> placements_;  ///< by subject
    /// How much each agent has to do, by channel.
    std::unordered_map<std::string, std::map<std::string, int>> open_;
    /// By requester: subjects of theirs that are somebody's open work.
    std::unordered_map<std::string, std::set<std::string>> of_requester_;
    /// By agent: turns that they were given, and for which subject.
    std::unordered_map<std::string, std::set<std::pair<std::uint64_t, std::string>>> turns_;
    std::set<Turn> all_turns_;
    using Lines = std::map<Line, std::set<Waiting>>;  ///< whoever is next first
    Lines waiting_;
    Lines not_offered_;                                     ///< of those
    std::unordered_map<std::string, std::string> offered_;  ///< by subject, to whom
    std::unordered_map<std::string, std::set<std::string>> offered_to_;
    std::set<std::string> held_up_;
    std::set<std::pair<Instant, std::string>> ends_;  ///< until when the turns of what is done count
};

}  // namespace engine
