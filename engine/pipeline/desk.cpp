#include "engine/pipeline/desk.h"

#include <algorithm>

namespace engine {

namespace {

template <class Map, class Value>
void take_from(Map& map, const typename Map::key_type& key, const Value& value) {
    const auto found = map.find(key);
    if (found == map.end()) return;
    found->second.erase(value);
    if (found->second.empty()) map.erase(found);
}

constexpr auto desk_source = "signalbox:desk";

}  // namespace

Event offer_event(const TenantName& tenant, const Subject& subject, const std::string& agent, Instant now) {
    Event event;
    event.tenant = tenant;
    event.id = EventId(subject.text() + "@" + to_text(now) + " " + agent);
    event.source = desk_source;
    event.type = rules::routing_due_type(subject.kind());
    event.subject = subject;
    event.data = Json{{"routing", {{"agent", agent}, {"passed", Json::array()}}}};
    event.received = now;
    event.actor = "engine";
    return event;
}

bool is_offer(const Event& event) {
    return event.source == desk_source;
}

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
    if (placement.waits && !placement.held) {
        const Waiting one(placement.rank, *placement.waits, subject);
        waiting_[line_of(placement)].insert(one);
        if (!offered_.contains(subject)) not_offered_[line_of(placement)].insert(one);
    }
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
    if (placement.waits) {
        const Waiting one(placement.rank, *placement.waits, subject);
        take_from(waiting_, line_of(placement), one);
        take_from(not_offered_, line_of(placement), one);
    }
    if (placement.until) ends_.erase({*placement.until, subject});
    placements_.erase(found);
}

void Desk::offered(const Subject& subject, const std::string& agent) {
    const auto text = subject.text();
    take_offer(text);
    offered_[text] = agent;
    offered_to_[agent].insert(text);
    const auto found = placements_.find(text);
    if (found == placements_.end() || !found->second.waits) return;
    const auto& placement = found->second;
    take_from(not_offered_, line_of(placement), Waiting(placement.rank, *placement.waits, text));
}

void Desk::decided(const Subject& subject) {
    const auto text = subject.text();
    released(subject);
    take_offer(text);
    const auto found = placements_.find(text);
    if (found == placements_.end() || !found->second.waits || found->second.held) return;
    const auto& placement = found->second;
    not_offered_[line_of(placement)].emplace(placement.rank, *placement.waits, text);
}

void Desk::take_offer(const std::string& subject) {
    const auto found = offered_.find(subject);
    if (found == offered_.end()) return;
    take_from(offered_to_, found->second, subject);
    offered_.erase(found);
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

    std::string before(const rules::PlaceInLine& place, const std::string& agent, const std::string& channel,
                       Instant now) override {
        const std::tuple own(place.priority, place.rank, place.since);
        std::string first;
        // Whom it is offered to, it may go to another one.
        walk(desk_.waiting_, agent, load_of(agent), now,
             [&](int priority, const Desk::Waiting& one, const rules::AgentLoad& load) {
                 const auto& [rank, since, subject] = one;
                 const std::tuple other(priority, rank, since);
                 const bool is_later = place.subject.empty() || subject < place.subject;
                 if (other > own || (other == own && !is_later)) return Seen::enough;
                 if (!is_in_line(subject)) return Seen::passed_over;
                 auto behind = load;
                 ++behind.open[channel_of(subject)];
                 if (rules::has_room(routing_, agent, behind, channel)) return Seen::takes;
                 first = subject;
                 return Seen::enough;
             });
        return first;
    }

    std::vector<rules::NextWaiting> next_for(const std::string& agent,
                                             const std::optional<std::string>& takes, Instant now,
                                             const std::set<std::string>& passed) override {
        auto load = load_of(agent);
        if (takes) ++load.open[*takes];
        // What is offered already has its place.
        if (const auto offered = desk_.offered_to_.find(agent); offered != desk_.offered_to_.end())
            for (const auto& subject : offered->second)
                if (subject != subject_ && waits(subject)) ++load.open[channel_of(subject)];
        std::vector<rules::NextWaiting> next;
        walk(desk_.not_offered_, agent, std::move(load), now,
             [&](int, const Desk::Waiting& one, const rules::AgentLoad&) {
                 const auto& subject = std::get<2>(one);
                 if (next.size() >= next_max) return Seen::enough;
                 if (!is_in_line(subject) || passed.contains(subject)) return Seen::passed_over;
                 next.push_back({subject, desk_.placements_.at(subject).hops});
                 return Seen::takes;
             });
        return next;
    }

private:
    static constexpr std::size_t next_max = 100;
    enum class Seen { takes, passed_over, enough };

    struct Head {
        int priority;
        const std::string* channel;
        std::set<Desk::Waiting>::const_iterator at, end;
    };

    std::vector<Head> lines_for(const Desk::Lines& lines, const std::string& agent, Instant now,
                                const rules::AgentLoad& load) const {
        std::vector<Head> heads;
        const rules::Queue* queue = nullptr;
        bool is_served = false;
        for (const auto& [line, waiting] : lines) {
            const auto& [id, channel, skills] = line;
            if (!rules::has_room(routing_, agent, load, channel)) continue;
            if (queue == nullptr || queue->id != id) {
                queue = rules::queue_named(routing_, id);
                is_served = queue != nullptr && rules::serves(routing_, *queue, agent, now);
            }
            if (is_served && rules::has_skills(routing_, agent, skills))
                heads.push_back({queue->priority, &channel, waiting.begin(), waiting.end()});
        }
        return heads;
    }

    /// What waits and the agent can take, in its order, each taking room of what comes behind it, until there
    /// is none or `visit` has seen enough. Only that is looked at, however much waits.
    template <class Visit>
    void walk(const Desk::Lines& lines, const std::string& agent, rules::AgentLoad load, Instant now,
              Visit visit) {
        auto heads = lines_for(lines, agent, now, load);
        while (!heads.empty()) {
            const auto head = std::min_element(heads.begin(), heads.end(), [](const Head& a, const Head& b) {
                return std::tie(a.priority, *a.at) < std::tie(b.priority, *b.at);
            });
            if (!rules::has_room(routing_, agent, load, *head->channel)) {
                heads.erase(head);
                continue;
            }
            const auto seen = visit(head->priority, *head->at, load);
            if (seen == Seen::enough) return;
            if (seen == Seen::takes) ++load.open[*head->channel];
            if (++head->at == head->end) heads.erase(head);
        }
    }

    bool is_in_line(const std::string& subject) const {
        return subject != subject_ && !desk_.held_up_.contains(subject);
    }
    bool waits(const std::string& subject) const {
        const auto found = desk_.placements_.find(subject);
        return found != desk_.placements_.end() && found->second.waits;
    }
    const std::string& channel_of(const std::string& subject) const {
        return desk_.placements_.at(subject).channel;
    }

    const Desk& desk_;
    std::string subject_;
    const rules::Routing& routing_;
};

std::unique_ptr<rules::RoutingBoard> Desk::seen_by(const Subject& subject,
                                                   const rules::Routing& routing) const {
    return std::make_unique<SeenDesk>(*this, subject, routing);
}

}  // namespace engine
