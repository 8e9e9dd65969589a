#include "rules/policies/routing.h"

#include <algorithm>
#include <set>

namespace rules {
namespace {

template <class One>
const One* with_id(const std::vector<One>& all, std::string_view id) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const One& one) { return one.id == id; });
    return found == all.end() ? nullptr : &*found;
}

void add_people(const Routing& routing, const std::vector<std::string>& ids, const std::string& because,
                std::vector<Told>& told) {
    for (const auto& id : ids) {
        const auto* agent = with_id(routing.agents, id);
        const bool can_be_told = agent != nullptr && !agent->notify.empty();
        told.push_back({because + "person " + id, can_be_told ? agent : nullptr});
    }
}

}  // namespace

const Escalation* escalation_named(const RuleSet& rule_set, std::string_view id) {
    return rule_set.routing ? with_id(rule_set.routing->escalations, id) : nullptr;
}

std::vector<std::string> people_of(const OnCallSchedule& schedule) {
    std::set<std::string> people;
    for (const auto& rotation : schedule.rotations)
        for (const auto& turn : rotation.turns) people.insert(turn.begin(), turn.end());
    for (const auto& one : schedule.overrides) people.insert(one.who.begin(), one.who.end());
    return {people.begin(), people.end()};
}

bool has_target(const Routing& routing, const NotifyTarget& target) {
    using Kind = NotifyTarget::Kind;
    if (target.kind == Kind::person) return with_id(routing.agents, target.id) != nullptr;
    if (target.kind == Kind::team) return with_id(routing.teams, target.id) != nullptr;
    if (target.kind == Kind::channel) return with_id(routing.channels, target.id) != nullptr;
    return with_id(routing.on_call, target.id) != nullptr;
}

std::vector<Told> told_by(const Routing& routing, const NotifyTarget& target, engine::Instant now) {
    using Kind = NotifyTarget::Kind;
    std::vector<Told> told;
    const auto name = std::string(name_of(target.kind)) + " " + target.id;
    if (target.kind == Kind::person) {
        add_people(routing, {target.id}, "", told);
    } else if (target.kind == Kind::channel) {
        told.push_back({name, with_id(routing.channels, target.id)});
    } else if (target.kind == Kind::team) {
        const auto* team = with_id(routing.teams, target.id);
        if (team == nullptr || !team->notify.empty())
            told.push_back({name, team});
        else
            add_people(routing, team->members, name + ": ", told);
    } else {
        const auto* schedule = with_id(routing.on_call, target.id);
        if (schedule != nullptr) add_people(routing, on_call_at(*schedule, now).who, name + ": ", told);
        if (told.empty()) told.push_back({name + ": nobody", nullptr});
    }
    return told;
}

}  // namespace rules
