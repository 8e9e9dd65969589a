/// The desk in an evaluation: what waits is routed before the rules; on what they left follow the entity's
/// place at the desk and its escalations.

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "rules/evaluator/evaluation.h"
#include "rules/evaluator/step_checks.h"
#include "rules/policies/routing.h"

namespace rules {

using engine::Decision;
using engine::Json;

const RuleSet* Evaluation::rule_set_of(const std::string& version) const {
    if (version == rule_set_.version) return &rule_set_;
    for (const auto& older : input_.older)
        if (older->version == version) return older.get();
    return nullptr;
}

// ---- before the rules

void Evaluation::begin_routing() {
    if (!input_.routing.is_null()) {
        escalations_ = escalation_runs_from(input_.routing.value("escalations", Json::object()));
        placement_ = placement_from(input_.routing.value("place", Json::object()));
        escalation_view_ = escalation_view(escalations_);
        scope_.escalations = &escalation_view_;
    }
    if (!rule_set_.routing || rule_set_.routing->queues.empty()) return;
    board_.emplace(input_.desk, std::move(input_.desk_said));
    router_.emplace(rule_set_, input_.event->subject, placement_, input_.now, *board_);
    state_.router = &*router_;
}

bool Evaluation::is_due() const {
    return input_.event->type == routing_due_type(input_.kind);
}

void Evaluation::apply_routing() {
    if (!router_ || !placement_.waits || ended() || input_.is_deleted || !is_due()) return;
    const auto* queue = queue_named(*rule_set_.routing, placement_.queue);
    // The event may have brought an assignment, or another queue.
    const auto& document = state_.readable();
    const auto is_as_it_was = [&](const char* name, const std::string& value) {
        const auto found = document.find(name);
        return (found == document.end() ? "" : plain_text(*found)) == value;
    };
    const auto work = rule_set_.routing->open_work.find(input_.kind);
    if (queue == nullptr || work == rule_set_.routing->open_work.end() || !holds(work->second, scope_) ||
        !is_as_it_was("assignee", "") || !is_as_it_was("queue", placement_.queue))
        return;
    const auto overflows = overflows_at(*queue, *placement_.waits);
    const bool has_waited = overflows && *overflows <= input_.now;
    const auto* overflow = has_waited ? queue_named(*rule_set_.routing, queue->overflow_to) : nullptr;
    if (overflow != nullptr) queue = overflow;
    auto to = router_->route(*queue, queue->writer, scope_);
    if (!to) {
        failures_.push_back({queue->writer, to.error().message, queue->place});
        return;
    }
    const auto written = ledger().write_count();
    if (state_.write(*to, queue->writer) == Ledger::Verdict::fails) {
        fatal_conflict_ = ledger().conflicts().back();
        outcome_ = engine::Outcome::error;
        return;
    }
    state_.routed.push_back(*std::move(to));
    state_.keep();
    add_news(written);
}

// ---- after them

void Evaluation::follow_routing(Decision& decision) {
    if (!router_ && !placement_.waits && escalations_.empty() && state_.wishes.empty()) return;
    Scope scope = scope_;
    scope.changes = &decision.merged;
    scope.set(input_.kind, &decision.document);
    const auto placement = placement_after(scope, decision);
    follow_escalations(scope, decision);
    if (board_) {
        auto said = board_->take();
        if (!said.is_null()) decision.consulted["routing"] = std::move(said);
    }
    Json state = input_.routing.is_object() ? input_.routing : Json::object();
    state.erase("escalations");
    state.erase("place");
    if (!escalations_.empty()) state["escalations"] = to_json(escalations_);
    if (!placement.empty()) state["place"] = to_json(placement);
    const bool is_as_before = state.empty() ? input_.routing.is_null() : state == input_.routing;
    if (!is_as_before) decision.routing_state = std::move(state);
}

/// Where the entity stands at the desk from now on, with its timer, and whoever got free is given more.
Placement Evaluation::placement_after(const Scope& scope, Decision& decision) {
    if (!router_) return placement_without_queues(decision);
    const auto& routing = *rule_set_.routing;
    const auto work = routing.open_work.find(input_.kind);
    if (work == routing.open_work.end()) return placement_;
    auto after = placement_;
    const RoutedTo* last = nullptr;
    for (const auto& to : state_.routed) {
        decision.routed.push_back(to.routed);
        if (to.overruled) decision.notes.push_back("queue " + to.routed.queue + " was overruled");
        if (to.queue != nullptr && !to.overruled) last = &to;
    }
    if (last != nullptr) place(*last, after);
    const bool is_open = !input_.is_deleted && holds(work->second, scope);
    const auto text = [&](const char* name) {
        const auto value = decision.document.find(name);
        return value == decision.document.end() ? "" : plain_text(*value);
    };
    const auto assignee = text("assignee");
    const bool is_agent = routing.agent_numbers.contains(assignee);
    after.agent = is_open && is_agent ? assignee : "";
    if (!after.agent.empty()) {
        after.channel = text("channel");
        if (const auto* queue = queue_named(routing, after.queue); queue != nullptr && queue->sticky_field)
            if (const auto* requester = scope.find(*queue->sticky_field))
                after.requester = plain_text(*requester);
    }
    const bool waits_on = is_open && assignee.empty() && !after.queue.empty() && text("queue") == after.queue;
    if (!waits_on) after.waits.reset();
    if (after.waits && queue_named(routing, after.queue) == nullptr) {
        decision.notes.push_back("it waits no longer: there is no queue " + after.queue + " any more");
        after.waits.reset();
    }
    if (after.waits) {
        after.rank = rank_of(rule_set_.catalogue, input_.kind, scope);
        // Where something went wrong, whoever gets free is not for it before its next time has come.
        after.held = after.held || (is_due() && last == nullptr);
        if (!after.due || *after.due <= input_.now) after.due = input_.now + waiting_rechecked;
    }
    if (!after.waits)
        after.skills.clear(), after.rank = 0, after.due.reset(), after.held = false, after.hops = 0;
    if (!is_open || (after.agent.empty() && !after.waits)) {
        after.queue.clear();
        if (after.turn > 0 && !after.until) after.until = input_.now + turn_remembered;
        if (after.until && *after.until <= input_.now) after = {};
    } else {
        after.until.reset();
    }
    set_routing_timer(after, decision);
    wake_the_next(after, decision);
    return after;
}

/// Whose open work it is, is not known to be otherwise.
Placement Evaluation::placement_without_queues(Decision& decision) const {
    auto after = placement_;
    if (!after.waits) return after;
    decision.notes.push_back("it waits no longer: there are no queues any more");
    after.waits.reset(), after.due.reset();
    after.skills.clear(), after.queue.clear(), after.rank = 0, after.held = false;
    set_routing_timer(after, decision);
    return after;
}

void Evaluation::place(const RoutedTo& to, Placement& placement) {
    const auto& queue = *to.queue;
    const bool waited_there = placement.waits && placement.queue == queue.id;
    placement.queue = queue.id;
    placement.channel = to.channel;
    placement.requester = to.requester;
    placement.skills = to.skills;
    placement.held = false;
    if (!to.routed.agent.empty()) {
        placement.turn = board_->last_turn() + 1;
        placement.turn_agent = to.routed.agent;
        placement.waits.reset();
        return;
    }
    if (!waited_there) {
        placement.waits = input_.now;
        placement.hops = input_.event->hops;
    }
    // What has overflown and come back is looked at again like anything that waits.
    placement.due = to.opens;
    const auto overflows = overflows_at(queue, *placement.waits);
    const bool is_ahead = overflows && *overflows > input_.now;
    if (is_ahead && (!placement.due || *overflows < *placement.due)) placement.due = overflows;
    if (!placement.due) placement.due = input_.now + waiting_rechecked;
}

void Evaluation::set_routing_timer(const Placement& after, Decision& decision) const {
    const bool has_fired = is_due() && placement_.due && *placement_.due <= input_.now;
    if (after.due == placement_.due && !has_fired) return;
    if (!after.due && has_fired) return;
    engine::TimerChange timer;
    timer.name = routing_timer_name;
    timer.due = after.due;
    timer.rule = after.due ? "routing:" + after.queue : "routing:" + placement_.queue;
    if (timer.due) {
        timer.type = routing_due_type(input_.kind);
        timer.data = Json{{"routing", {{"queue", after.queue}}}};
        if (*timer.due == input_.now + waiting_rechecked) timer.data["routing"]["again"] = true;
    }
    decision.timers.push_back(std::move(timer));
}

/// So many are offered an agent's time before it is left to the next look at the queue.
constexpr std::size_t passed_max = 10;
/// So many are offered by one decision; what they lead to offers more.
constexpr std::size_t offers_max = 100;

namespace {

/// The agent whose time an event offers; empty = it offers nobody's.
std::string offered_agent(const engine::Event& event) {
    const auto* agent = engine::find(event.data, "routing.agent");
    return agent != nullptr && agent->is_string() ? agent->get<std::string>() : "";
}

std::set<std::string> passed_before(const engine::Event& event) {
    std::set<std::string> passed;
    const auto* before = engine::find(event.data, "routing.passed");
    if (before == nullptr || !before->is_array()) return passed;
    for (const auto& one : *before)
        if (one.is_string()) passed.insert(one.get<std::string>());
    return passed;
}

}  // namespace

/// Whoever has less to do now, was offered this entity in vain, or could be others' for whom this one was in
/// the way or whom it lets go first, takes the next that waits.
void Evaluation::wake_the_next(const Placement& after, Decision& decision) {
    std::map<std::string, std::set<std::string>> free;  // and who was passed over for them
    const bool is_other_channel = placement_.agent == after.agent && placement_.channel != after.channel;
    if (!placement_.agent.empty() && (placement_.agent != after.agent || is_other_channel))
        free.try_emplace(placement_.agent);
    if (const auto agent = is_due() ? offered_agent(*input_.event) : ""; !agent.empty()) {
        const bool was_taken = placement_.agent != agent && after.agent == agent;
        auto passed = passed_before(*input_.event);
        if (after.waits) passed.insert(input_.event->subject.text());
        if (!was_taken && passed.size() <= passed_max) free[agent] = std::move(passed);
    }
    const auto may_be_others = [&](const Queue* queue) {
        if (queue == nullptr) return;
        for (const auto& agent : agents_of(*rule_set_.routing, *queue)) free.try_emplace(agent);
    };
    if (placement_.waits && !after.waits) may_be_others(queue_named(*rule_set_.routing, placement_.queue));
    for (const auto& to : state_.routed)
        if (to.gave_way) may_be_others(to.queue);
    offer(free, after, decision);
}

void Evaluation::offer(const std::map<std::string, std::set<std::string>>& free, const Placement& after,
                       Decision& decision) {
    std::set<std::string> offered;
    for (const auto& [agent, passed] : free) {
        if (offered.size() >= offers_max) return;
        auto not_again = passed;
        not_again.insert(offered.begin(), offered.end());
        const auto takes = agent == after.agent ? std::optional(after.channel) : std::nullopt;
        for (const auto& next : board_->next_for(agent, takes, input_.now, not_again)) {
            const auto subject = engine::Subject::parse(next.subject);
            if (!subject || offered.size() >= offers_max) continue;
            offered.insert(next.subject);
            Json offer{{"agent", agent}, {"passed", passed}};
            if (next.hops > 0) offer["hops"] = next.hops;
            decision.emitted.push_back({"routing:" + agent, routing_due_type(subject->kind()), *subject,
                                        Json{{"routing", std::move(offer)}}});
        }
    }
}

void Evaluation::follow_escalations(Scope& scope, Decision& decision) {
    if (escalations_.empty() && state_.wishes.empty()) return;
    const EscalationMoment moment{input_.kind,
                                  input_.event->type,
                                  rule_set_.version,
                                  input_.now,
                                  input_.is_deleted,
                                  scope,
                                  [this](const std::string& version) { return rule_set_of(version); }};
    auto outcome = follow(escalations_, state_.wishes, moment);
    decision.escalations = std::move(outcome.changes);
    for (const auto& reached : outcome.reached) tell_people(reached, scope, decision);
    std::move(outcome.notes.begin(), outcome.notes.end(), std::back_inserter(decision.notes));
    std::move(outcome.timers.begin(), outcome.timers.end(), std::back_inserter(decision.timers));
    for (const auto& change : decision.escalations) {
        const auto type = "escalation." + change.change;
        if (!is_heard(type)) continue;
        decision.emitted.push_back({escalation_timer_name(change.escalation), type, decision.subject,
                                    Json{{"escalation", engine::to_json(change)}}});
    }
}

namespace {

/// What a recipient's texts read below `target`.
Json target_view(const Told& told) {
    const auto& recipient = *told.recipient;
    return {{"id", recipient.id}, {"name", recipient.name.empty() ? recipient.id : recipient.name}};
}

Json reached_view(const engine::EscalationChange& change, const LevelReached& reached) {
    return {{"id", change.escalation},
            {"level", change.level},
            {"round", change.round},
            {"started_at", engine::to_text(reached.started)}};
}

}  // namespace

/// People and who is on duty are as they are now; somebody who is gone since the escalation began is told as
/// it was then.
void Evaluation::tell_people(const LevelReached& reached, Scope& scope, Decision& decision) {
    auto& change = decision.escalations[reached.change];
    const auto view = reached_view(change, reached);
    scope.set("escalation", &view);
    std::set<std::string> known;  // nobody is told twice of one level
    for (const auto& target : reached.level->notify) {
        const auto* routing = rule_set_.routing.get();
        const auto* began_under = rule_set_of(reached.ruleset);
        const bool is_there = routing != nullptr && has_target(*routing, target);
        if (!is_there && began_under != nullptr) routing = began_under->routing.get();
        if (routing == nullptr) continue;
        for (const auto& told : told_by(*routing, target, input_.now)) {
            change.notified.push_back(told.target);
            if (told.recipient == nullptr || !known.insert(told.recipient->id).second) continue;
            tell(told, *reached.escalation, scope, decision);
        }
    }
    scope.set("escalation", nullptr);
}

void Evaluation::tell(const Told& told, const Escalation& escalation, Scope& scope, Decision& decision) {
    const auto view = target_view(told);
    scope.set("target", &view);
    Rule rule;
    rule.id = escalation.writer;
    rule.then = told.recipient->notify;
    WorkingState state(Json::object(), rule_set_.options);
    auto result = run_rule({rule, rule_set_, input_.event->subject, rule.id + "#1"}, scope, state);
    scope.set("target", nullptr);
    const auto actions_max = static_cast<std::size_t>(rule_set_.options.actions_max);
    if (result.failure) {
        decision.failures.push_back(std::move(*result.failure));
    } else if (decision.actions.size() + state.actions.size() > actions_max) {
        const auto reached = limit_reached("actions_max", rule_set_.options.actions_max);
        decision.failures.push_back(
            {rule.id, told.target + " was not told: " + reached.message, told.recipient->place});
    } else {
        std::move(state.actions.begin(), state.actions.end(), std::back_inserter(decision.actions));
        std::move(state.emitted.begin(), state.emitted.end(), std::back_inserter(decision.emitted));
    }
}

}  // namespace rules
