#include "rules/evaluator/evaluation.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "engine/base/ensure.h"
#include "rules/evaluator/fit.h"
#include "rules/evaluator/step_checks.h"
#include "rules/policies/listeners.h"
#include "rules/policies/tagging.h"

namespace rules {
namespace {

using engine::Decision;
using engine::Outcome;

const engine::Event& event_of(const DecisionInput& input) {
    ENSURE(input.event != nullptr);
    return *input.event;
}

const Rule* rule_named(const RuleSet& rule_set, const std::string& id) {
    const auto found = std::find_if(rule_set.rules.begin(), rule_set.rules.end(),
                                    [&](const Rule& rule) { return rule.id == id; });
    return found == rule_set.rules.end() ? nullptr : &*found;
}

const char* status_of(RunEnd end) {
    if (end == RunEnd::done) return "fired";
    if (end == RunEnd::need) return "waiting";
    return end == RunEnd::suspended ? "suspended" : "failed";
}

}  // namespace

Evaluation::Evaluation(const RuleSet& rule_set, const Matcher& matcher, DecisionInput input)
    : rule_set_(rule_set),
      matcher_(matcher),
      input_(std::move(input)),
      event_(event_of(input_)),
      state_(std::move(input_.document), rule_set.options),
      scripting_(
          input_.scripts, event_of(input_),
          {rule_set.options.script_runs_max, static_cast<std::uint64_t>(rule_set.options.script_fuel_max)},
          std::move(input_.script_answers), input_.script_memory),
      trace_(input_.trace, rule_set) {
    state_.breadth = input_.event->breadth;
    scope_.event = &event_;
    scope_.changes = &input_.merged;
    scope_.now = input_.now;
    scope_.scripts = &scripting_;
    state_.timer_room = input_.timer_room;
    scope_.sla = input_.sla.is_null() ? nullptr : &input_.sla;
    if (input_.linked != nullptr)
        for (const auto& [kind, fields] : *input_.linked) scope_.set(kind, &fields);
    scope_.set(input_.kind, &state_.readable());
    begin_routing();
    begin_rates();
}

/// On the document as the merge left it: what is written from here on changes nobody's key.
void Evaluation::begin_rates() {
    const auto* older = input_.resume ? input_.resume->began_under : nullptr;
    auto rates = rates_for(input_.kind, rule_set_, older);
    if (rates.empty() && input_.rates.empty()) return;
    rates_.emplace(std::move(rates), state_.readable(), moment(), input_.rates,
                   std::move(input_.counted_elsewhere));
    // What goes on is nothing that has happened.
    if (!is_silent() && !resumes()) rates_->count_event(input_.event->type);
    scope_.rates = &*rates_;
}

/// Whatever becomes of the rules, the event has come. One that stops its lane is decided again.
void Evaluation::settle_rates(Decision& decision) const {
    if (!rates_) return;
    auto found = to_json(rates_->elsewhere());
    if (!found.is_null()) decision.consulted["rates"] = std::move(found);
    if (blocks_lane_ || is_silent() || resumes()) return;
    auto state = rates_->state();
    const bool is_as_before = state.empty() ? input_.rates.empty() : state == input_.rates;
    if (!is_as_before) decision.rate_state = std::move(state);
}

// ---- before the passes ----

void Evaluation::apply_presets() {
    preset_fields_.reserve(input_.presets.size());  // the state borrows them: they must not move
    for (const auto& preset : input_.presets) {
        preset_fields_.push_back(field_named(rule_set_.catalogue, preset.field));
        write_preset(preset, preset_fields_.back());
    }
    state_.keep();
    base_ = state_.mark();
}

void Evaluation::write_preset(const PresetWrite& preset, const FieldPath& field) {
    if (ended()) return;
    if (field.root != input_.kind || field.keys.empty()) {
        failures_.push_back({preset.rule, "save: " + field.text + " is no field of this entity", {}});
        return;
    }
    auto value = fit(rule_set_.catalogue, field, preset.value);
    if (!value) {
        failures_.push_back({preset.rule, "save: " + value.error().message, {}});
        return;
    }
    if (state_.set(field, std::move(*value), preset.rule) != Ledger::Verdict::fails) return;
    fatal_conflict_ = ledger().conflicts().back();
    outcome_ = Outcome::error;
}

void Evaluation::apply_tagging() {
    // What goes on, or comes back, is no text that somebody has written.
    const bool is_ours = resumes() || is_silent() || !input_.presets.empty();
    if (!rule_set_.tagging || is_ours || ended()) return;
    auto outcome =
        rule_set_.tagging->apply({event_.type(), input_.kind, input_.merged, scope_, trace_.is_on()});
    notes_ = std::move(outcome.notes);
    trace_.tagged(std::move(outcome.trace));
    const auto written = ledger().write_count();
    for (const auto& write : outcome.writes) {
        if (state_.change_tags(*write.field, write.tags, write.add, write.rule) != Ledger::Verdict::fails)
            continue;
        fatal_conflict_ = ledger().conflicts().back();
        outcome_ = Outcome::error;
        return;
    }
    state_.keep();
    add_news(written);
}

/// What was written since then is news to rules.
void Evaluation::add_news(std::size_t written) {
    auto writes = ledger().writes_since(written);
    if (writes.empty()) return;
    if (given_.empty()) news_ = input_.merged;
    news_.insert(news_.end(), writes.begin(), writes.end());
    std::move(writes.begin(), writes.end(), std::back_inserter(given_));
}

void Evaluation::resume_rule() {
    const auto& continuation = input_.resume->continuation;
    const auto& rule_set = input_.resume->began_under ? *input_.resume->began_under : rule_set_;
    const auto* active = rule_named(rule_set_, continuation.rule);
    const auto* rule = rule_named(rule_set, continuation.rule);
    if (!active || !rule || !can_resume(*rule, continuation))
        return drop_rest(continuation, engine::skip_reason::rule_inactive, "the rule is gone");
    if (continuation.expires && input_.now > *continuation.expires)
        return drop_rest(continuation, engine::skip_reason::expired,
                         "it was due until " + engine::to_text(*continuation.expires));
    if (continuation.recheck && !holds_still(rule->when, scope_).value_or(true)) {
        trace_.dropped(event_.type(), *rule, scope_);
        return drop_rest(continuation, engine::skip_reason::conditions_changed,
                         "its conditions do not hold any more");
    }
    if (rule_set.version != rule_set_.version)
        notes_.push_back("rule " + continuation.rule + " went on under " + rule_set.version);
    if (continuation.events.empty() || continuation.came)
        resume(*rule, rule_set, continuation);
    else
        time_out(*rule, rule_set);
    mark_tried(static_cast<std::size_t>(active - rule_set_.rules.data()));
}

void Evaluation::drop_rest(const engine::Continuation& continuation, const char* reason,
                           const std::string& why) {
    skipped_.push_back({continuation.rule, reason});
    notes_.push_back("the rest of rule " + continuation.rule + " was dropped: " + why);
}

/// What it waited for did not come: the steps behind the wait are those of its `else`.
void Evaluation::time_out(const Rule& rule, const RuleSet& rule_set) {
    auto instead = input_.resume->continuation;
    drop_rest(instead, engine::skip_reason::expired, "what it waited for did not come in time");
    const auto* wait = awaiting_step(rule_set, rule.id, instead.resume_at);
    if (wait == nullptr || wait->otherwise.empty()) return;
    --instead.resume_at.back();
    instead.resume_at.push_back(1);
    resume(rule, rule_set, instead);
}

void Evaluation::resume(const Rule& rule, const RuleSet& rule_set, const engine::Continuation& continuation) {
    const auto failures = failures_.size();
    const auto end = run({rule, rule_set, input_.event->subject, continuation.firing, &continuation});
    trace_.resumed(event_.type(), rule, status_of(end),
                   failures_.size() > failures ? failures_.back().message : "");
}

// ---- passes ----

bool Evaluation::may_begin_pass() {
    if (fired_before_pass_.size() < static_cast<std::size_t>(rule_set_.options.passes_max)) return true;
    end_in_loop();
    return false;
}

/// The rules that kept the decision going are those of the last two passes.
void Evaluation::end_in_loop() {
    outcome_ = Outcome::loop;
    const auto passes = fired_before_pass_.size();
    const auto from = passes >= 2 ? fired_before_pass_[passes - 2] : 0;
    cycle_.assign(fired_.begin() + static_cast<std::ptrdiff_t>(from), fired_.end());
}

void Evaluation::begin_pass(bool derived, const std::vector<engine::Change>& changes) {
    if (derived) event_.set_type(input_.kind + ".updated");
    fired_before_pass_.push_back(fired_.size());
    groups_taken_.clear();
    scope_.changes = &changes;
    trace_.begin_pass(event_.type());
}

MatchCursor& Evaluation::open_cursor() {
    // Later passes, and what comes after other writes, are about values of ours.
    const bool is_as_merged =
        fired_before_pass_.size() == 1 && fired_.empty() && input_.presets.empty() && !input_.resume;
    cursor_ = matcher_.open(event_.type(), scope_, is_as_merged ? input_.payload : nullptr);
    if (is_as_merged)
        for (const auto& change : given_) cursor_->field_changed(change.field);
    state_.tell(cursor_.get());
    return *cursor_;
}

std::string_view Evaluation::obstacle(std::size_t index) const {
    if (ended()) return "stopped";
    const auto& rule = rule_set_.rules[index];
    // Under restart a repeated rule would keep the list from ever reaching its end.
    const bool may_repeat = rule.repeat && chaining() == Chaining::cascade;
    if (!tried_.empty() && tried_[index] && !may_repeat) return "already_fired";
    const bool is_taken =
        std::find(groups_taken_.begin(), groups_taken_.end(), rule.group) != groups_taken_.end();
    return is_taken ? "group_taken" : "";
}

std::string_view Evaluation::fate_of(std::size_t index) const {
    if (!type_fits(rule_set_.rules[index], event_.type())) return "type_not_matched";
    const auto found = obstacle(index);
    return found.empty() ? "conditions_not_met" : found;
}

void Evaluation::passed_over(std::size_t from, std::size_t until, std::string_view because) {
    if (!trace_.is_on()) return;
    for (auto i = from; i < until; ++i) trace_.add(i, because.empty() ? fate_of(i) : because, scope_);
}

void Evaluation::select(std::size_t index) {
    const auto& rule = rule_set_.rules[index];
    if (is_first_match(rule_set_, rule)) groups_taken_.push_back(rule.group);
    trace_.add(index, "stopped", scope_);  // until it runs
}

void Evaluation::fire(std::size_t index) {
    const auto& rule = rule_set_.rules[index];
    const auto failures = failures_.size();
    const auto end = run({rule, rule_set_, input_.event->subject, next_firing(rule.id)});
    mark_tried(index);
    trace_.amend(index, status_of(end), failures_.size() > failures ? failures_.back().message : "");
}

RunEnd Evaluation::run(const RuleRun& run) {
    const auto before = state_.mark();
    auto result = run_rule(run, scope_, state_);
    switch (result.end) {
        case RunEnd::done:
        case RunEnd::suspended:
            fired_.push_back(run.rule.id);
            stopped_ = stopped_ || run.rule.stop;
            break;
        case RunEnd::failed:
            state_.undo_to(before);
            fail(run.rule, std::move(*result.failure));
            break;
        case RunEnd::conflict:
            fatal_conflict_ = ledger().conflicts().back();
            outcome_ = Outcome::error;
            break;
        case RunEnd::need:
            break;  // nothing of this counts
    }
    state_.end_rule();
    return result.end;
}

std::string Evaluation::next_firing(const std::string& rule) const {
    auto number = std::count(fired_.begin(), fired_.end(), rule) + 1;
    // A run that went on keeps its number, and the next one must not have it.
    if (input_.resume && input_.resume->continuation.rule == rule) {
        const auto& firing = input_.resume->continuation.firing;
        if (firing.size() > rule.size())
            number += std::max(0L, std::strtol(firing.c_str() + rule.size() + 1, nullptr, 10) - 1);
    }
    return rule + "#" + std::to_string(number);
}

void Evaluation::fail(const Rule& rule, engine::RuleFailure failure) {
    failures_.push_back(std::move(failure));
    const auto on_error = rule.on_error.value_or(rule_set_.options.on_error);
    if (on_error == OnError::rule) return;
    outcome_ = Outcome::error;
    blocks_lane_ = on_error == OnError::lane;
}

void Evaluation::mark_tried(std::size_t index) {
    if (tried_.empty()) tried_.resize(rule_set_.rules.size());
    tried_[index] = true;
}

// ---- the decision ----

bool Evaluation::is_heard(const std::string& type) const {
    return matcher_.listens_to(type) || anybody_listens(rule_set_, input_.kind, type);
}

void Evaluation::take_script_failures() {
    for (auto& failure : scripting_.take_failures()) {
        // Conditions are looked at in every pass.
        const bool is_known =
            std::any_of(failures_.begin(), failures_.end(), [&](const engine::RuleFailure& known) {
                return known.rule == failure.rule && known.message == failure.message;
            });
        if (const auto* rule = rule_named(rule_set_, failure.rule); rule != nullptr && !is_known)
            fail(*rule, std::move(failure));
    }
}

Decision Evaluation::void_decision() {
    Decision decision;
    decision.event_id = input_.event->id;
    decision.subject = input_.event->subject;
    decision.need = scripting_.need();
    return decision;
}

Decision Evaluation::finish() {
    state_.tell(nullptr);
    if (scripting_.need()) return void_decision();
    if (outcome_ != Outcome::ok) {
        state_.undo_to(base_);
        fired_.clear();
    }
    if (outcome_ == Outcome::loop) failures_.clear();
    auto decision = described();
    state_.finish(decision);
    if (fatal_conflict_) decision.conflicts = {std::move(*fatal_conflict_)};
    settle_scores(decision);
    follow_routing(decision);
    settle_rates(decision);
    for (auto& line : scripting_.take_log()) decision.notes.push_back(std::move(line));
    if (!scripting_.chances().is_null()) decision.consulted["answers"] = scripting_.chances();
    decision.trace = trace_.take();
    return decision;
}

Decision Evaluation::described() {
    const auto& event = *input_.event;
    Decision decision;
    decision.event_id = event.id;
    decision.event_type = event.type;
    decision.subject = event.subject;
    decision.event_time = event.occurred();
    decision.ruleset = rule_set_.version;
    decision.outcome = outcome_;
    decision.fired = std::move(fired_);
    decision.merged = std::move(input_.merged);
    decision.failures = std::move(failures_);
    decision.cycle = std::move(cycle_);
    decision.linked = std::move(input_.linked_versions);
    decision.notes = std::move(notes_);
    decision.skipped = std::move(skipped_);
    decision.blocks_lane = blocks_lane_;
    decision.now = input_.now;
    return decision;
}

}  // namespace rules
