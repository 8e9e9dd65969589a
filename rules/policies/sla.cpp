#include "rules/policies/sla.h"

#include <algorithm>
#include <set>
#include <utility>

namespace rules {
namespace {

using engine::Duration;
using engine::Instant;
using engine::Json;
using engine::SlaChange;

bool is_response(SlaMetric metric) {
    return metric == SlaMetric::first_response || metric == SlaMetric::next_response;
}
bool is_update(SlaMetric metric) {
    return metric == SlaMetric::periodic_update || metric == SlaMetric::pausable_update;
}

const Calendar* calendar_named(const Calendars& calendars, const std::string& name) {
    const auto found = calendars.find(name);
    return found == calendars.end() ? nullptr : found->second.get();
}

// ---- reckoning

Duration used_at(const SlaClock& clock, const Calendars& calendars, Instant at) {
    if (!clock.since || at <= *clock.since) return clock.used;
    const auto* calendar = calendar_named(calendars, clock.calendar);
    if (calendar == nullptr) return clock.used + (at - *clock.since);
    return clock.used + calendar->between(*clock.since, at).value_or(Duration(0));
}

/// When so much will be used, since when it runs if it is already; nothing when it never will.
std::optional<Instant> reached(const SlaClock& clock, const Calendars& calendars, Duration used,
                               DueAt due_at) {
    if (!clock.since) return std::nullopt;
    const auto left = used - clock.used;
    const bool waits_for_opening = left == Duration(0) && due_at == DueAt::next_opening;
    if (left <= Duration(0) && !waits_for_opening) return *clock.since;
    const auto* calendar = calendar_named(calendars, clock.calendar);
    return calendar == nullptr ? *clock.since + left : calendar->add(*clock.since, left, due_at);
}

/// How much is used when the warnings come, the first one first; two at once are one.
std::vector<Duration> warning_points(const SlaTarget& rules, Duration target) {
    std::vector<Duration> points;
    for (const auto& warning : rules.warnings) {
        const auto point =
            warning.share ? std::chrono::round<Duration>(target * *warning.share) : target - warning.before;
        if (point > Duration(0)) points.push_back(point);
    }
    std::sort(points.begin(), points.end());
    points.erase(std::unique(points.begin(), points.end()), points.end());
    return points;
}

SlaChange change_of(const SlaClock& clock, const char* what, Instant at, const Calendars& calendars) {
    SlaChange change;
    change.metric = name_of(clock.metric);
    change.policy = clock.policy;
    change.change = what;
    change.at = at;
    if (!clock.breached) change.due = clock.due;
    change.used = used_at(clock, calendars, at);
    change.target = clock.target;
    change.emitted = true;
    return change;
}

Json event_data(const SlaChange& change) {
    return {{"sla", engine::to_json(change)}};
}

// ---- what is said of the entity

std::string text_of(const Json& object, std::string_view path) {
    const auto* value = engine::find(object, path);
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

enum class Author { nobody, agent, customer };

/// Who has written to whom where both can read it.
Author author_of(const Json* message) {
    if (message == nullptr || !message->is_object()) return Author::nobody;
    if (const auto* is_public = engine::find(*message, "public");
        is_public != nullptr && *is_public == Json(false))
        return Author::nobody;
    auto role = text_of(*message, "author.role");
    if (role.empty()) role = text_of(*message, "sender");
    if (role == "agent") return Author::agent;
    if (role == "customer" || role == "end-user" || role == "end_user" || role == "requester")
        return Author::customer;
    if (!role.empty()) return Author::nobody;
    const auto direction = text_of(*message, "direction");
    if (direction == "outbound") return Author::agent;
    return direction == "inbound" ? Author::customer : Author::nobody;
}

/// Follows one entity's clocks through one event.
class Follower {
public:
    Follower(const RuleSet& rule_set, SlaState& state, const SlaMoment& moment)
        : rule_set_(rule_set),
          state_(state),
          moment_(moment),
          status_(text_of(moment.document, "status")),
          priority_(text_of(moment.document, "priority")),
          author_(author_of(moment.message)) {
        is_done_ = moment.deleted || status_ == "solved" || status_ == "closed";
    }

    SlaOutcome run() {
        policy_ = moment_.deleted ? nullptr : chosen_policy();
        for (const auto metric : sla_metrics()) {
            target_ = policy_ == nullptr ? nullptr : target_of(metric);
            follow(metric);
        }
        if (author_ == Author::agent) answer();
        for (auto& [metric, clock] : state_.clocks) set_timer(clock);
        if (moment_.deleted) state_ = SlaState();
        return std::move(outcome_);
    }

private:
    const SlaPolicy* chosen_policy() const {
        const auto found =
            std::find_if(rule_set_.sla.begin(), rule_set_.sla.end(), [&](const SlaPolicy& policy) {
                return policy.kind == moment_.kind && holds(policy.when, moment_.scope);
            });
        return found == rule_set_.sla.end() ? nullptr : &*found;
    }

    const SlaTarget* target_of(SlaMetric metric) const {
        const auto found = policy_->targets.find(metric);
        return found == policy_->targets.end() || !span_of(found->second) ? nullptr : &found->second;
    }

    std::optional<Duration> span_of(const SlaTarget& target) const {
        auto found = target.by_priority.find(priority_);
        if (found == target.by_priority.end()) found = target.by_priority.find("");
        return found == target.by_priority.end() ? std::nullopt : std::optional(found->second);
    }

    void follow(SlaMetric metric) {
        auto found = state_.clocks.find(metric);
        if (found != state_.clocks.end() && found->second.ended && target_ != nullptr && !is_done_) {
            reopen(found->second);
            // One that begins anew is gone.
            found = state_.clocks.find(metric);
        }
        const bool is_active = found != state_.clocks.end() && !found->second.ended;
        if (is_active && target_ == nullptr) {
            found->second.lost = true;
            return end(found->second, "cancelled");
        }
        if (is_active) return go_on(found->second);
        if (target_ != nullptr && begins(metric)) begin(metric);
    }

    /// What waits for an answer and lost its policy has it.
    void answer() {
        state_.answered = true;
        for (auto& [metric, clock] : state_.clocks)
            if (is_response(metric)) clock.lost = false;
    }

    // ---- beginning

    bool begins(SlaMetric metric) const {
        if (is_done_) return false;
        const bool is_new = !state_.clocks.contains(metric);
        if (metric == SlaMetric::next_response) return author_ == Author::customer && state_.answered;
        if (metric == SlaMetric::ownership) return is_new && !text_of(moment_.document, "group").empty();
        // Who was never answered waits for a first answer again as the work goes on.
        if (metric == SlaMetric::first_response) return !state_.answered;
        return is_new;
    }

    void begin(SlaMetric metric) {
        auto& clock = state_.clocks[metric];
        clock = SlaClock();
        clock.metric = metric;
        clock.started = moment_.at;
        clock.group = text_of(moment_.document, "group");
        take_target(clock);
        if (!is_paused(clock)) clock.since = moment_.at;
        reckon(clock);
        tell(clock, "started");
        if (metric == SlaMetric::first_response && author_ == Author::agent) end(clock, "met");
    }

    /// What was over counts again; one that is left without an end goes on like one that stood.
    void reopen(SlaClock& clock) {
        const bool is_of_others =
            clock.metric == SlaMetric::ownership && text_of(moment_.document, "group") != clock.group;
        if (is_update(clock.metric) || is_of_others) {
            state_.clocks.erase(clock.metric);
            return;
        }
        if (clock.lost) return revive(clock);
        if (is_response(clock.metric) || clock.end == "cancelled") return;
        if (target_->reopen == SlaReopen::ignore) return;
        if (target_->reopen == SlaReopen::restart) {
            state_.clocks.erase(clock.metric);
            return;
        }
        revive(clock);
    }

    static void revive(SlaClock& clock) {
        clock.lost = false;
        clock.ended.reset();
        clock.end.clear();
    }

    // ---- going on

    void go_on(SlaClock& clock) {
        if (ends(clock)) return end(clock, end_of(clock.metric));
        const bool is_moved = take_target(clock);
        // It says which policy and target it is for.
        if (is_moved) drop_timer(clock);
        const bool paused = is_paused(clock);
        const bool was_paused = !clock.since;
        if (paused && !was_paused) stand(clock);
        if (!paused && was_paused)
            clock.since = std::max(moment_.at, std::exchange(clock.stood, {}).value_or(moment_.at));
        reckon(clock);
        if (is_moved) tell(clock, "retargeted");
        if (paused != was_paused) tell(clock, paused ? "paused" : "resumed");
        const bool went_on = was_paused && !paused;
        if (clock.since && (is_moved || went_on)) breach_if_over(clock);
    }

    bool ends(const SlaClock& clock) const {
        if (is_done_) return true;
        if (is_response(clock.metric) || is_update(clock.metric)) return author_ == Author::agent;
        return clock.metric == SlaMetric::ownership && text_of(moment_.document, "group") != clock.group;
    }

    /// Work that is done without an answer has no use for one.
    const char* end_of(SlaMetric metric) const {
        const bool is_answer = is_response(metric) || is_update(metric);
        return is_answer && author_ != Author::agent ? "cancelled" : "met";
    }

    void end(SlaClock& clock, std::string_view how) {
        stand(clock);
        clock.ended = moment_.at;
        clock.end = how == "met" && clock.breached ? "late" : std::string(how);
        tell(clock, clock.end == "late" ? "ended" : clock.end == "met" ? "met" : "cancelled");
        const auto metric = clock.metric;
        const bool begins_anew = how == "met" && !is_done_ && target_ != nullptr &&
                                 (is_update(metric) || metric == SlaMetric::ownership);
        if (!begins_anew) return;
        drop_timer(clock);
        state_.clocks.erase(metric);
        if (begins(metric)) begin(metric);
    }

    /// No more time is used; what was used is kept, by the calendar by which it was.
    void stand(SlaClock& clock) const {
        clock.used = used_at(clock, rule_set_.calendars, moment_.at);
        if (clock.since) clock.stood = std::max(*clock.since, moment_.at);
        clock.since.reset();
        clock.due.reset();
    }

    /// True when the clock has another target now, or runs by another calendar. What was used stays used.
    bool take_target(SlaClock& clock) const {
        const auto span = *span_of(*target_);
        const bool is_same =
            clock.policy == policy_->id && clock.target == span && clock.calendar == target_->calendar_name;
        if (is_same) return false;
        const bool is_new = clock.policy.empty();
        if (clock.since) {
            clock.used = used_at(clock, rule_set_.calendars, moment_.at);
            // What is used up to later than this event happened is not used again.
            clock.since = std::max(*clock.since, moment_.at);
        }
        clock.policy = policy_->id;
        clock.target = span;
        clock.calendar = target_->calendar_name;
        return !is_new;
    }

    bool is_paused(const SlaClock& clock) const {
        if (target_->pause) return holds(*target_->pause, moment_.scope);
        switch (clock.metric) {
            case SlaMetric::requester_wait:
            case SlaMetric::pausable_update:
                return status_ == "pending";
            case SlaMetric::agent_work:
                return status_ == "pending" || status_ == "on_hold";
            default:
                return false;
        }
    }

    void reckon(SlaClock& clock) const {
        const auto due_at = target_->due_at_next_opening ? DueAt::next_opening : DueAt::first_instant;
        clock.due = reached(clock, rule_set_.calendars, clock.target, due_at);
    }

    /// A shorter target may have been reached before it was set.
    void breach_if_over(SlaClock& clock) {
        if (clock.breached || !clock.due || *clock.due > moment_.at) return;
        // Told while it has a due instant still.
        tell(clock, "breached");
        clock.breached = moment_.at;
    }

    // ---- timers

    void set_timer(SlaClock& clock) {
        std::optional<Instant> wanted;
        bool warns = false;
        if (clock.since && !clock.breached && !clock.ended && clock.due) {
            wanted = clock.due;
            const auto warning = next_warning(clock);
            if (warning && *warning < *wanted) {
                wanted = warning;
                warns = true;
            }
        }
        if (clock.timer == wanted && (!wanted || clock.timer_warns == warns)) return;
        if (!wanted) return drop_timer(clock);
        auto change = change_of(clock, warns ? "warning" : "breached", *wanted, rule_set_.calendars);
        outcome_.timers.push_back(
            {sla_timer_name(clock.metric), *wanted, "", "sla." + change.change, event_data(change), ""});
        clock.timer = wanted;
        clock.timer_warns = warns;
    }

    void drop_timer(SlaClock& clock) {
        if (!clock.timer) return;
        outcome_.timers.push_back({sla_timer_name(clock.metric), std::nullopt, "", "", Json::object(), ""});
        clock.timer.reset();
        clock.timer_warns = false;
    }

    /// Those that are over by now are passed over: who is late has no need to hear that they will be.
    std::optional<Instant> next_warning(SlaClock& clock) const {
        // A clock that runs has taken the target of the policy that holds now.
        const auto points = warning_points(policy_->targets.at(clock.metric), clock.target);
        const auto used = used_at(clock, rule_set_.calendars, moment_.at);
        for (auto i = static_cast<std::size_t>(clock.warned); i < points.size(); ++i) {
            if (points[i] >= used)
                return reached(clock, rule_set_.calendars, points[i], DueAt::first_instant);
            clock.warned = static_cast<int>(i) + 1;
        }
        return std::nullopt;
    }

    void tell(const SlaClock& clock, const char* what) {
        outcome_.changes.push_back(change_of(clock, what, moment_.at, rule_set_.calendars));
    }

    const RuleSet& rule_set_;
    SlaState& state_;
    const SlaMoment& moment_;
    std::string status_;
    std::string priority_;
    Author author_;
    bool is_done_ = false;
    const SlaPolicy* policy_ = nullptr;
    const SlaTarget* target_ = nullptr;  ///< of the metric at hand, of the chosen policy
    SlaOutcome outcome_;
};

Json seconds_of(Duration span) {
    return std::chrono::floor<std::chrono::seconds>(span).count();
}

std::string state_of(const SlaClock& clock) {
    if (clock.ended) return clock.end;
    return clock.since ? "running" : "paused";
}

Json clock_json(const SlaClock& clock) {
    Json json{{"policy", clock.policy},
              {"started", engine::microseconds_of(clock.started)},
              {"used", clock.used.count()},
              {"target", clock.target.count()}};
    const auto put = [&](const char* name, const std::optional<Instant>& instant) {
        if (instant) json[name] = engine::microseconds_of(*instant);
    };
    put("since", clock.since);
    put("due", clock.due);
    put("breached", clock.breached);
    put("ended", clock.ended);
    put("timer", clock.timer);
    put("stood", clock.stood);
    if (clock.lost) json["lost"] = true;
    if (!clock.calendar.empty()) json["calendar"] = clock.calendar;
    if (!clock.group.empty()) json["group"] = clock.group;
    if (clock.warned > 0) json["warned"] = clock.warned;
    if (clock.ended) json["end"] = clock.end;
    if (clock.timer_warns) json["timer_warns"] = true;
    return json;
}

SlaClock clock_from(SlaMetric metric, const Json& json) {
    SlaClock clock;
    clock.metric = metric;
    const auto number = [&](const char* name) -> std::optional<std::int64_t> {
        const auto found = json.find(name);
        if (found == json.end() || !found->is_number_integer()) return std::nullopt;
        return found->get<std::int64_t>();
    };
    const auto instant = [&](const char* name) {
        const auto value = number(name);
        return value ? std::optional(engine::instant_of(*value)) : std::nullopt;
    };
    clock.policy = engine::text_or(json, "policy", "");
    clock.started = instant("started").value_or(Instant());
    clock.used = Duration(number("used").value_or(0));
    clock.target = Duration(number("target").value_or(0));
    clock.since = instant("since");
    clock.due = instant("due");
    clock.breached = instant("breached");
    clock.ended = instant("ended");
    clock.timer = instant("timer");
    clock.stood = instant("stood");
    clock.lost = json.contains("lost");
    clock.calendar = engine::text_or(json, "calendar", "");
    clock.group = engine::text_or(json, "group", "");
    clock.warned = static_cast<int>(number("warned").value_or(0));
    clock.end = engine::text_or(json, "end", "");
    clock.timer_warns = json.contains("timer_warns");
    return clock;
}

}  // namespace

Json to_json(const SlaState& state) {
    Json json = Json::object();
    for (const auto& [metric, clock] : state.clocks)
        json["clocks"][std::string(name_of(metric))] = clock_json(clock);
    if (state.answered) json["answered"] = true;
    return json;
}

SlaState sla_state_from(const Json& json) {
    SlaState state;
    if (!json.is_object()) return state;
    state.answered = json.contains("answered");
    if (const auto clocks = json.find("clocks"); clocks != json.end() && clocks->is_object())
        for (const auto& [name, clock] : clocks->items())
            if (const auto metric = parse_sla_metric(name); metric && clock.is_object())
                state.clocks[*metric] = clock_from(*metric, clock);
    return state;
}

Json sla_view(const SlaState& state, const Calendars& calendars, Instant now) {
    Json view = Json::object();
    for (const auto& [metric, clock] : state.clocks) {
        const auto used = used_at(clock, calendars, now);
        auto& one = view[std::string(name_of(metric))];
        one = Json{{"state", state_of(clock)},
                   {"started_at", engine::to_text(clock.started)},
                   {"used_seconds", seconds_of(used)},
                   {"target_seconds", seconds_of(clock.target)},
                   {"remaining_seconds", seconds_of(clock.target - used)},
                   {"breached", clock.breached.has_value()}};
        if (clock.due) one["due_at"] = engine::to_text(*clock.due);
        if (clock.breached) one["breached_at"] = engine::to_text(*clock.breached);
        if (clock.ended) one["ended_at"] = engine::to_text(*clock.ended);
        if (!clock.ended) view["policy"] = clock.policy;
    }
    return view;
}

SlaOutcome pass_time(const RuleSet& rule_set, SlaState& state, Instant at, std::string_view timer) {
    SlaOutcome outcome;
    for (auto& [metric, clock] : state.clocks) {
        const bool is_own = timer == sla_timer_name(metric);
        const bool warns = is_own && clock.timer_warns;
        if (is_own) {
            clock.timer.reset();
            clock.timer_warns = false;
        }
        if (!clock.since || clock.breached || clock.ended || !clock.due) continue;
        if (*clock.due < at || (is_own && !warns && *clock.due <= at)) {
            auto change = change_of(clock, "breached", *clock.due, rule_set.calendars);
            change.emitted = !is_own || warns;
            clock.breached = clock.due;
            outcome.changes.push_back(std::move(change));
        } else if (warns) {
            ++clock.warned;
            auto change = change_of(clock, "warning", at, rule_set.calendars);
            change.emitted = false;
            outcome.changes.push_back(std::move(change));
        } else if (clock.timer_warns && clock.timer && *clock.timer < at) {
            // What happened later is decided before its timer fires.
            ++clock.warned;
            outcome.changes.push_back(change_of(clock, "warning", *clock.timer, rule_set.calendars));
        }
    }
    return outcome;
}

SlaOutcome follow(const RuleSet& rule_set, SlaState& state, const SlaMoment& moment) {
    return Follower(rule_set, state, moment).run();
}

std::string sla_timer_name(SlaMetric metric) {
    return "sla:" + std::string(name_of(metric));
}

}  // namespace rules
