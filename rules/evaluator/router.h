#pragma once
/// Router: brings the entity of one decision into a queue and to an agent, and keeps its place at the desk.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/model/decision.h"
#include "rules/evaluator/condition.h"
#include "rules/policies/routing.h"
#include "rules/rule_set.h"

namespace rules {

/// Of an id that vendors give as a text or as a number; empty for what is neither.
std::string plain_text(const engine::Json& value);

/// Answers from a board, and writes down what it said; or, where something is written down already, from
/// that.
class RecordingBoard final : public RoutingBoard {
public:
    /// `recorded` is what an earlier decision wrote down; null = ask the board, which may be null, too: then
    /// the desk is empty.
    RecordingBoard(RoutingBoard* board, engine::Json recorded);

    AgentLoad load_of(const std::string& agent) override;
    std::uint64_t last_turn() override;
    std::string holder_of(const std::string& requester) override;
    std::string before(const PlaceInLine& place, const std::string& agent, const std::string& channel,
                       engine::Instant now) override;
    std::vector<NextWaiting> next_for(const std::string& agent, const std::optional<std::string>& takes,
                                      engine::Instant now, const std::set<std::string>& passed) override;

    /// `{"loads","turn","holders","before","next"}` as far as they were asked for; null = nothing was.
    engine::Json take();

private:
    template <class Ask>
    engine::Json answer(const char* what, const std::string& key, Ask ask);

    RoutingBoard* board_;
    engine::Json recorded_;
    engine::Json said_;
    std::map<std::string, AgentLoad> loads_;  ///< there may be a thousand: they become JSON once, at the end
};

/// Where a route led: what is to be written, and what stands in the decision.
struct RoutedTo {
    const Queue* queue = nullptr;
    engine::Routed routed;
    engine::Json group;      ///< null = none
    engine::Json assignee;   ///< null = it waits
    bool overruled = false;  ///< an earlier rule's queue stands
    std::string channel;
    std::string requester;
    std::vector<std::string> skills;
    std::optional<engine::Instant> opens;
    bool gave_way = false;  ///< somebody has room that others wait for
};

/// The more urgent, the lower, and none is the least; 0 where the kind knows no priorities.
int rank_of(const Catalogue& catalogue, const std::string& kind, const Scope& scope);

/// Borrows all of it. One decision's.
class Router {
public:
    /// `waits`: the place the entity has had so far.
    Router(const RuleSet& rule_set, const engine::Subject& subject, const Placement& waits,
           engine::Instant now, RoutingBoard& board)
        : rule_set_(rule_set),
          subject_(subject),
          kind_(subject.kind()),
          waits_(waits),
          now_(now),
          board_(board) {}

    /// The queue that the step means; null when none of them fits, and then why is in the error. Fails with
    /// invalid_input for one of another kind, or whose skills cannot be rendered.
    engine::Result<RoutedTo> route(const RouteStep& step, std::string_view rule, const Scope& scope);
    engine::Result<RoutedTo> route(const Queue& meant, std::string_view rule, const Scope& scope);
    RoutingBoard& board() { return board_; }

private:
    engine::Result<const Queue*> queue_of(const RouteStep& step, const Scope& scope) const;
    PlaceInLine place_in(const Queue& queue, const Scope& scope) const;

    const RuleSet& rule_set_;
    const engine::Subject& subject_;
    std::string kind_;
    const Placement& waits_;
    engine::Instant now_;
    RoutingBoard& board_;
};

}  // namespace rules
