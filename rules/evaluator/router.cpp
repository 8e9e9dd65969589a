#include "rules/evaluator/router.h"

#include <algorithm>
#include <utility>

#include "engine/base/text.h"

namespace rules {
namespace {

using engine::Json;
using engine::Result;

std::string text_of(const Scope& scope, const std::optional<FieldPath>& field) {
    const auto* value = field ? scope.find(*field) : nullptr;
    return value == nullptr ? "" : plain_text(*value);
}

Json json_of(const AgentLoad& load) {
    Json json = Json::object();
    for (const auto& [channel, count] : load.open) json["open"][channel] = count;
    if (load.turn > 0) json["turn"] = load.turn;
    return json;
}

AgentLoad load_from(const Json& json) {
    AgentLoad load;
    if (!json.is_object()) return load;
    if (const auto open = json.find("open"); open != json.end() && open->is_object())
        for (const auto& [channel, count] : open->items())
            if (count.is_number_integer()) load.open[channel] = count.get<int>();
    if (const auto turn = json.find("turn"); turn != json.end() && turn->is_number_integer())
        load.turn = turn->get<std::uint64_t>();
    return load;
}

/// Null when nothing is recorded of it.
Json recorded_of(const Json& recorded, const char* what, const std::string& key) {
    const auto all = recorded.find(what);
    if (all == recorded.end() || !all->is_object()) return Json();
    const auto found = all->find(key);
    return found == all->end() ? Json() : *found;
}

/// A subject alone where it has come from outside.
Json json_of(const NextWaiting& next) {
    if (next.hops == 0) return next.subject;
    return {{"subject", next.subject}, {"hops", next.hops}};
}

NextWaiting next_from(const Json& json) {
    if (json.is_string()) return {json.get<std::string>(), 0};
    NextWaiting next{engine::text_or(json, "subject", ""), 0};
    const auto* hops = engine::find(json, "hops");
    if (hops != nullptr && hops->is_number_integer()) next.hops = hops->get<int>();
    return next;
}

}  // namespace

std::string plain_text(const Json& value) {
    if (value.is_structured() || value.is_null()) return "";
    return value.is_string() ? value.get<std::string>() : engine::canonical_json(value);
}

RecordingBoard::RecordingBoard(RoutingBoard* board, Json recorded)
    : board_(board), recorded_(std::move(recorded)) {}

/// Asked once for each: within one decision the desk stands still.
template <class Ask>
Json RecordingBoard::answer(const char* what, const std::string& key, Ask ask) {
    if (const auto known = said_.find(what); known != said_.end())
        if (const auto found = known->find(key); found != known->end()) return *found;
    Json answer;
    if (!recorded_.is_null())
        answer = recorded_of(recorded_, what, key);
    else if (board_ != nullptr)
        answer = ask(*board_);
    // Of who has nothing to do there is nothing to say.
    if (!answer.empty() && answer != Json("") && answer != Json(0)) said_[what][key] = answer;
    return answer;
}

AgentLoad RecordingBoard::load_of(const std::string& agent) {
    const auto [known, is_new] = loads_.try_emplace(agent);
    if (is_new && !recorded_.is_null())
        known->second = load_from(recorded_of(recorded_, "loads", agent));
    else if (is_new && board_ != nullptr)
        known->second = board_->load_of(agent);
    return known->second;
}

Json RecordingBoard::take() {
    for (const auto& [agent, load] : std::exchange(loads_, {}))
        if (auto json = json_of(load); !json.empty()) said_["loads"][agent] = std::move(json);
    return std::exchange(said_, Json());
}

std::uint64_t RecordingBoard::last_turn() {
    const auto turn = answer("turn", "last", [](RoutingBoard& board) { return Json(board.last_turn()); });
    return turn.is_number_integer() ? turn.get<std::uint64_t>() : 0;
}

std::string RecordingBoard::holder_of(const std::string& requester) {
    const auto holder =
        answer("holders", requester, [&](RoutingBoard& board) { return Json(board.holder_of(requester)); });
    return holder.is_string() ? holder.get<std::string>() : "";
}

std::string RecordingBoard::before(const PlaceInLine& place, const std::string& agent,
                                   const std::string& channel, engine::Instant now) {
    const auto key = agent + " " + std::to_string(place.priority) + " " + std::to_string(place.rank) + " " +
                     engine::to_text(place.since) + " " + channel;
    const auto first = answer(
        "before", key, [&](RoutingBoard& board) { return Json(board.before(place, agent, channel, now)); });
    return first.is_string() ? first.get<std::string>() : "";
}

std::vector<NextWaiting> RecordingBoard::next_for(const std::string& agent,
                                                  const std::optional<std::string>& takes,
                                                  engine::Instant now, const std::set<std::string>& passed) {
    const auto next = answer("next", agent, [&](RoutingBoard& board) {
        Json list = Json::array();
        for (const auto& one : board.next_for(agent, takes, now, passed)) list.push_back(json_of(one));
        return list;
    });
    // Older decisions have written down one of them.
    if (next.is_string()) return {next_from(next)};
    std::vector<NextWaiting> subjects;
    if (next.is_array())
        for (const auto& one : next) subjects.push_back(next_from(one));
    return subjects;
}

int rank_of(const Catalogue& catalogue, const std::string& kind, const Scope& scope) {
    const auto* field = catalogue.find(kind + ".priority");
    const auto* value = scope.find(FieldPath{"", kind, {"priority"}, FieldType::any});
    if (field == nullptr || field->values.empty()) return 0;
    const auto& values = field->values;
    const auto found = std::find(values.begin(), values.end(), value == nullptr ? "" : plain_text(*value));
    return static_cast<int>(found == values.end() ? values.size() + 1
                                                  : static_cast<std::size_t>(values.end() - found));
}

PlaceInLine Router::place_in(const Queue& queue, const Scope& scope) const {
    PlaceInLine place{queue.priority, rank_of(rule_set_.catalogue, kind_, scope), now_, ""};
    if (waits_.waits && waits_.queue == queue.id) {
        place.since = *waits_.waits;
        place.subject = subject_.text();
    }
    return place;
}

Result<const Queue*> Router::queue_of(const RouteStep& step, const Scope& scope) const {
    const auto& queues = rule_set_.routing->queues;
    const auto fits = [&](const Queue& queue) {
        return queue.kind == kind_ && (!queue.when || holds(*queue.when, scope));
    };
    if (step.queues.empty()) {
        for (const auto& queue : queues)
            if (fits(queue)) return &queue;
        return static_cast<const Queue*>(nullptr);
    }
    for (const auto& id : step.queues) {
        const auto* queue = queue_named(*rule_set_.routing, id);
        if (queue == nullptr) return engine::invalid("there is no queue " + engine::in_quotes(id));
        if (queue->kind != kind_)
            return engine::invalid("queue " + engine::in_quotes(id) + " is for a " + queue->kind +
                                   ", and this is a " + kind_);
        if (!step.asks_conditions || fits(*queue)) return queue;
    }
    return static_cast<const Queue*>(nullptr);
}

Result<RoutedTo> Router::route(const RouteStep& step, std::string_view rule, const Scope& scope) {
    const auto queue = queue_of(step, scope);
    if (!queue) return queue.error();
    if (*queue != nullptr) return route(**queue, rule, scope);
    RoutedTo nowhere;
    nowhere.routed.rule = rule;
    return nowhere;
}

Result<RoutedTo> Router::route(const Queue& meant, std::string_view rule, const Scope& scope) {
    const auto& routing = *rule_set_.routing;
    auto choice = open_queue(routing, meant, now_);
    const auto& queue = *choice.queue;
    RoutedTo to;
    to.channel = text_of(scope, queue.channel_field);
    to.requester = text_of(scope, queue.sticky_field);
    const Lookup lookup = [&scope](const engine::Path& path) { return scope.find(path); };
    for (const auto& skill : queue.skills) {
        const auto rendered = skill.render(lookup, rule_set_.options.text_bytes_max);
        if (!rendered) return engine::Error{rendered.error().code, "skills: " + rendered.error().message};
        if (rendered->is_string() && !rendered->get_ref<const std::string&>().empty())
            to.skills.push_back(rendered->get<std::string>());
    }
    choose(routing,
           {now_, to.channel, to.requester, text_of(scope, queue.assignee_field), to.skills,
            place_in(queue, scope), board_},
           choice);
    to.gave_way = choice.gave_way;
    to.queue = choice.queue;
    to.opens = choice.opens;
    to.routed = {std::string(rule), choice.queue->id, choice.team, choice.agent, choice.considered};
    const auto team = std::find_if(routing.teams.begin(), routing.teams.end(),
                                   [&](const Team& one) { return one.id == choice.team; });
    if (team != routing.teams.end()) to.group = team->group;
    if (!choice.agent.empty()) to.assignee = choice.agent;
    return to;
}

}  // namespace rules
