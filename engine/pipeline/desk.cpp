#include "engine/pipeline/desk.h"

#include <algorithm>
#include <tuple>

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
    if (!placement.agent.empty()) of_agent_[placement.agent].insert(subject);
    if (!placement.agent.empty() && !placement.requester.empty())
        of_requester_[placement.requester].insert(subject);
    if (placement.turn > 0) turns_[placement.turn_agent].emplace(placement.turn, subject);
    if (placement.waits) waiting_[placement.queue].insert(subject);
    placements_.emplace(subject, std::move(placement));
}

void Desk::take_away(const std::string& subject) {
    const auto found = placements_.find(subject);
    if (found == placements_.end()) return;
    const auto& placement = found->second;
    take_from(of_agent_, placement.agent, subject);
    take_from(of_requester_, placement.requester, subject);
    take_from(turns_, placement.turn_agent, std::pair(placement.turn, subject));
    take_from(waiting_, placement.queue, subject);
    placements_.erase(found);
}

void Desk::forget_before(Instant instant) {
    for (auto one = placements_.begin(); one != placements_.end();) {
        const auto here = one++;
        if (here->second.until && *here->second.until < instant) take_away(std::string(here->first));
    }
}

/// Everything but one entity.
class SeenDesk final : public rules::RoutingBoard {
public:
    SeenDesk(const Desk& desk, const Subject& subject, const rules::Routing& routing)
        : desk_(desk), subject_(subject.text()), routing_(routing) {}

    rules::AgentLoad load_of(const std::string& agent) override {
        rules::AgentLoad load;
        if (const auto work = desk_.of_agent_.find(agent); work != desk_.of_agent_.end())
            for (const auto& subject : work->second)
                if (subject != subject_) ++load.open[desk_.placements_.at(subject).channel];
        if (const auto turns = desk_.turns_.find(agent); turns != desk_.turns_.end())
            load.turn = turns->second.rbegin()->first;
        return load;
    }

    std::uint64_t last_turn() override {
        std::uint64_t last = 0;
        for (const auto& [agent, turns] : desk_.turns_) last = std::max(last, turns.rbegin()->first);
        return last;
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

    std::string next_for(const std::string& agent) override {
        const auto load = load_of(agent);
        std::tuple<int, int, Instant, std::string> best;
        bool is_any = false;
        for (const auto& [id, subjects] : desk_.waiting_) {
            const auto* queue = rules::queue_named(routing_, id);
            if (queue == nullptr) continue;
            for (const auto& subject : subjects) {
                const auto& placement = desk_.placements_.at(subject);
                if (subject == subject_ || !rules::may_serve(routing_, *queue, agent, placement.skills) ||
                    !rules::has_room(routing_, agent, load, placement.channel))
                    continue;
                std::tuple<int, int, Instant, std::string> one(queue->priority, placement.rank,
                                                               *placement.waits, subject);
                if (!is_any || one < best) best = std::move(one);
                is_any = true;
            }
        }
        return std::get<3>(best);
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
