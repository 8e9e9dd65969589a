#include "rules/policies/escalation.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "engine/base/text.h"
#include "rules/calendar/calendar.h"
#include "rules/matcher/matcher.h"
#include "rules/policies/routing.h"

namespace rules {
namespace {

using engine::EscalationChange;
using engine::Instant;
using engine::Json;
using State = EscalationRun::State;

constexpr std::string_view writer_prefix = "escalation:";

constexpr std::array<std::string_view, 3> run_state_names{"running", "acknowledged", "exhausted"};

std::optional<State> parse_run_state(std::string_view name) {
    for (std::size_t i = 0; i < run_state_names.size(); ++i)
        if (run_state_names[i] == name) return static_cast<State>(i);
    return std::nullopt;
}

/// One escalation through one decision.
class EscalationWalk {
public:
    EscalationWalk(EscalationRuns& runs, const EscalationMoment& moment, EscalationOutcome& outcome)
        : runs_(runs), moment_(moment), outcome_(outcome) {}

    /// `is_taken_back`: a later one of the same decision begins it anew, or ends it.
    void grant(const EscalateStep& wish, const std::string& rule, bool is_taken_back) {
        using Wish = EscalateStep::Wish;
        const auto found = runs_.find(wish.escalation);
        const bool is_there = found != runs_.end();
        const bool begins = wish.wish == Wish::restart || (wish.wish == Wish::start && !is_there);
        if (begins && is_taken_back)
            return note(wish.escalation, "was not begun by rule " + rule + ": a later rule took that back");
        if (wish.wish == Wish::start && is_there)
            return note(wish.escalation,
                        "was not begun again: it is " + std::string(name_of(found->second.state)));
        if (wish.wish == Wish::start || wish.wish == Wish::restart) return begin(wish.escalation, rule);
        if (!is_there) return note(wish.escalation, "has nothing to " + std::string(name_of(wish.wish)));
        if (wish.wish == Wish::end) return end(found, "rule " + rule);
        if (const auto* policy = policy_of(*found)) acknowledge(*policy, *found, "rule " + rule);
    }

    void follow(const std::string& id) {
        const auto found = runs_.find(id);
        // What was begun just now was not there when this happened.
        if (found == runs_.end() || std::find(begun_.begin(), begun_.end(), id) != begun_.end()) return;
        const auto* policy = policy_of(*found);
        if (policy == nullptr) return end(found, engine::skip_reason::rule_inactive);
        auto& run = found->second;
        if (moment_.is_deleted) return end(found, "deleted");
        if (happens(policy->ends, false)) return end(found, "event " + std::string(moment_.event_type));
        look_for_acknowledgement(*policy, *found);
        if (run.due && *run.due <= moment_.now) go_on(*policy, *found);
    }

private:
    using Entry = EscalationRuns::value_type;

    const Escalation* named(const std::string& ruleset, const std::string& id) const {
        const auto* rule_set = moment_.rule_set(ruleset);
        return rule_set == nullptr ? nullptr : escalation_named(*rule_set, id);
    }

    /// As it was when it began, or else as it is now.
    const Escalation* policy_of(const Entry& entry) const {
        const auto* policy = named(entry.second.ruleset, entry.first);
        return policy != nullptr ? policy : named(moment_.ruleset, entry.first);
    }

    void note(const std::string& id, const std::string& what) {
        outcome_.notes.push_back("escalation " + id + " " + what);
    }

    void begin(const std::string& id, const std::string& rule) {
        const auto* policy = named(moment_.ruleset, id);
        if (policy == nullptr) return note(id, "was not begun: it is gone from the rules");
        if (moment_.is_deleted) return note(id, "was not begun: the entity is deleted");
        begun_.push_back(id);
        if (happens(policy->ends, false)) return note(id, "was not begun: what ends it holds already");
        auto& run = runs_[id];
        const bool had_timer = run.due.has_value();
        run = {};
        run.ruleset = moment_.ruleset;
        run.rule = rule;
        run.started = moment_.now;
        run.was_taken = policy->acknowledged && happens(*policy->acknowledged, false);
        run.due = later(*policy, policy->levels.front().after);
        auto& entry = *runs_.find(id);
        tell(entry, "started", "rule " + rule);
        if (run.due)
            reach_levels(*policy, entry);
        else
            exhaust(entry);
        if (had_timer || run.due) set_timer(entry);
    }

    /// Conditions count when they come to hold; without some, the event does.
    bool happens(const Occasion& occasion, bool held) const {
        if (!occasion.on.empty() && !any_type_fits(occasion.on, moment_.event_type)) return false;
        if (!occasion.when) return !occasion.on.empty();
        return holds(*occasion.when, moment_.scope) && (!occasion.on.empty() || !held);
    }

    void look_for_acknowledgement(const Escalation& policy, Entry& entry) {
        if (!policy.acknowledged) return;
        auto& run = entry.second;
        const bool happened = happens(*policy.acknowledged, run.was_taken);
        if (policy.acknowledged->on.empty()) run.was_taken = happens(*policy.acknowledged, false);
        if (happened) acknowledge(policy, entry, "event " + std::string(moment_.event_type));
    }

    void acknowledge(const Escalation& policy, Entry& entry, const std::string& reason) {
        auto& run = entry.second;
        if (run.state == State::acknowledged) return;
        const bool had_timer = run.due.has_value();
        const bool was_exhausted = run.state == State::exhausted;
        run.state = State::acknowledged;
        const bool goes_on = policy.acknowledged_for && !was_exhausted;
        run.due = goes_on ? later(policy, *policy.acknowledged_for) : std::nullopt;
        tell(entry, "acknowledged", reason);
        if (had_timer || run.due) set_timer(entry);
    }

    void end(EscalationRuns::iterator found, const std::string& reason) {
        const bool had_timer = found->second.due.has_value();
        found->second.due.reset();
        tell(*found, "ended", reason);
        if (had_timer) set_timer(*found);
        runs_.erase(found);
    }

    /// Its time has come: whoever took it on has not ended it, or nobody has.
    void go_on(const Escalation& policy, Entry& entry) {
        auto& run = entry.second;
        // A level that comes late may come when nobody is there.
        if (policy.calendar && !policy.calendar->is_open(moment_.now)) {
            run.due = policy.calendar->next_opening(moment_.now);
            if (!run.due) exhaust(entry);
            return set_timer(entry);
        }
        if (run.state == State::acknowledged) {
            run.state = State::running;
            // Who took on the last level is told once more.
            const bool was_last = static_cast<std::size_t>(run.level) >= policy.levels.size();
            if (was_last && run.round > policy.repeat) run.level = static_cast<int>(policy.levels.size()) - 1;
            tell(entry, "resumed", "");
        }
        reach_levels(policy, entry);
        set_timer(entry);
    }

    /// What is due by now.
    void reach_levels(const Escalation& policy, Entry& entry) {
        auto& run = entry.second;
        while (run.due && *run.due <= moment_.now) {
            if (static_cast<std::size_t>(run.level) >= policy.levels.size()) begin_round(policy, entry);
            if (run.state == State::exhausted) break;
            reach(policy, entry);
        }
    }

    void begin_round(const Escalation& policy, Entry& entry) {
        auto& run = entry.second;
        if (run.round > policy.repeat) return exhaust(entry);
        ++run.round;
        run.level = 0;
    }

    void reach(const Escalation& policy, Entry& entry) {
        auto& run = entry.second;
        const auto& level = policy.levels[static_cast<std::size_t>(run.level)];
        ++run.level;
        const bool is_last = static_cast<std::size_t>(run.level) == policy.levels.size();
        if (is_last && run.round > policy.repeat)
            run.due.reset();
        else
            run.due = later(policy, is_last ? policy.repeat_after
                                            : policy.levels[static_cast<std::size_t>(run.level)].after);
        const bool is_asked_for = !level.when || holds(*level.when, moment_.scope);
        if (is_asked_for)
            outcome_.reached.push_back({outcome_.changes.size(), &policy, &level, run.started, run.ruleset});
        tell(entry, "stepped", is_asked_for ? "" : engine::skip_reason::conditions_changed);
        if (!run.due) exhaust(entry);
    }

    void exhaust(Entry& entry) {
        entry.second.state = State::exhausted;
        entry.second.due.reset();
        tell(entry, "exhausted", "");
    }

    /// Nothing when its hours never come.
    std::optional<Instant> later(const Escalation& policy, engine::Duration span) const {
        if (!policy.calendar) return moment_.now + span;
        return policy.calendar->add(moment_.now, span, DueAt::next_opening);
    }

    void tell(const Entry& entry, const char* change, std::string reason) {
        const auto& run = entry.second;
        EscalationChange told;
        told.escalation = entry.first;
        told.change = change;
        told.level = run.level;
        told.round = run.round;
        told.at = moment_.now;
        told.due = run.due;
        told.reason = std::move(reason);
        outcome_.changes.push_back(std::move(told));
    }

    /// Moved, or taken away.
    void set_timer(const Entry& entry) {
        const auto name = escalation_timer_name(entry.first);
        std::erase_if(outcome_.timers, [&](const engine::TimerChange& timer) { return timer.name == name; });
        engine::TimerChange timer;
        timer.name = name;
        timer.rule = name;
        timer.due = entry.second.due;
        if (timer.due) {
            timer.type = escalation_due_type(moment_.kind);
            timer.data = Json{{"escalation", {{"escalation", entry.first}}}};
        }
        outcome_.timers.push_back(std::move(timer));
    }

    EscalationRuns& runs_;
    const EscalationMoment& moment_;
    EscalationOutcome& outcome_;
    std::vector<std::string> begun_;  ///< in this decision
};

}  // namespace

std::string_view name_of(NotifyTarget::Kind kind) {
    static constexpr std::array<std::string_view, 4> names{"person", "team", "on_call", "channel"};
    return names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(EscalationRun::State state) {
    return run_state_names[static_cast<std::size_t>(state)];
}

std::string_view name_of(EscalateStep::Wish wish) {
    static constexpr std::array<std::string_view, 4> names{"start", "restart", "acknowledge", "end"};
    return names[static_cast<std::size_t>(wish)];
}

Json to_json(const EscalationRuns& runs) {
    auto json = escalation_view(runs);
    for (const auto& [id, run] : runs) {
        auto& one = json[id];
        one["ruleset"] = run.ruleset;
        one["rule"] = run.rule;
        if (run.was_taken) one["was_taken"] = true;
    }
    return json;
}

EscalationRuns escalation_runs_from(const Json& json) {
    EscalationRuns runs;
    if (!json.is_object()) return runs;
    for (const auto& [id, one] : json.items()) {
        if (!one.is_object()) continue;
        const auto state = parse_run_state(engine::text_or(one, "state", ""));
        const auto started = engine::parse_instant(engine::text_or(one, "started_at", ""));
        const auto level = one.find("level");
        const auto round = one.find("round");
        const bool has_place = level != one.end() && level->is_number_integer() && round != one.end() &&
                               round->is_number_integer();
        if (!state || !started || !has_place) continue;
        EscalationRun run;
        run.ruleset = engine::text_or(one, "ruleset", "");
        run.rule = engine::text_or(one, "rule", "");
        run.state = *state;
        run.level = level->get<int>();
        run.round = round->get<int>();
        run.started = *started;
        if (const auto due = engine::parse_instant(engine::text_or(one, "due_at", ""))) run.due = *due;
        run.was_taken = one.contains("was_taken");
        runs.emplace(id, std::move(run));
    }
    return runs;
}

Json escalation_view(const EscalationRuns& runs) {
    Json view = Json::object();
    for (const auto& [id, run] : runs) {
        Json one{{"state", name_of(run.state)},
                 {"level", run.level},
                 {"round", run.round},
                 {"started_at", engine::to_text(run.started)}};
        if (run.due) one["due_at"] = engine::to_text(*run.due);
        view[id] = std::move(one);
    }
    return view;
}

EscalationOutcome follow(EscalationRuns& runs, const std::vector<EscalationWish>& wishes,
                         const EscalationMoment& moment) {
    EscalationOutcome outcome;
    EscalationWalk walk(runs, moment, outcome);
    std::vector<std::string> before;
    for (const auto& [id, run] : runs) before.push_back(id);
    for (auto wish = wishes.begin(); wish != wishes.end(); ++wish) {
        const bool is_taken_back =
            std::any_of(std::next(wish), wishes.end(), [&](const EscalationWish& later) {
                using Wish = EscalateStep::Wish;
                return later.step.escalation == wish->step.escalation &&
                       (later.step.wish == Wish::restart || later.step.wish == Wish::end);
            });
        walk.grant(wish->step, wish->rule, is_taken_back);
    }
    for (const auto& id : before) walk.follow(id);
    return outcome;
}

std::string escalation_timer_name(const std::string& escalation) {
    return std::string(writer_prefix) + escalation;
}

std::string escalation_due_type(std::string_view kind) {
    return std::string(kind) + ".escalation_due";
}

}  // namespace rules
