#include "engine/pipeline/desk.h"

#include <algorithm>

namespace engine {

namespace {

template <class Map, class Value>
void take_from(Map& map, const std::string& key, const Value& value) {
    const auto found = map.find(key);
    if (found == map.end()) return;
    found->second.erase(value);
    if (found->second.empty()) map.erase(found);
}

}  // namespace

void Desk::changed(const Entity& after) {
    const auto subject = after.subject.text();
    take_away(subject);
    auto placement = rules::placement_from(after.routing.value("place", Json::object()));
    if (placement.empty()) return;
    if (!placement.agent.empty()) ++open_[placement.agent][placement.channel];
    if (!placement.agent.empty() && !placement.requester.empty())
        of_requester_[placement.requester].insert(subject);
    if (placement.turn > 0) {
        turns_[placement.turn_agent].emplace(placement.turn, subject);
        all_turns_.emplace(placement.turn, subject);
    }
    if (placement.waits && !placement.held)
        waiting_[placement.queue].emplace(placement.rank, *placement.waits, subject);
    if (placement.until) ends_.emplace(*placement.until, subject);
    placements_.emplace(subject, std::move(placement));
}

void Desk::take_away(const std::string& subject) {
    const auto found = placements_.find(subject);
    if (found == placements_.end()) return;
    const auto& placement = found->second;
    if (!placement.agent.empty()) {
        const auto load = open_.find(placement.agent);
        if (--load->second[placement.channel] == 0) load->second.erase(placement.channel);
        if (load->second.empty()) open_.erase(load);
    }
    take_from(of_requester_, placement.requester, subject);
    take_from(turns_, placement.turn_agent, std::pair(placement.turn, subject));
    all_turns_.erase({placement.turn, subject});
    if (placement.waits)
        take_from(waiting_, placement.queue, Waiting(placement.rank, *placement.waits, subject));
    if (placement.until) ends_.erase({*placement.until, subject});
    placements_.erase(found);
}

void Desk::forget_before(Instant instant) {
    while (!ends_.empty() && ends_.begin()->first < instant) take_away(std::string(ends_.begin()->second));
}

/// Everything but one entity.
class SeenDesk final : public rules::RoutingBoard {
public:
    SeenDesk(const Desk& desk, const Subject& subject, const rules::Routing& routing)
        : desk_(desk), subject_(subject.text()), routing_(routing) {}

    rules::AgentLoad load_of(const std::string& agent) override {
        rules::AgentLoad load;
        if (const auto open = desk_.open_.find(agent); open != desk_.open_.end()) load.open = open->second;
        const auto own = desk_.placements_.find(subject_);
        if (own != desk_.placements_.end() && own->second.agent == agent)
            if (--load.open[own->second.channel] == 0) load.open.erase(own->second.channel);
        if (const auto turns = desk_.turns_.find(agent); turns != desk_.turns_.end())
            load.turn = turns->second.rbegin()->first;
        return load;
    }

    std::uint64_t last_turn() override {
        return desk_.all_turns_.empty() ? 0 : desk_.all_turns_.rbegin()->first;
    }

    std::string holder_of(const std::string& requester) override {
        const auto held = desk_.of_requester_.find(requester);
        if (held == desk_.of_requester_.end()) return "";
        // The one that was routed last knows best.
        std::pair<std::uint64_t, std::string> best;
        for (const auto& subject : held->second) {
            const auto& placement = desk_.placements_.at(subject);
            if (subject != subject_) best = std::max(best, {placement.turn + 1, placement.agent});
        }
        return best.second;
    }

    rules::NextWaiting next_for(const std::string& agent, Instant now,
                                const std::set<std::string>& passed) override {
        const auto load = load_of(agent);
        std::pair<int, Desk::Waiting> best;
        for (const auto& [id, waiting] : desk_.waiting_) {
            const auto* queue = rules::queue_named(routing_, id);
            if (queue == nullptr || !rules::serves(routing_, *queue, agent, now)) continue;
            for (const auto& one : waiting) {
                const auto& subject = std::get<2>(one);
                const auto& placement = desk_.placements_.at(subject);
                if (subject == subject_ || passed.contains(subject) || desk_.offered_.contains(subject) ||
                    !rules::has_skills(routing_, agent, placement.skills) ||
                    !rules::has_room(routing_, agent, load, placement.channel))
                    continue;
                std::pair candidate(queue->priority, one);
                if (std::get<2>(best.second).empty() || candidate < best) best = std::move(candidate);
                break;
            }
        }
        const auto& subject = std::get<2>(best.second);
        return {subject, subject.empty() ? 0 : desk_.placements_.at(subject).hops};
    }

private:
    const Desk& desk_;
    std::string subject_;
    const rules::Routing& routing_;
};

std::unique_ptr<rules::RoutingBoard> Desk::seen_by(const Subject& subject,
                                                   const rules::Routing& routing) const {
    return std::make_unique<SeenDesk>(*this, subject, routing);
}

}  // namespace engine
