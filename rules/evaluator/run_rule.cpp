#include "rules/evaluator/run_rule.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "engine/base/diagnostic.h"
#include "rules/calendar/calendar.h"
#include "rules/evaluator/fit.h"
#include "rules/evaluator/script_effects.h"
#include "rules/evaluator/scripting.h"
#include "rules/evaluator/step_checks.h"

namespace rules {
namespace {

using engine::Error;
using engine::Json;
using engine::Result;

/// The `as` names a condition reads.
void add_results_read(const Condition& condition, std::set<std::string>& names) {
    const auto& field = condition.comparison.field;
    if (condition.kind == Condition::Kind::comparison && field.root == "steps" && !field.keys.empty())
        names.insert(field.keys.front());
    for (const auto& child : condition.children) add_results_read(child, names);
}

/// What must be known before the step itself runs. Of an `if` that is its condition alone: the steps inside
/// wait for themselves.
std::set<std::string> results_needed(const Step& step) {
    std::set<std::string> names;
    if (const auto* choice = std::get_if<IfStep>(&step.what))
        add_results_read(choice->condition, names);
    else
        names.insert(step.reads_results.begin(), step.reads_results.end());
    return names;
}

void add_results_needed(const std::vector<Step>& steps, std::set<std::string>& names) {
    for (const auto& step : steps) {
        names.merge(results_needed(step));
        if (const auto* wait = std::get_if<WaitForStep>(&step.what))
            add_results_needed(wait->otherwise, names);
        const auto* choice = std::get_if<IfStep>(&step.what);
        if (!choice) continue;
        add_results_needed(choice->then, names);
        add_results_needed(choice->otherwise, names);
    }
}

/// The steps inside a step; null when it has none there.
const std::vector<Step>* branch_of(const Step& step, bool is_then) {
    if (const auto* wait = std::get_if<WaitForStep>(&step.what)) return is_then ? nullptr : &wait->otherwise;
    const auto* choice = std::get_if<IfStep>(&step.what);
    if (choice == nullptr) return nullptr;
    return is_then ? &choice->then : &choice->otherwise;
}

class StepRunner {
public:
    StepRunner(const RuleRun& run, Scope& scope, WorkingState& state)
        : run_(run),
          scope_(scope),
          state_(state),
          lookup_([this](const engine::Path& path) { return taken(scope_.find(path)); }) {
        if (!run.continuation) return;
        results_ = run.continuation->results;
        unknown_.insert(run.continuation->awaits.begin(), run.continuation->awaits.end());
        for (const auto& [name, result] : results_.items()) unknown_.erase(name);
    }

    RunResult run() {
        scope_.set("steps", &results_);
        const auto end =
            run_steps(run_.rule.then, run_.continuation ? std::span<const int>(run_.continuation->resume_at)
                                                        : std::span<const int>());
        scope_.set("steps", nullptr);
        switch (end) {
            case Next::suspend:
                return suspended();
            case Next::fail:
                return {RunEnd::failed, std::move(failure_)};
            case Next::conflict:
                return {RunEnd::conflict, std::nullopt};
            case Next::need:
                return {RunEnd::need, std::nullopt};
            default:
                return {RunEnd::done, std::nullopt};
        }
    }

private:
    enum class Next { go_on, stop, suspend, fail, conflict, need };

    struct Wait {
        bool recheck = false;
        std::optional<engine::Instant> expires;
        std::vector<std::string> events;
    };

    // ---- order of steps ----

    /// Runs them from the one that `from` leads to, else from the first.
    Next run_steps(const std::vector<Step>& steps, std::span<const int> from) {
        auto index = from.empty() ? std::size_t{0} : static_cast<std::size_t>(from[0]);
        for (; index < steps.size(); ++index) {
            at_.push_back(static_cast<int>(index));
            const auto next = from.size() > 1 ? run_branch(steps[index], from[1] == 0, from.subspan(2))
                                              : run_step(steps[index]);
            if (next != Next::go_on) return next;
            at_.pop_back();
            from = {};
        }
        return Next::go_on;
    }

    Next run_branch(const Step& step, bool is_then, std::span<const int> from) {
        at_.push_back(is_then ? 0 : 1);
        const auto next = run_steps(*branch_of(step, is_then), from);
        if (next == Next::go_on) at_.pop_back();
        // In place of what stands behind a wait_for, not before it.
        const bool is_instead = std::holds_alternative<WaitForStep>(step.what);
        return next == Next::go_on && is_instead ? Next::stop : next;
    }

    Next run_step(const Step& step) {
        if (must_wait(step)) return Next::suspend;
        if (const auto* wait = std::get_if<WaitStep>(&step.what)) return begin_wait(*wait, step.place);
        if (const auto* wait = std::get_if<WaitForStep>(&step.what)) return begin_wait(*wait, step.place);
        if (const auto* choice = std::get_if<IfStep>(&step.what))
            return run_branch(step, holds(choice->condition, scope_), {});
        if (const auto* script = std::get_if<LuaStep>(&step.what)) return run_script(*script, step.place);
        const auto done = std::visit([this](const auto& what) { return perform(what); }, step.what);
        if (done) return *done;
        return fail(done.error(), step.place);
    }

    Next fail(const Error& error, const engine::Place& place) {
        failure_ = engine::RuleFailure{run_.rule.id, error.message, place};
        return Next::fail;
    }

    Next run_script(const LuaStep& step, const engine::Place& place) {
        const auto args = rendered(step.args);
        if (!args) return fail(args.error(), place);
        if (scope_.scripts == nullptr) return fail(engine::invalid("there are no scripts here"), place);
        auto asked = scope_.scripts->run(step.script, *args, scope_);
        if (scope_.scripts->need()) return Next::need;
        failure_ = std::move(asked.failure);
        if (failure_) return Next::fail;
        auto applied = apply_effects(asked.effects, run_, scope_.now, state_);
        failure_ = std::move(applied.failure);
        if (applied.end == RunEnd::conflict) return Next::conflict;
        return failure_ ? Next::fail : Next::go_on;
    }

    // ---- suspension ----

    bool must_wait(const Step& step) const {
        if (unknown_.empty()) return false;
        const auto needed = results_needed(step);
        return std::any_of(needed.begin(), needed.end(),
                           [&](const auto& name) { return unknown_.contains(name); });
    }

    /// The steps behind it are those of another decision, unless the moment is over already.
    Next begin_wait(const WaitStep& step, const engine::Place& place) {
        const auto due = later(step.until, "wait");
        if (due && *due <= scope_.now) return Next::go_on;
        Wait wait;
        wait.recheck = step.recheck;
        if (due && step.expires) wait.expires = *due + *step.expires;
        return begin_wait(due, std::move(wait), place);
    }

    Next begin_wait(const WaitForStep& step, const engine::Place& place) {
        const auto due = later(step.until, "wait_for");
        Wait wait;
        wait.recheck = step.recheck;
        wait.events = step.on;
        return begin_wait(due, std::move(wait), place);
    }

    Next begin_wait(const Result<engine::Instant>& due, Wait wait, const engine::Place& place) {
        if (!due) return fail(due.error(), place);
        if (auto room = state_.check_room_for_timer("", true, options()); !room)
            return fail(room.error(), place);
        engine::TimerChange timer;
        timer.due = *due;
        timer.rule = run_.rule.id;
        timer.type = wait_over_type;
        timer.firing = run_.firing;
        state_.timers.push_back(std::move(timer));
        ++at_.back();
        waits_ = std::move(wait);
        return Next::suspend;
    }

    /// Waits for everything asked for that any step of the rule reads: a result that came in while nobody
    /// waited for it would be lost to the steps after.
    RunResult suspended() {
        std::set<std::string> read;
        add_results_needed(run_.rule.then, read);
        engine::Continuation continuation;
        continuation.rule = run_.rule.id;
        continuation.ruleset = run_.rule_set.version;
        continuation.firing = run_.firing;
        std::set_intersection(read.begin(), read.end(), unknown_.begin(), unknown_.end(),
                              std::back_inserter(continuation.awaits));
        continuation.resume_at = at_;
        if (results_.is_object()) continuation.results = results_;
        continuation.timed = waits_.has_value();
        continuation.recheck = waits_ && waits_->recheck;
        if (waits_) continuation.expires = waits_->expires;
        if (waits_) continuation.events = std::move(waits_->events);
        state_.continuations.push_back(std::move(continuation));
        return {RunEnd::suspended, std::nullopt};
    }

    // ---- the steps ----

    Result<Next> perform(const SetStep& step) { return write(step.fields); }
    Result<Next> perform(const AssignStep& step) { return write(step.fields); }

    Result<Next> perform(const UnsetStep& step) {
        for (const auto& field : step.fields) {
            const auto done = write(field, Json());
            if (!done || *done != Next::go_on) return done;
        }
        return Next::go_on;
    }

    Result<Next> perform(const TagsStep& step) {
        if (auto own = check_own(step.field, run_.subject); !own) return own.error();
        std::vector<std::string> tags;
        for (const auto& text : step.tags) {
            const auto tag = rendered(text);
            if (!tag) return tag.error();
            if (!add_tags(*tag, tags)) return engine::invalid(step.field.text + " takes texts as tags");
        }
        return after(state_.change_tags(step.field, tags, step.add, run_.rule.id));
    }

    Result<Next> perform(const EmitStep& step) {
        if (step.when) return emit_later(step);
        if (auto room = state_.check_room_for_event(options()); !room) return room.error();
        const auto type = text(step.type, "emit: the type");
        if (!type) return type.error();
        const auto subject = subject_of(step);
        if (!subject) return subject.error();
        if (auto good = check_event(*type, *subject); !good) return good.error();
        auto data = object(step.data, "emit: data");
        if (!data) return data.error();
        state_.emitted.push_back({run_.rule.id, *type, *subject, std::move(*data)});
        return Next::go_on;
    }

    Result<Next> emit_later(const EmitStep& step) {
        const auto type = text(step.type, "emit: the type");
        if (!type) return type.error();
        const auto name = step.name ? text(*step.name, "emit: the name") : type;
        if (!name) return name.error();
        if (!is_timer_name(*name)) return no_timer_name("emit", *name);
        if (auto room = state_.check_room_for_timer(*name, true, options()); !room) return room.error();
        if (auto good = check_event(*type, run_.subject); !good) return good.error();
        const auto due = later(*step.when, "emit");
        if (!due) return due.error();
        auto data = object(step.data, "emit: data");
        if (!data) return data.error();
        state_.timers.push_back({*name, *due, run_.rule.id, *type, std::move(*data), ""});
        return Next::go_on;
    }

    Result<Next> perform(const CancelStep& step) {
        for (const auto& timer : step.timers) {
            const auto name = text(timer, "cancel");
            if (!name) return name.error();
            if (auto room = state_.check_room_for_timer(*name, false, options()); !room) return room.error();
            if (!is_timer_name(*name)) return no_timer_name("cancel", *name);
            state_.timers.push_back({*name, std::nullopt, run_.rule.id, "", Json::object(), ""});
        }
        return Next::go_on;
    }

    Result<Next> perform(const ScoreStep& step) {
        for (const auto& gift : step.gifts) {
            if (gift.kind != run_.subject.kind())
                return engine::invalid("score " + engine::in_quotes(gift.score) + " is of a " + gift.kind +
                                       ", and this is a " + std::string(run_.subject.kind()));
            state_.gifts.push_back(gift);
        }
        return Next::go_on;
    }

    Result<Next> perform(const EscalateStep& step) {
        if (step.kind != run_.subject.kind())
            return engine::invalid("escalation " + engine::in_quotes(step.escalation) + " is of a " +
                                   step.kind + ", and this is a " + std::string(run_.subject.kind()));
        state_.wishes.push_back({step, run_.rule.id});
        return Next::go_on;
    }

    Result<Next> perform(const RouteStep& step) {
        if (state_.router == nullptr && step.queue_field.keys.empty())
            return engine::invalid("there are no queues any more");
        if (state_.router == nullptr) return write(step.queue_field, step.queues.front());
        if (!step.queue_field.keys.empty()) return engine::invalid("there was no queue when this rule began");
        auto to = state_.router->route(step, run_.rule.id, scope_);
        if (!to) return to.error();
        const auto verdict = state_.write(*to, run_.rule.id);
        state_.routed.push_back(*std::move(to));
        return after(verdict);
    }

    Result<Next> perform(const LuaStep&) { return Next::go_on; }      // run_step has run it
    Result<Next> perform(const WaitStep&) { return Next::go_on; }     // run_step has begun it
    Result<Next> perform(const WaitForStep&) { return Next::go_on; }  // run_step has begun it
    Result<Next> perform(const StopStep&) { return Next::stop; }
    Result<Next> perform(const IfStep&) { return Next::go_on; }  // run_step has run it

    Result<Next> perform(const CallStep& step) {
        if (state_.actions.size() >= static_cast<std::size_t>(options().actions_max))
            return limit_reached("actions_max", options().actions_max);
        auto params = object(step.params, step.connection + "." + step.action);
        if (!params) return params.error();
        engine::Action action;
        action.rule = run_.rule.id;
        action.connection = step.connection;
        action.action = step.action;
        action.params = std::move(*params);
        action.as = step.as;
        for (const auto& [field, path] : step.save) action.save[field.text] = path.text;
        action.relaxed = step.relaxed;
        action.firing = run_.firing;
        state_.actions.push_back(std::move(action));
        if (!step.as.empty()) unknown_.insert(step.as);
        return Next::go_on;
    }

    // ---- writing ----

    Result<Next> write(const std::vector<std::pair<FieldPath, ValueTemplate>>& fields) {
        std::vector<Json> values;
        values.reserve(fields.size());
        for (const auto& [field, value] : fields) {
            auto found = rendered(value);
            if (!found) return Error{found.error().code, field.text + ": " + found.error().message};
            values.push_back(*std::move(found));
        }
        for (std::size_t i = 0; i < fields.size(); ++i) {
            const auto done = write(fields[i].first, std::move(values[i]));
            if (!done || *done != Next::go_on) return done;
        }
        return Next::go_on;
    }

    Result<Next> write(const FieldPath& field, Json value) {
        if (auto own = check_own(field, run_.subject); !own) return own.error();
        auto fitting = fit(run_.rule_set.catalogue, field, std::move(value));
        if (!fitting) return fitting.error();
        return after(state_.set(field, std::move(*fitting), run_.rule.id));
    }

    static Next after(Ledger::Verdict verdict) {
        return verdict == Ledger::Verdict::fails ? Next::conflict : Next::go_on;
    }

    // ---- rendering ----

    /// What a template takes is copied: as often as rules say, whatever size it has.
    const Json* taken(const Json* found) {
        if (found == nullptr) return nullptr;
        const auto most = rendered_bytes_max();
        if (state_.rendered_bytes <= most)
            state_.rendered_bytes += engine::bytes_up_to(*found, most - state_.rendered_bytes);
        return state_.rendered_bytes <= most ? found : nullptr;
    }

    std::size_t rendered_bytes_max() const { return static_cast<std::size_t>(options().rendered_bytes_max); }

    template <class Source>
    Result<Json> rendered(const Source& source) {
        auto value = source.render(lookup_, options().text_bytes_max);
        if (state_.rendered_bytes > rendered_bytes_max())
            return limit_reached("rendered_bytes_max", options().rendered_bytes_max);
        return value;
    }

    /// A template may give one text, none, or a list of texts.
    static bool add_tags(const Json& rendered, std::vector<std::string>& tags) {
        if (rendered.is_null()) return true;
        if (const auto* list = rendered.get_ptr<const Json::array_t*>())
            return std::all_of(list->begin(), list->end(),
                               [&](const Json& item) { return item.is_string() && add_tags(item, tags); });
        const auto* tag = rendered.get_ptr<const Json::string_t*>();
        if (!tag) return false;
        if (!tag->empty()) tags.push_back(*tag);
        return true;
    }

    Result<std::string> text(const Template& source, const std::string& what) {
        const auto found = rendered(source);
        if (!found) return found.error();
        const auto* text = found->get_ptr<const Json::string_t*>();
        if (!text || text->empty()) return engine::invalid(what + " must be a text");
        return *text;
    }

    Result<engine::Instant> later(const Moment& moment, const std::string& what) {
        const auto found = moment.after ? after_span(moment, what) : at_time(moment, what);
        if (!found) return found.error();
        if (*found - scope_.now > timer_span_max)
            return engine::invalid(what + " reaches more than 100 years ahead");
        return *found;
    }

    Result<engine::Instant> after_span(const Moment& moment, const std::string& what) {
        const auto written = text(*moment.after, what);
        if (!written) return written.error();
        const auto span = engine::parse_duration(*written);
        if (!span) return engine::invalid(what + ": " + span.error().message);
        if (*span > timer_span_max) return scope_.now + timer_span_max + engine::Duration(1);
        if (!moment.calendar) return scope_.now + *span;
        return opened(moment, moment.calendar->add(scope_.now, *span, DueAt::first_instant), what);
    }

    Result<engine::Instant> at_time(const Moment& moment, const std::string& what) {
        const auto written = text(*moment.at, what);
        if (!written) return written.error();
        const auto time = engine::parse_instant(*written);
        if (!time) return engine::invalid(what + ": " + time.error().message);
        if (*time <= scope_.now) return scope_.now;
        if (!moment.calendar) return *time;
        return opened(moment, moment.calendar->next_opening(*time), what);
    }

    static Result<engine::Instant> opened(const Moment& moment, const std::optional<engine::Instant>& found,
                                          const std::string& what) {
        if (found) return *found;
        return engine::invalid(what + ": calendar " + moment.calendar_name + " does not open that long");
    }

    /// Null is an object without members.
    Result<Json> object(const ValueTemplate& source, const std::string& what) {
        auto found = rendered(source);
        if (!found) return Error{found.error().code, what + ": " + found.error().message};
        if (found->is_null()) return Json(Json::object());
        if (!found->is_object()) return engine::invalid(what + " must be an object");
        return found;
    }

    Result<engine::Subject> subject_of(const EmitStep& step) {
        if (!step.subject) return run_.subject;
        const auto name = text(*step.subject, "emit: the subject");
        if (!name) return name.error();
        return engine::Subject::parse(*name);
    }

    const RuleSetOptions& options() const { return run_.rule_set.options; }

    const RuleRun& run_;
    Scope& scope_;
    WorkingState& state_;
    Lookup lookup_;
    Json results_;                   ///< as → {"result": …}; null when nothing is known
    std::set<std::string> unknown_;  ///< asked for in this firing, result not known
    std::optional<Wait> waits_;      ///< for a timer, which it ended with
    std::vector<int> at_;            ///< the way to the step that runs, from the outside in
    std::optional<engine::RuleFailure> failure_;
};

/// Or to the end of such steps, where a wait was the last of them.
bool leads_to_a_step(const std::vector<Step>& steps, std::span<const int> path) {
    if (path.empty() || path[0] < 0 || static_cast<std::size_t>(path[0]) > steps.size()) return false;
    if (path.size() == 1) return true;
    if (static_cast<std::size_t>(path[0]) == steps.size()) return false;
    if (path[1] < 0 || path[1] > 1) return false;
    const auto* branch = branch_of(steps[static_cast<std::size_t>(path[0])], path[1] == 0);
    // A path may end with the branch itself: from its first step.
    return branch != nullptr && (path.size() == 2 || leads_to_a_step(*branch, path.subspan(2)));
}

/// The step right before the one that the path leads to.
const Step* step_before(const std::vector<Step>& steps, std::span<const int> path) {
    if (path.empty() || !leads_to_a_step(steps, path)) return nullptr;
    const auto index = static_cast<std::size_t>(path[0]);
    if (path.size() == 1) return index == 0 ? nullptr : &steps[index - 1];
    return path.size() == 2 ? nullptr : step_before(*branch_of(steps[index], path[1] == 0), path.subspan(2));
}

}  // namespace

const WaitForStep* awaiting_step(const RuleSet& rule_set, const std::string& rule, std::span<const int> at) {
    const auto found = std::find_if(rule_set.rules.begin(), rule_set.rules.end(),
                                    [&](const Rule& one) { return one.id == rule; });
    if (found == rule_set.rules.end()) return nullptr;
    const auto* step = step_before(found->then, at);
    return step == nullptr ? nullptr : std::get_if<WaitForStep>(&step->what);
}

bool can_resume(const Rule& rule, const engine::Continuation& continuation) {
    return leads_to_a_step(rule.then, continuation.resume_at);
}

RunResult run_rule(const RuleRun& run, Scope& scope, WorkingState& state) {
    return StepRunner(run, scope, state).run();
}

}  // namespace rules
