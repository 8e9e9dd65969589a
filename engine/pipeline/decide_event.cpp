#include "engine/pipeline/decide_event.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/text.h"
#include "engine/pipeline/awaited.h"
#include "engine/pipeline/lane_timers.h"
#include "engine/pipeline/merge.h"
#include "engine/pipeline/schedules.h"
#include "engine/pipeline/timers.h"
#include "rules/evaluator/event_view.h"
#include "rules/evaluator/fit.h"
#include "rules/evaluator/own_values.h"
#include "rules/evaluator/script_memory.h"
#include "rules/policies/escalation.h"
#include "rules/policies/listeners.h"
#include "rules/policies/rates.h"
#include "rules/policies/scoring.h"
#include "rules/policies/sla.h"

namespace engine {
namespace {

/// The other entities the payload shows; each enters its own lane afterwards.
Result<std::vector<Event>> embedded(const Tenant& tenant, const Event& event, Snapshot& snapshot,
                                    Decision& decision) {
    std::vector<Event> events;
    const auto& catalogue = tenant.rule_set->catalogue;
    for (const auto& [kind, value] : event.data.items()) {
        if (!is_other_entity(event, kind, value, catalogue)) continue;
        auto derived = entering(event, kind, value, decision.now);
        if (!derived && derived.error().code == Code::invalid_input)
            decision.notes.push_back(derived.error().message);
        if (!derived) continue;
        // A payload that says nothing new would only make work.
        const auto news = snapshot.is_news(*derived, catalogue);
        if (!news) return news.error();
        if (!*news) continue;
        decision.entered.push_back(kind);
        events.push_back(*std::move(derived));
    }
    return events;
}

using OlderTenants = std::vector<std::shared_ptr<const Tenant>>;

/// What rules can read of other kinds.
class Links {
public:
    /// `older` are tenants whose rules have something to say, too.
    Links(const Tenant& tenant, const Work& work, OlderTenants older, const Json& document,
          Snapshot& snapshot)
        : tenant_(tenant),
          older_(std::move(older)),
          event_(*work.event),
          document_(document),
          snapshot_(snapshot) {}

    Result<void> read() {
        for (const auto& link : tenant_.rule_set->catalogue.links()) {
            if (auto done = follow(link); !done) return done.error();
        }
        const bool is_rest = is_rest_of_wait(event_);
        for (const auto& [kind, value] : event_.data.items()) {
            if (kind == event_.subject.kind() || !value.is_object() || !is_read(kind)) continue;
            // Who has waited wants to know how it is now.
            if (is_rest && objects_.contains(kind)) continue;
            auto& linked = objects_[kind];
            if (!linked.is_object()) linked = Json::object();
            linked.merge_patch(value);
        }
        return {};
    }

    const rules::LinkedObjects& objects() const { return objects_; }
    const std::vector<LinkedVersion>& versions() const { return versions_; }

private:
    /// What is no kind is no entity's: a member `event` of a payload must not pass for the event.
    bool is_read(const std::string& kind) const {
        const auto by = [&](const Tenant& tenant) {
            return tenant.kinds_read.contains(kind) && tenant.rule_set->catalogue.has_kind(kind);
        };
        return by(tenant_) ||
               std::any_of(older_.begin(), older_.end(), [&](const auto& tenant) { return by(*tenant); });
    }

    Result<void> follow(const rules::Link& link) {
        const auto dot = link.field.find('.');
        if (link.field.substr(0, dot) != event_.subject.kind() || !is_read(link.kind)) return {};
        if (objects_.contains(link.kind)) return {};
        const Json* value = find(document_, std::string_view(link.field).substr(dot + 1));
        if (value == nullptr || !(value->is_string() || value->is_number_integer())) return {};
        auto found = look_up(link, value->is_string() ? value->get<std::string>() : number_text(*value));
        if (!found) return found.error();
        if (!*found || !(*found)->known() || (*found)->deleted) return {};
        versions_.push_back({(*found)->subject, (*found)->version});
        objects_[link.kind] = std::move((*found)->fields);
        return {};
    }

    Result<std::optional<Entity>> look_up(const rules::Link& link, const std::string& value) {
        if (link.by_email) return snapshot_.by_email(event_.tenant, link.kind, fold_case(trim(value)));
        const auto subject = Subject::of(link.kind, event_.subject.connection(), value);
        auto entity = snapshot_.entity(event_.tenant, subject);
        if (!entity) return entity.error();
        return std::optional<Entity>(std::move(*entity));
    }

    const Tenant& tenant_;
    OlderTenants older_;
    const Event& event_;
    const Json& document_;
    Snapshot& snapshot_;
    rules::LinkedObjects objects_;
    std::vector<LinkedVersion> versions_;
};

/// What other entities' events count for this decision.
Result<rules::CountedElsewhere> counted_elsewhere(const Tenant& tenant, const Work& work,
                                                  const Json& document, Snapshot& snapshot, Instant now) {
    const Event& event = *work.event;
    rules::CountedElsewhere counted;
    const auto rates = rules::rates_for(event.subject.kind(), *tenant.rule_set,
                                        work.began_under ? work.began_under->rule_set.get() : nullptr);
    for (const auto& question : rules::rate_questions(rates, document, std::min(event.occurred(), now))) {
        auto instants = snapshot.counted(event.tenant, question, event.subject);
        if (!instants) return instants.error();
        if (!instants->empty()) counted[question.rate] = *std::move(instants);
    }
    return counted;
}

Decision bare_decision(const Tenant& tenant, const Event& event, Instant now) {
    Decision decision;
    decision.event_id = event.id;
    decision.event_source = event.source;
    decision.event_type = event.type;
    decision.subject = event.subject;
    decision.event_time = event.occurred();
    decision.ruleset = tenant.rule_set->version;
    decision.now = now;
    return decision;
}

Decided too_many_hops(const Tenant& tenant, const Event& event, Entity before, Instant now) {
    Decided decided;
    decided.decision = bare_decision(tenant, event, now);
    decided.decision.outcome = Outcome::loop;
    decided.decision.notes.push_back("the event is " + std::to_string(event.hops) +
                                     " decisions away from an outside one; the limit is hops_max " +
                                     std::to_string(tenant.rule_set->options.hops_max));
    decided.decision.document = before.fields;
    decided.after = std::move(before);
    return decided;
}

Decided stale(const Tenant& tenant, const Event& event, Merged merged, Entity before, Instant now) {
    Decided decided;
    decided.decision = bare_decision(tenant, event, now);
    decided.decision.outcome = Outcome::stale;
    decided.decision.notes = std::move(merged.notes);
    decided.decision.document = before.fields;
    decided.after = std::move(before);
    return decided;
}

void add_write_back(const Tenant& tenant, const Event& event, Decided& decided) {
    auto& decision = decided.decision;
    if (decision.changes.empty() || decided.after.deleted) return;
    const auto connection = tenant.connections.find(std::string(event.subject.connection()));
    if (connection == tenant.connections.end()) return;
    decision.write_back =
        connectors::write_back(connection->second, event.subject, decision.changes, decision.document);
    if (!decision.write_back) return;
    make_plain(decision.write_back->params);
    note_own_writes(decided.after, decision, delivery_key(event, 0));
}

constexpr std::size_t misfits_max = 20;

/// Names for one note, as many as one reads.
class NameList {
public:
    void add(const std::string& name) {
        if (++count_ <= shown_max) text_ += (text_.empty() ? "" : ", ") + name;
    }
    bool empty() const { return count_ == 0; }
    std::string text() const {
        return count_ > shown_max ? text_ + " and " + std::to_string(count_ - shown_max) + " more" : text_;
    }

private:
    static constexpr std::size_t shown_max = 10;
    std::string text_;
    std::size_t count_ = 0;
};

/// What came is kept as it is; what rules will not make sense of is said.
void note_oddities(const Tenant& tenant, const Event& event, Merged& merged) {
    const auto& catalogue = tenant.rule_set->catalogue;
    const std::string kind(event.subject.kind());
    if (!catalogue.is_entity(kind)) return;
    NameList unknown;
    NameList misplaced;
    std::size_t misfits = 0;
    for (const auto& change : merged.changes) {
        const auto* declared = catalogue.find(change.field);
        if (declared == nullptr) {
            unknown.add(change.field);
            continue;
        }
        auto oddity = rules::oddity_of(*declared, change.field, change.to);
        if (!oddity.empty() && ++misfits <= misfits_max) merged.notes.push_back(std::move(oddity));
    }
    for (const auto& [name, value] : event.data.items())
        if (!catalogue.has_kind(name) && catalogue.find(kind + "." + name) != nullptr) misplaced.add(name);
    if (!unknown.empty())
        merged.notes.push_back("kept, but no field that a rule can read: " + unknown.text());
    if (!misplaced.empty())
        merged.notes.push_back("not read: " + misplaced.text() + "; the fields of a " + kind +
                               " stand in data." + kind);
}

/// Under whose rules escalations of the entity began, when they are not the active ones. What cannot be had
/// any more is left out.
Result<OlderTenants> older_of(const Tenant& tenant, const Entity& entity, Snapshot& snapshot) {
    OlderTenants older;
    std::set<std::string> versions;
    for (const auto& [id, run] : rules::escalation_runs_from(entity.routing.value("escalations", Json())))
        if (run.ruleset != tenant.rule_set->version) versions.insert(run.ruleset);
    for (const auto& version : versions) {
        auto found = snapshot.tenant_under(entity.tenant, version);
        if (!found) return found.error();
        if (*found) older.push_back(*std::move(found));
    }
    return older;
}

/// The clocks of the entity's service levels, through one decision.
class Clocks {
public:
    Clocks(const Tenant& tenant, const Entity& before, const Event& event)
        : tenant_(tenant),
          event_(event),
          is_kept_(!tenant.rule_set->sla.empty() || !before.sla.empty()),
          before_(before.sla),
          state_(rules::sla_state_from(before.sla)) {
        if (!is_kept_) return;
        passed_ = rules::pass_time(*tenant.rule_set, state_, event.occurred(),
                                   was_timer(event) ? name_of_timer(event) : std::string());
    }
    bool are_kept() const { return is_kept_; }

    Json view(Instant now) const { return rules::sla_view(state_, tenant_.rule_set->calendars, now); }

    void finish(const rules::LinkedObjects& linked, Entity& after, Decision& decision) {
        rules::Scope scope;
        rules::EventView view(event_);
        scope.event = &view;
        scope.now = decision.now;
        for (const auto& [kind, fields] : linked) scope.set(kind, &fields);
        scope.set(after.subject.kind(), &after.fields);
        const auto message = event_.data.find("message");
        auto followed = rules::follow(
            *tenant_.rule_set, state_,
            {after.subject.kind(), after.fields, message == event_.data.end() ? nullptr : &*message,
             after.deleted, event_.occurred(), scope});
        decision.sla = std::move(passed_.changes);
        decision.sla.insert(decision.sla.end(), std::make_move_iterator(followed.changes.begin()),
                            std::make_move_iterator(followed.changes.end()));
        // What nobody listens to stands in the decision and goes nowhere else.
        for (auto& change : decision.sla)
            change.emitted = change.emitted && is_heard("sla." + change.change, after.subject.kind());
        for (auto& timer : followed.timers) {
            std::erase_if(decision.timers, [&](const TimerChange& one) { return one.name == timer.name; });
            decision.timers.push_back(std::move(timer));
        }
        auto state = rules::to_json(state_);
        if (state == before_) return;
        after.sla = state;
        decision.sla_state = std::move(state);
    }

private:
    bool is_heard(const std::string& type, std::string_view kind) const {
        return tenant_.matcher->listens_to(type) || rules::anybody_listens(*tenant_.rule_set, kind, type);
    }

    const Tenant& tenant_;
    const Event& event_;
    bool is_kept_;
    Json before_;
    rules::SlaState state_;
    rules::SlaOutcome passed_;
};

/// What is deleted has no scores: who comes back begins anew.
void end_scores(const Entity& before, Decision& decision) {
    decision.scores.clear();
    std::erase_if(decision.emitted,
                  [](const Emitted& emitted) { return rules::is_writer_of_scores(emitted.rule); });
    decision.score_state = before.scores.empty() ? std::nullopt : std::optional(Json::object());
}

/// What is deleted has nothing to wait for.
Result<void> cancel_timers(const Event& event, Snapshot& snapshot, Decision& decision) {
    const auto timers = snapshot.timers(event.tenant, event.subject);
    if (!timers) return timers.error();
    std::erase_if(decision.timers, [](const TimerChange& change) { return change.due.has_value(); });
    for (const auto& continuation : std::exchange(decision.continuations, {}))
        decision.skipped.push_back({continuation.rule, skip_reason::cancelled});
    for (const auto& timer : *timers) {
        if (was_timer(event) && timer.name == name_of_timer(event)) continue;
        const bool is_known =
            std::any_of(decision.timers.begin(), decision.timers.end(),
                        [&](const TimerChange& change) { return change.name == timer.name; });
        if (is_known) continue;
        decision.timers.push_back({timer.name, std::nullopt, rule_of(timer), "", Json::object(), ""});
        if (!continuation_of_wait(timer.name).empty())
            decision.skipped.push_back({rule_of(timer), skip_reason::cancelled});
    }
    return {};
}

/// What rules made as the journal will have it, so that what is decided next is decided on that.
void make_decision_plain(Decision& decision) {
    for (auto& change : decision.changes) {
        make_plain(change.from);
        make_plain(change.to);
    }
    for (auto& action : decision.actions) make_plain(action.params);
    for (auto& emitted : decision.emitted) make_plain(emitted.data);
    for (auto& timer : decision.timers) make_plain(timer.data);
}

/// The tenant's own values are entities: each has a lane, a version and a history as they have.
Result<Json> own_value(const TenantName& tenant, const Need& need, Snapshot& snapshot) {
    const auto subject = rules::subject_of_value(text_or(need.params, "key", ""));
    if (!subject) return unanswered("invalid_input", subject.error().message);
    auto found = snapshot.entity(tenant, *subject);
    if (!found) return found.error();
    Json known = {{"version", found->version}};
    if (auto value = rules::value_of(found->fields)) known["value"] = *std::move(value);
    return Json{{"ok", std::move(known)}};
}

Result<std::optional<Json>> answer_to(const Tenant& tenant, const Need& need, Snapshot& snapshot) {
    if (need.what != rules::own_values) return snapshot.look_up(tenant, need);
    auto value = own_value(tenant.name, need, snapshot);
    if (!value) return value.error();
    return std::optional<Json>(*std::move(value));
}

/// Somebody has written the value since the script has read it.
bool comes_too_late(const Event& event, const Entity& before) {
    if (event.type != rules::value_set_type) return false;
    const auto* expected = find(event.data, "if_version");
    return expected != nullptr && *expected != before.version;
}

/// No decision asks for more.
constexpr std::size_t answers_max = 256;

/// What a decision takes away with it: each attempt gets its own.
struct TakenAway {
    const Json& document;
    const std::vector<Change>& merged;
};

rules::DecisionInput with(const TakenAway& taken, rules::DecisionInput input) {
    input.document = taken.document;
    input.merged = taken.merged;
    return input;
}

/// Answers to scripts as a decision is made again with each of them.
class Answers {
public:
    Answers(const Tenant& tenant, Snapshot& snapshot, bool explains)
        : tenant_(tenant), snapshot_(snapshot), before_(snapshot.answers_said()), explains_(explains) {
        if (!explains_) {
            known_ = before_;
            return;
        }
        // Who explains has to hear the questions again; how runs ended by chance is no answer to one.
        for (const auto& [key, answer] : before_.items())
            if (key.starts_with("run:")) known_[key] = answer;
    }

    const Json& known() const { return known_; }
    /// No attempt is to pay for the ones before it: these answers have been there at once.
    bool are_on_record() const { return explains_ && !before_.empty(); }

    /// False when the answer is not known yet.
    Result<bool> ask(const Need& need) {
        auto found = answer(need);
        if (!found) return found.error();
        if (!*found) return false;
        if (explains_) told_.push_back({{"asked", need.what}, {"params", need.params}, {"answer", **found}});
        known_[need.key] = **std::move(found);
        return true;
    }

    void write(Decision& decision) {
        auto all = std::move(before_);
        all.update(known_);
        if (!all.empty()) decision.consulted["answers"].update(all);
        if (!told_.empty()) decision.trace["lookups"] = std::move(told_);
    }

private:
    Result<std::optional<Json>> answer(const Need& need) {
        if (const auto known = before_.find(need.key); known != before_.end()) return std::optional(*known);
        if (known_.size() >= answers_max)
            return std::optional(unanswered(
                "exhausted", "the decision has asked for " + std::to_string(answers_max) + " answers"));
        return answer_to(tenant_, need, snapshot_);
    }

    const Tenant& tenant_;
    Snapshot& snapshot_;
    Json before_;
    Json known_ = Json::object();
    Json told_ = Json::array();
    bool explains_;
};

/// Made again with each answer, until it is none that asks for more or for something that is not known yet.
Result<Decision> decided_with_answers(const Tenant& tenant, rules::DecisionInput input,
                                      const TakenAway& taken, Snapshot& snapshot) {
    if (!tenant.rule_set->scripts && !input.resume)
        return rules::decide(*tenant.rule_set, *tenant.matcher, with(taken, std::move(input)));
    Answers answers(tenant, snapshot, input.trace);
    rules::ScriptMemory memory;
    input.script_memory = &memory;
    while (true) {
        if (answers.are_on_record()) memory = rules::ScriptMemory();
        memory.begin_attempt();
        auto attempt = with(taken, input);
        attempt.script_answers = answers.known();
        auto decision = rules::decide(*tenant.rule_set, *tenant.matcher, std::move(attempt));
        if (!decision.need) {
            answers.write(decision);
            return decision;
        }
        if (decision.need->key.empty()) return decision;  // made ahead
        const auto known = answers.ask(*decision.need);
        if (!known) return known.error();
        if (!*known) return decision;
    }
}

}  // namespace

Result<bool> Snapshot::is_news(const Event& entering, const rules::Catalogue& catalogue) {
    const auto before = entity(entering.tenant, entering.subject);
    if (!before) return before.error();
    return merge(*before, entering, catalogue).fields_differ;
}

Result<Decided> decide_event(const Tenant& tenant, const Work& work, Snapshot& snapshot,
                             const DecideOptions& options) {
    const Event& event = *work.event;
    auto before = snapshot.entity(event.tenant, event.subject);
    if (!before) return before.error();
    if (event.hops > tenant.rule_set->options.hops_max)
        return too_many_hops(tenant, event, std::move(*before), options.now);
    auto merged = merge(*before, event, tenant.rule_set->catalogue);
    if (comes_too_late(event, *before)) {
        merged.stale = true;
        merged.notes.push_back("the value has version " + std::to_string(before->version) + " by now");
    }
    if (merged.stale) return stale(tenant, event, std::move(merged), std::move(*before), options.now);

    note_oddities(tenant, event, merged);
    rules::DecisionInput input;
    input.event = &event;
    input.kind = std::string(event.subject.kind());
    input.payload = merged.as_said ? work.payload.get() : nullptr;
    input.now = options.now;
    input.presets = work.presets;
    input.resume = work.resume;
    if (input.resume && work.began_under) input.resume->began_under = work.began_under->rule_set.get();
    input.is_silent = (is_rest_of_wait(event) && !input.resume) || is_only_for_schedule(event);
    input.trace = options.trace;
    input.is_deleted = merged.entity.deleted;
    if (!before->routing.empty()) input.routing = before->routing;
    auto older = older_of(tenant, *before, snapshot);
    if (!older) return older.error();
    for (const auto& one : *older) input.older.push_back(one->rule_set);
    if (work.began_under) older->push_back(work.began_under);
    Links links(tenant, work, *std::move(older), merged.entity.fields, snapshot);
    if (auto done = links.read(); !done) return done.error();
    input.linked = &links.objects();
    input.linked_versions = links.versions();
    Clocks clocks(tenant, *before, event);
    if (!before->scores.empty() && !before->deleted) input.scores = before->scores;
    if (clocks.are_kept()) input.sla = clocks.view(options.now);
    std::unique_ptr<rules::RoutingBoard> desk;
    if (const auto* routing = tenant.rule_set->routing.get();
        routing != nullptr && !routing->queues.empty()) {
        auto seen = snapshot.desk(event.tenant, *routing, event.subject);
        if (!seen) return seen.error();
        desk = *std::move(seen);
    }
    input.desk = desk.get();
    input.desk_said = snapshot.desk_said();
    if (!before->rates.empty()) input.rates = before->rates;
    if (!input.is_silent) {
        auto counted = counted_elsewhere(tenant, work, merged.entity.fields, snapshot, options.now);
        if (!counted) return counted.error();
        input.counted_elsewhere = *std::move(counted);
    }

    LaneTimers timers(snapshot, event);
    input.timer_room = &timers;
    Decided decided;
    input.scripts = options.scripts != nullptr ? options.scripts : tenant.scripts.get();
    const auto& changes = work.retried_changes.empty() ? merged.changes : work.retried_changes;
    auto made = decided_with_answers(tenant, std::move(input), {merged.entity.fields, changes}, snapshot);
    if (!made) return made.error();
    if (timers.error()) return *timers.error();
    decided.decision = *std::move(made);
    auto& decision = decided.decision;
    if (decision.need) {
        decided.need = std::move(decision.need);
        return decided;
    }
    decision.event_source = event.source;
    make_decision_plain(decision);
    decision.notes.insert(decision.notes.begin(), merged.notes.begin(), merged.notes.end());
    decided.after = std::move(merged.entity);
    for (const auto& change : decision.changes) apply(decided.after, change);
    if (decided.after.deleted) end_scores(*before, decision);
    if (decision.score_state) decided.after.scores = *decision.score_state;
    if (decision.routing_state) decided.after.routing = *decision.routing_state;
    if (decision.rate_state) decided.after.rates = *decision.rate_state;
    // An entity of which nothing is known but that it is escalated has to be kept for that.
    const bool is_first = !before->known() && decision.routing_state;
    const bool changed = merged.fields_differ || !decision.changes.empty() || is_first;
    if (changed) decided.after.version = before->version + 1;
    if (clocks.are_kept() && decided.after.known()) clocks.finish(links.objects(), decided.after, decision);
    add_write_back(tenant, event, decided);
    name_waits(event, decision);
    follow_schedule(tenant, event, decision);
    if (!before->awaited.empty() || !decision.continuations.empty()) {
        const AwaitedScope scope{tenant, event, links.objects(), clocks.view(options.now), *before};
        if (auto followed = follow_awaited(scope, snapshot, decided); !followed) return followed.error();
    }
    decided.store_entity = !(decided.after == *before);
    // Times of an entity without a version have nothing to be the times of.
    if (!decided.after.known()) decided.store_entity = false;

    if (decided.after.deleted)
        if (auto cancelled = cancel_timers(event, snapshot, decision); !cancelled) return cancelled.error();

    auto others = embedded(tenant, event, snapshot, decision);
    if (!others) return others.error();
    decided.derived = std::move(*others);
    auto emitted = emitted_events(event, decision, options.now);
    decided.derived.insert(decided.derived.end(), std::make_move_iterator(emitted.begin()),
                           std::make_move_iterator(emitted.end()));
    auto told = sla_events(event, decision, options.now);
    decided.derived.insert(decided.derived.end(), std::make_move_iterator(told.begin()),
                           std::make_move_iterator(told.end()));
    return decided;
}

}  // namespace engine
