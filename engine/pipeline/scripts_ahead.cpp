#include "engine/pipeline/scripts_ahead.h"

#include <algorithm>
#include <optional>

namespace engine {
namespace {

using rules::ScriptCall;
using rules::ScriptOutcome;

/// Enough to share the way, and few enough that there is soon something to do while they run.
constexpr std::size_t part_events_max = 16;
/// How many scripts of one event are run ahead, one after another.
constexpr std::size_t looks_max = 4;
constexpr int surety_max = 8;
constexpr int surety_to_look = 4;
/// Of a run that is worth it: some milliseconds. What takes longer gains nothing, and all that go together
/// would keep everybody else waiting.
constexpr std::uint64_t fuel_max = 200'000;
constexpr std::size_t barred_for = 10'000;
/// How many are taken from what was run ahead before it is seen again how long one is waited for.
constexpr std::size_t met_max = 1024;
/// Events bring whatever types they like.
constexpr std::size_t habits_max = 4096;

std::pair<std::string, std::string> lane_of(const Event& event) {
    return {event.tenant.text(), event.subject.text()};
}

}  // namespace

/// Some events on their way, part by part: while a part is decided, what the next one asks is under way.
class ScriptsAhead::Turn {
public:
    Turn(ScriptsAhead& ahead, const std::vector<const Event*>& events, const Each& foresee,
         const Each& decide)
        : ahead_(ahead),
          events_(events),
          foresee_(foresee),
          decide_(decide),
          part_size_(std::min(ahead.host_->together_max(), part_events_max)),
          seen_(events.size()) {}

    Result<void> run() {
        auto part = part_from(0);
        auto questions = look(part);
        ahead_.run_together(take(questions), [&] { next_ = look(part_from(part.end)); });
        while (part.begin < part.end && !error_) {
            look_again(questions);
            auto next = part_from(part.end);
            questions = std::move(next_);
            ahead_.run_together(take(questions), [&] {
                decide(part);
                if (!error_) next_ = look(part_from(next.end));
            });
            part = next;
        }
        return error_ ? Result<void>(*error_) : Result<void>();
    }

private:
    Part part_from(std::size_t begin) const { return {begin, std::min(begin + part_size_, events_.size())}; }

    /// The calls alone: who made them is looked at again.
    static Questions take(Questions& questions) { return {std::exchange(questions.calls, {}), {}}; }

    /// What the first event of each lane asks, as far as nothing before it in the lane is to be decided yet.
    Questions look(Part part) {
        Questions questions;
        std::swap(lanes_before_, lanes_);
        lanes_.clear();
        for (auto i = part.begin; i < part.end && !error_; ++i) {
            const auto& event = *events_[i];
            const auto [lane, is_new] = lanes_.insert(lane_of(event));
            const bool is_first = is_new && !lanes_before_.contains(*lane);
            if (is_first && ahead_.looks_worth(event) > 0) foresee(i, questions);
        }
        return questions;
    }

    void foresee(std::size_t event, Questions& questions) {
        const auto begin = ahead_.now_();
        const auto calls_before = questions.events.size();
        ahead_.looking_ = &questions;
        if (auto done = foresee_(event); !done) error_ = done.error();
        ahead_.looking_ = nullptr;
        if (questions.events.size() == calls_before) return;
        questions.events.back() = event;
        ++seen_[event].looks;
        seen_[event].looking += ahead_.now_() - begin;
    }

    /// With what is known now they come to ask the next one.
    void look_again(Questions& questions) {
        for (std::size_t looks = 1; looks < looks_max && !questions.events.empty() && !error_; ++looks) {
            Questions more;
            for (const auto event : questions.events)
                if (!error_ && ahead_.looks_worth(*events_[event]) > looks) foresee(event, more);
            questions = std::move(more);
            ahead_.run_together(take(questions), {});
        }
    }

    void decide(Part part) {
        for (auto i = part.begin; i < part.end && !error_; ++i) {
            ahead_.deciding_ = &seen_[i];
            if (auto done = decide_(i); !done) error_ = done.error();
            ahead_.deciding_ = nullptr;
            ahead_.learn(*events_[i], seen_[i]);
        }
    }

    ScriptsAhead& ahead_;
    const std::vector<const Event*>& events_;
    const Each& foresee_;
    const Each& decide_;
    std::size_t part_size_;
    std::vector<Seen> seen_;
    std::set<std::pair<std::string, std::string>> lanes_;  ///< of the part looked at last
    std::set<std::pair<std::string, std::string>> lanes_before_;
    Questions next_;
    std::optional<Error> error_;
};

Result<void> ScriptsAhead::decide_all(rules::ScriptHost& host, const std::vector<const Event*>& events,
                                      const Each& foresee, const Each& decide) {
    host_ = &host;
    const bool is_worth_it = events.size() > 1 && host.together_max() > 1;
    const Each nothing = [](std::size_t) { return Result<void>(); };
    auto done = Turn(*this, events, is_worth_it ? foresee : nothing, decide).run();
    forget();
    return done;
}

void ScriptsAhead::forget() {
    host_ = nullptr;
    known_.clear();
}

std::vector<Diagnostic> ScriptsAhead::load(const Scripts& scripts) {
    return host_->load(scripts);
}

ScriptOutcome ScriptsAhead::run(const Scripts& scripts, const ScriptCall& call) {
    const auto* before = known(scripts, call);
    if (looking_ != nullptr) {
        if (before != nullptr) return before->outcome;
        note(scripts, call);
        ScriptOutcome unknown;
        unknown.need.emplace();
        return unknown;
    }
    ++deciding_->asked;
    if (before != nullptr) {
        ++deciding_->met;
        ++counts_.used;
        return before->outcome;
    }
    const auto begin = now_();
    auto outcome = host_->run(scripts, call);
    deciding_->waited += now_() - begin;
    bar_if_dear(scripts, outcome);
    return outcome;
}

void ScriptsAhead::note(const Scripts& scripts, const ScriptCall& call) {
    looking_->calls[scripts].push_back(call);
    looking_->events.push_back(0);
}

const ScriptsAhead::Known* ScriptsAhead::known(const Scripts& scripts, const ScriptCall& call) const {
    const auto [first, last] = known_.equal_range(call.seed);
    const auto found = std::find_if(first, last, [&](const auto& one) {
        return one.second.scripts == scripts && one.second.call == call;
    });
    return found == last ? nullptr : &found->second;
}

/// What is known by then is for events that are decided meanwhile, or were: what comes now is for the next.
void ScriptsAhead::run_together(Questions questions, const std::function<void()>& meanwhile) {
    std::multimap<std::string, Known> found;
    auto left = questions.calls.size();
    if (left == 0 && meanwhile) meanwhile();
    for (auto& [scripts, calls] : questions.calls) {
        auto outcomes = host_->run_all(scripts, calls, --left == 0 ? meanwhile : std::function<void()>());
        counts_.runs += outcomes.size();
        for (const auto& outcome : outcomes) bar_if_dear(scripts, outcome);
        for (std::size_t i = 0; i < calls.size(); ++i) {
            auto seed = calls[i].seed;
            found.emplace(std::move(seed), Known{scripts, std::move(calls[i]), std::move(outcomes[i])});
        }
    }
    if (meanwhile) known_.clear();
    known_.merge(found);
}

void ScriptsAhead::bar_if_dear(const Scripts& scripts, const ScriptOutcome& outcome) {
    const bool was_stopped = outcome.failure && (outcome.failure->lost || !outcome.failure->limit.empty());
    if (outcome.fuel_used > fuel_max || was_stopped) barred_[scripts->tenant] = barred_for;
}

std::size_t ScriptsAhead::looks_worth(const Event& event) const {
    if (!barred_.empty() && barred_.contains(event.tenant.text())) return 0;
    const auto found = habits_.find({event.tenant.text(), event.type});
    if (found == habits_.end()) return 0;
    const auto& habit = found->second;
    // A run that goes with others is waited for, too, but for about a third as long.
    const bool is_cheaper = 3 * habit.look < 2 * habit.run;
    if (habit.surety < surety_to_look || !is_cheaper || habit.met >= met_max) return 0;
    return std::max<std::size_t>(habit.runs, 1);
}

/// Looking in vain costs as much as looking with success saves.
void ScriptsAhead::learn(const Event& event, const Seen& seen) {
    if (const auto barred = barred_.find(event.tenant.text());
        barred != barred_.end() && --barred->second == 0)
        barred_.erase(barred);
    if (habits_.size() >= habits_max) habits_.clear();
    auto& habit = habits_[{event.tenant.text(), event.type}];
    if (seen.looks > 0 && seen.met == 0)
        habit.surety -= surety_to_look;
    else
        habit.surety += seen.asked > 0 ? 1 : -1;
    habit.surety = std::clamp(habit.surety, 0, surety_max);
    habit.runs = seen.asked;
    // Over several, so that one that was kept from its processor does not count for much.
    const auto follow = [](Clock::duration& mean, Clock::duration one) {
        mean = mean == Clock::duration() ? one : mean + (one - mean) / 8;
    };
    if (seen.looks > 0)
        follow(habit.look, seen.looking / seen.looks);
    else
        habit.look -= habit.look / 1024;  // it may be dear no more
    const auto waited_for = seen.asked - seen.met;
    if (waited_for > 0) follow(habit.run, seen.waited / waited_for);
    habit.met = waited_for > 0 ? 0 : habit.met + seen.met;
}

}  // namespace engine
