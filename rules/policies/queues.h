#pragma once
/// Queues: which agent gets an entity, and why nobody else does. Pure: it follows from the queue, from who
/// has how much to do, and from the clock.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/model/decision.h"
#include "rules/evaluator/condition.h"
#include "rules/rule_set.h"

namespace rules {

/// Who of those with room gets it. Between equals the one whose last turn is the longest ago.
enum class RoutingStrategy {
    least_loaded,  ///< who has the least to do
    round_robin,   ///< whose last turn is the longest ago
    skills,        ///< who is best at what is wanted
    sticky,        ///< who has it, or another one of the same requester; else the least loaded
};
std::string_view name_of(RoutingStrategy strategy);
std::vector<std::string> routing_strategy_names();

struct Queue {
    std::string id;
    std::string writer;           ///< `routing:<id>`, in whose name it is routed when nobody asks
    std::string kind = "ticket";  ///< of entity
    std::optional<Condition> when;
    std::vector<std::string> teams;  ///< the first that has somebody with room
    RoutingStrategy strategy = RoutingStrategy::least_loaded;
    std::vector<Template> skills;  ///< wanted
    int priority = 50;             ///< who gets free takes from the queue with the lowest first
    std::string calendar_name;     ///< empty = always open
    std::shared_ptr<const Calendar> calendar;
    std::string out_of_hours;  ///< the queue that stands in while it is closed; empty = it waits
    std::optional<engine::Duration> overflow_after;
    bool overflow_in_hours = false;  ///< only the queue's open time counts
    std::string overflow_to;         ///< the queue for what has waited so long
    FieldPath queue_field, assignee_field;
    std::optional<FieldPath> group_field;    ///< nothing = the kind has none
    std::optional<FieldPath> channel_field;  ///< by which capacity counts
    std::optional<FieldPath> sticky_field;   ///< the requester
    engine::Place place;
};

/// So much at a time.
struct Capacity {
    std::optional<int> in_all;
    std::map<std::string, int> by_channel;
    std::optional<int> other_channels;  ///< together
};

/// What an agent has to do, as others' work says.
struct AgentLoad {
    std::map<std::string, int> open;  ///< by channel
    std::uint64_t turn = 0;           ///< of the last entity that was routed there; 0 = not known of any
    int in_all() const;
};

/// Where an entity stands among all that wait: a queue's priority first, then how urgent it is, then since
/// when it waits.
struct PlaceInLine {
    int priority = 0;
    int rank = 0;
    engine::Instant since{};
    std::string subject;  ///< empty = it has only come, and stands behind all that wait already
};

/// What waits and is next.
struct NextWaiting {
    std::string subject;
    int hops = 0;  ///< of the event with which it began to wait
};

/// What the other entities of the tenant say of the desk. One thread.
class RoutingBoard {
public:
    virtual ~RoutingBoard() = default;
    virtual AgentLoad load_of(const std::string& agent) = 0;
    /// The largest turn that was given.
    virtual std::uint64_t last_turn() = 0;
    /// Who has another open entity of the same requester; empty = nobody.
    virtual std::string holder_of(const std::string& requester) = 0;
    /// Of all that wait before that place, the subject with which the agent has no more room for the channel;
    /// empty = there is room behind them, too.
    virtual std::string before(const PlaceInLine& place, const std::string& agent, const std::string& channel,
                               engine::Instant now) = 0;
    /// Of all that wait in queues that the agent serves, the subjects that are next, as many as there is room
    /// for behind what is offered already. `takes`: of which channel the agent gets one in this decision.
    /// But for those that were passed over just now, and for queues and people out of their hours.
    virtual std::vector<NextWaiting> next_for(const std::string& agent,
                                              const std::optional<std::string>& takes, engine::Instant now,
                                              const std::set<std::string>& passed) = 0;
};

/// An entity's place at the desk, as it is kept between events and seen by others.
struct Placement {
    std::string queue;  ///< that it was routed to; empty = none
    std::string agent;  ///< whose open work it is; empty = nobody's
    std::string channel;
    std::string requester;
    std::uint64_t turn = 0;  ///< with which it was routed to `turn_agent`
    std::string turn_agent;
    std::optional<engine::Instant> waits;  ///< in the queue since then
    int hops = 0;                          ///< of the event with which it began to wait
    int rank = 0;                          ///< of those that wait, lower ones go first
    std::vector<std::string> skills;       ///< that it waits for
    bool held = false;                     ///< nobody who gets free is offered it: that went wrong
    std::optional<engine::Instant> due;    ///< of its timer
    std::optional<engine::Instant> until;  ///< nobody's work any more; its turn counts until then
    bool empty() const { return queue.empty() && agent.empty() && turn == 0; }
    friend bool operator==(const Placement&, const Placement&) = default;
};
/// An empty object for none.
engine::Json to_json(const Placement& placement);
/// Of what to_json wrote; what cannot be read is left out.
Placement placement_from(const engine::Json& json);

/// What is at hand when a queue is asked. Borrowed.
struct QueueMoment {
    engine::Instant now{};
    std::string channel;
    std::string requester;
    std::string assignee;             ///< who has it; empty = nobody
    std::vector<std::string> skills;  ///< that the queue wants
    PlaceInLine place;
    RoutingBoard& board;
};

struct QueueChoice {
    const Queue* queue = nullptr;  ///< that it came into: one that stands in, perhaps
    bool is_closed = false;        ///< and nobody of it is there
    std::string team;
    std::string agent;                                ///< empty = it waits
    engine::Json considered = engine::Json::array();  ///< as Routed has it, and `{"more":n}` beyond so many
    std::optional<engine::Instant> opens;             ///< when somebody who is away may have room
    bool gave_way = false;                            ///< somebody has room that others wait for
};
/// The queue, or what stands in for it outside of its hours.
QueueChoice open_queue(const Routing& routing, const Queue& queue, engine::Instant now);
/// Looks for somebody in the queue that was found, unless it is closed.
void choose(const Routing& routing, const QueueMoment& moment, QueueChoice& choice);

/// Whether the agent is there, and of a team that is and serves the queue, which is open.
bool serves(const Routing& routing, const Queue& queue, const std::string& agent, engine::Instant now);
bool has_skills(const Routing& routing, const std::string& agent, const std::vector<std::string>& skills);

/// Whether the agent may have one more of that channel.
bool has_room(const Routing& routing, const std::string& agent, const AgentLoad& load,
              const std::string& channel);

const Queue* queue_named(const Routing& routing, std::string_view id);

/// When what waits there since then goes into the queue for that; nothing = never.
std::optional<engine::Instant> overflows_at(const Queue& queue, engine::Instant waits);

/// All members of the queue's teams, each once.
std::set<std::string> agents_of(const Routing& routing, const Queue& queue);

/// How long the turn of what is done counts.
inline constexpr engine::Duration turn_remembered = std::chrono::hours(24);
/// What waits for nothing else is looked at again so often: rules may have changed.
inline constexpr engine::Duration waiting_rechecked = std::chrono::minutes(15);

inline constexpr auto routing_timer_name = "routing:queue";
/// The type of the event by which what waits is routed again: `<kind>.routing_due`.
std::string routing_due_type(std::string_view kind);
/// In whose name whoever gets free is given what waits: `routing:<agent>`.
bool is_writer_of_routing(std::string_view rule);

}  // namespace rules
