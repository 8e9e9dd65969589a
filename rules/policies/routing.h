#pragma once
/// Routing: the people of a desk and how they are told of something. Pure.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/diagnostic.h"
#include "rules/policies/escalation.h"
#include "rules/policies/on_call.h"
#include "rules/policies/queues.h"
#include "rules/rule_set.h"

namespace rules {

/// Somebody, several people or a place that can be told something.
struct Recipient {
    std::string id;
    std::string name;          ///< for people; empty = the id
    std::vector<Step> notify;  ///< calls and events; empty = cannot be told
    engine::Place place;
};

struct Agent : Recipient {
    std::map<std::string, int> skills;  ///< and how good they are at them, from 1 on
    Capacity capacity;
    std::string calendar_name;  ///< empty = always there
    std::shared_ptr<const Calendar> calendar;
};

struct Team : Recipient {
    std::vector<std::string> members;  ///< agents; told one by one when the team itself cannot be
    std::string group;                 ///< that is written to the entity
    std::string calendar_name;         ///< empty = always there
    std::shared_ptr<const Calendar> calendar;
};

/// All of routing.yaml.
struct Routing {
    std::vector<Agent> agents;
    std::unordered_map<std::string, std::size_t> agent_numbers;  ///< in agents, by id
    std::vector<Team> teams;
    std::vector<Recipient> channels;
    std::vector<OnCallSchedule> on_call;
    std::vector<Escalation> escalations;
    std::vector<Queue> queues;                   ///< in the order in which their conditions are asked
    std::map<std::string, Condition> open_work;  ///< by kind: what counts as work of its assignee
};

/// Within their own hours.
bool is_there(const Agent& agent, engine::Instant now);
bool is_open(const Queue& queue, engine::Instant now);

/// Null when there is none of that id.
const Escalation* escalation_named(const RuleSet& rule_set, std::string_view id);

/// All who are on call at some time, each once.
std::vector<std::string> people_of(const OnCallSchedule& schedule);

bool has_target(const Routing& routing, const NotifyTarget& target);

/// One to be told something, and how.
struct Told {
    std::string target;                    ///< `person ana`, `channel desk`, for people
    const Recipient* recipient = nullptr;  ///< null = nobody can be told
};
/// Whom a target means at that instant: of an on-call schedule those on duty, of a team that has no way of
/// its own each member.
std::vector<Told> told_by(const Routing& routing, const NotifyTarget& target, engine::Instant now);

}  // namespace rules
