#include "rules/policies/queues.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "engine/base/text.h"
#include "rules/calendar/calendar.h"
#include "rules/policies/routing.h"

namespace rules {
namespace {

using engine::Instant;
using engine::Json;

constexpr std::array<std::string_view, 4> strategy_names{"least_loaded", "round_robin", "skills", "sticky"};

/// So many are named in a decision.
constexpr std::size_t considered_max = 100;

const Agent* agent_of(const Routing& routing, const std::string& id) {
    const auto found = routing.agent_numbers.find(id);
    return found == routing.agent_numbers.end() ? nullptr : &routing.agents[found->second];
}

const Team* team_of(const Routing& routing, const std::string& id) {
    const auto found = std::find_if(routing.teams.begin(), routing.teams.end(),
                                    [&](const Team& team) { return team.id == id; });
    return found == routing.teams.end() ? nullptr : &*found;
}

/// So many more of that channel; nothing = as many as come.
std::optional<int> room_of(const Capacity& capacity, const AgentLoad& load, const std::string& channel) {
    std::optional<int> room;
    const auto limit = [&](int most, int open) { room = std::min(room.value_or(most - open), most - open); };
    if (capacity.in_all) limit(*capacity.in_all, load.in_all());
    const auto own = capacity.by_channel.find(channel);
    const auto open = load.open.find(channel);
    if (own != capacity.by_channel.end()) {
        limit(own->second, open == load.open.end() ? 0 : open->second);
    } else if (capacity.other_channels) {
        int others = 0;
        for (const auto& [name, count] : load.open)
            if (!capacity.by_channel.contains(name)) others += count;
        limit(*capacity.other_channels, others);
    }
    return room;
}

std::string missing_skill(const Agent& agent, const std::vector<std::string>& skills) {
    for (const auto& skill : skills)
        if (!agent.skills.contains(skill)) return skill;
    return "";
}

int skill_sum(const Agent& agent, const std::vector<std::string>& skills) {
    int sum = 0;
    for (const auto& skill : skills)
        if (const auto found = agent.skills.find(skill); found != agent.skills.end()) sum += found->second;
    return sum;
}

/// A team, or one of its members, and why it was not they; borrows.
struct Looked {
    const std::string* agent = nullptr;  ///< null = at the team as a whole
    const std::string* team = nullptr;
    int load = 0;
    std::optional<int> room;
    std::string reason;
};

Json json_of(const Looked& looked) {
    Json json{{"team", *looked.team}};
    if (looked.agent != nullptr) {
        json["agent"] = *looked.agent;
        json["load"] = looked.load;
    }
    if (looked.room) json["room"] = std::max(*looked.room, 0);
    if (!looked.reason.empty()) json["reason"] = looked.reason;
    return json;
}

struct Candidate {
    const Agent* agent = nullptr;
    int load = 0;
    std::uint64_t turn = 0;
    int skill = 0;
    std::size_t entry = 0;  ///< in what was looked at
};

/// One queue while somebody is looked for.
class QueueSearch {
public:
    QueueSearch(const Routing& routing, const Queue& queue, const QueueMoment& moment, QueueChoice& choice)
        : routing_(routing), queue_(queue), moment_(moment), choice_(choice) {}

    void run() {
        for (const auto& id : queue_.teams) {
            const auto* team = team_of(routing_, id);
            if (team != nullptr && give_to_one_of(*team)) break;
        }
        const auto before = choice_.considered.size();
        const auto named = std::min(looked_.size(), considered_max - std::min(before, considered_max));
        for (std::size_t i = 0; i < named; ++i) choice_.considered.push_back(json_of(looked_[i]));
        if (named < looked_.size()) choice_.considered.push_back({{"more", looked_.size() - named}});
    }

private:
    bool give_to_one_of(const Team& team) {
        const auto candidates = candidates_of(team);
        if (candidates.empty()) return false;
        choice_.team = team.id;
        choice_.agent = best_of(candidates).agent->id;
        return true;
    }

    std::vector<Candidate> candidates_of(const Team& team) {
        std::vector<Candidate> candidates;
        if (!is_there(team.calendar.get())) {
            looked_.push_back({nullptr, &team.id, 0, {}, "out of its hours"});
            return candidates;
        }
        for (const auto& id : team.members) {
            const auto* agent = agent_of(routing_, id);
            if (agent == nullptr) continue;
            const auto load = moment_.board.load_of(id);
            const auto room = room_of(agent->capacity, load, moment_.channel);
            Looked looked{&id, &team.id, load.in_all(), room, ""};
            const auto missing = missing_skill(*agent, moment_.skills);
            if (!missing.empty())
                looked.reason = "lacks the skill " + missing;
            else if (!is_there(agent->calendar.get()))
                looked.reason = "out of hours";
            else if (room && *room <= 0)
                looked.reason = "has no room";
            else if (const auto first = what_goes_first(id, room); !first.empty())
                looked.reason = first + " goes first";
            else
                candidates.push_back(
                    {agent, looked.load, load.turn, skill_sum(*agent, moment_.skills), looked_.size()});
            looked_.push_back(std::move(looked));
        }
        return candidates;
    }

    /// Who has it already keeps it: that takes nobody's place.
    std::string what_goes_first(const std::string& agent, const std::optional<int>& room) {
        if (!room || agent == moment_.assignee) return "";
        auto first = moment_.board.before(moment_.place, agent, moment_.channel, moment_.now);
        choice_.gave_way = choice_.gave_way || !first.empty();
        return first;
    }

    bool is_there(const Calendar* calendar) {
        if (calendar == nullptr || calendar->is_open(moment_.now)) return true;
        const auto opens = calendar->next_opening(moment_.now);
        if (opens && (!choice_.opens || *opens < *choice_.opens)) choice_.opens = opens;
        return false;
    }

    const Candidate& best_of(const std::vector<Candidate>& candidates) {
        const auto* best = known_one(candidates);
        if (best == nullptr) {
            best = &candidates.front();
            for (const auto& candidate : candidates)
                if (is_better(candidate, *best)) best = &candidate;
        }
        for (const auto& candidate : candidates)
            if (&candidate != best && candidate.entry < considered_max)
                looked_[candidate.entry].reason = reason_against(candidate, *best);
        return *best;
    }

    /// Of `sticky`: who has it already, or another one of the same requester.
    const Candidate* known_one(const std::vector<Candidate>& candidates) {
        if (queue_.strategy != RoutingStrategy::sticky) return nullptr;
        for (const auto& id : {moment_.assignee,
                               moment_.requester.empty() ? "" : moment_.board.holder_of(moment_.requester)}) {
            const auto found = std::find_if(candidates.begin(), candidates.end(),
                                            [&](const Candidate& one) { return one.agent->id == id; });
            if (found == candidates.end()) continue;
            is_known_ = true;
            return &*found;
        }
        return nullptr;
    }

    bool is_better(const Candidate& one, const Candidate& other) const {
        if (queue_.strategy == RoutingStrategy::skills && one.skill != other.skill)
            return one.skill > other.skill;
        if (queue_.strategy != RoutingStrategy::round_robin && one.load != other.load)
            return one.load < other.load;
        return one.turn < other.turn;
    }

    std::string reason_against(const Candidate& one, const Candidate& best) const {
        if (is_known_) return best.agent->id + " knows the requester";
        if (queue_.strategy == RoutingStrategy::skills && one.skill != best.skill) return "less skilled";
        if (queue_.strategy != RoutingStrategy::round_robin && one.load != best.load) return "has more to do";
        return one.turn != best.turn ? "had a turn since" : "stands behind in the team";
    }

    const Routing& routing_;
    const Queue& queue_;
    const QueueMoment& moment_;
    QueueChoice& choice_;
    std::vector<Looked> looked_;
    bool is_known_ = false;
};

std::string text_in(const Json& json, const char* name) {
    return engine::text_or(json, name, "");
}

std::optional<Instant> instant_in(const Json& json, const char* name) {
    const auto read = engine::parse_instant(text_in(json, name));
    return read ? std::optional(*read) : std::nullopt;
}

}  // namespace

std::string_view name_of(RoutingStrategy strategy) {
    return strategy_names[static_cast<std::size_t>(strategy)];
}

std::vector<std::string> routing_strategy_names() {
    return {strategy_names.begin(), strategy_names.end()};
}

int AgentLoad::in_all() const {
    int sum = 0;
    for (const auto& [channel, count] : open) sum += count;
    return sum;
}

Json to_json(const Placement& placement) {
    Json json = Json::object();
    const auto put_text = [&](const char* name, const std::string& text) {
        if (!text.empty()) json[name] = text;
    };
    const auto put_instant = [&](const char* name, const std::optional<Instant>& instant) {
        if (instant) json[name] = engine::to_text(*instant);
    };
    if (placement.empty()) return json;
    put_text("queue", placement.queue);
    put_text("agent", placement.agent);
    put_text("channel", placement.channel);
    put_text("requester", placement.requester);
    if (placement.turn > 0) json["turn"] = placement.turn;
    put_text("turn_agent", placement.turn_agent);
    put_instant("waits_since", placement.waits);
    if (placement.hops > 0) json["hops"] = placement.hops;
    if (placement.rank > 0) json["rank"] = placement.rank;
    if (!placement.skills.empty()) json["skills"] = placement.skills;
    if (placement.held) json["held"] = true;
    put_instant("due_at", placement.due);
    put_instant("until", placement.until);
    return json;
}

Placement placement_from(const Json& json) {
    Placement placement;
    if (!json.is_object()) return placement;
    placement.queue = text_in(json, "queue");
    placement.agent = text_in(json, "agent");
    placement.channel = text_in(json, "channel");
    placement.requester = text_in(json, "requester");
    placement.turn_agent = text_in(json, "turn_agent");
    if (const auto turn = json.find("turn"); turn != json.end() && turn->is_number_integer())
        placement.turn = turn->get<std::uint64_t>();
    if (const auto hops = json.find("hops"); hops != json.end() && hops->is_number_integer())
        placement.hops = hops->get<int>();
    if (const auto rank = json.find("rank"); rank != json.end() && rank->is_number_integer())
        placement.rank = rank->get<int>();
    if (const auto skills = json.find("skills"); skills != json.end() && skills->is_array())
        for (const auto& skill : *skills)
            if (skill.is_string()) placement.skills.push_back(skill.get<std::string>());
    placement.held = json.contains("held");
    placement.waits = instant_in(json, "waits_since");
    placement.due = instant_in(json, "due_at");
    placement.until = instant_in(json, "until");
    return placement;
}

const Queue* queue_named(const Routing& routing, std::string_view id) {
    const auto found = std::find_if(routing.queues.begin(), routing.queues.end(),
                                    [&](const Queue& queue) { return queue.id == id; });
    return found == routing.queues.end() ? nullptr : &*found;
}

std::optional<Instant> overflows_at(const Queue& queue, Instant waits) {
    if (!queue.overflow_after) return std::nullopt;
    if (!queue.overflow_in_hours || !queue.calendar) return waits + *queue.overflow_after;
    return queue.calendar->add(waits, *queue.overflow_after, DueAt::first_instant);
}

std::set<std::string> agents_of(const Routing& routing, const Queue& queue) {
    std::set<std::string> agents;
    for (const auto& id : queue.teams)
        if (const auto* team = team_of(routing, id))
            agents.insert(team->members.begin(), team->members.end());
    return agents;
}

bool serves(const Routing& routing, const Queue& queue, const std::string& agent, Instant now) {
    const auto* known = agent_of(routing, agent);
    if (known == nullptr || !is_there(*known, now) || !is_open(queue, now)) return false;
    return std::any_of(queue.teams.begin(), queue.teams.end(), [&](const std::string& id) {
        const auto* team = team_of(routing, id);
        return team != nullptr && (team->calendar == nullptr || team->calendar->is_open(now)) &&
               std::find(team->members.begin(), team->members.end(), agent) != team->members.end();
    });
}

bool is_there(const Agent& agent, Instant now) {
    return agent.calendar == nullptr || agent.calendar->is_open(now);
}

bool is_open(const Queue& queue, Instant now) {
    return queue.calendar == nullptr || queue.calendar->is_open(now);
}

bool has_skills(const Routing& routing, const std::string& agent, const std::vector<std::string>& skills) {
    const auto* known = agent_of(routing, agent);
    return known != nullptr && missing_skill(*known, skills).empty();
}

bool has_room(const Routing& routing, const std::string& agent, const AgentLoad& load,
              const std::string& channel) {
    const auto* known = agent_of(routing, agent);
    return known != nullptr && room_of(known->capacity, load, channel).value_or(1) > 0;
}

QueueChoice open_queue(const Routing& routing, const Queue& queue, Instant now) {
    QueueChoice choice;
    choice.queue = &queue;
    std::set<std::string> closed;
    // What stands in may be closed as well.
    while (choice.queue->calendar && !choice.queue->calendar->is_open(now)) {
        choice.considered.push_back({{"queue", choice.queue->id}, {"reason", "out of its hours"}});
        const auto next = choice.queue->calendar->next_opening(now);
        if (next && (!choice.opens || *next < *choice.opens)) choice.opens = next;
        const auto* other =
            choice.queue->out_of_hours.empty() ? nullptr : queue_named(routing, choice.queue->out_of_hours);
        closed.insert(choice.queue->id);
        choice.is_closed = other == nullptr || closed.contains(other->id);
        if (choice.is_closed) return choice;
        choice.queue = other;
    }
    choice.opens.reset();
    return choice;
}

void choose(const Routing& routing, const QueueMoment& moment, QueueChoice& choice) {
    if (choice.is_closed) return;
    QueueSearch(routing, *choice.queue, moment, choice).run();
}

std::string routing_due_type(std::string_view kind) {
    return std::string(kind) + ".routing_due";
}

bool is_writer_of_routing(std::string_view rule) {
    return rule.starts_with("routing:");
}

}  // namespace rules
