#include "engine/pipeline/replayer.h"

#include <algorithm>
#include <utility>

#include "engine/pipeline/activation.h"

namespace engine {
namespace {

constexpr std::size_t batch_events = 256;

WorkerOptions replay_options(std::shared_ptr<AnswerSource> answers) {
    WorkerOptions options;
    options.answers = answers ? std::move(answers) : std::make_shared<GivenAnswers>();
    options.deliver = false;
    options.batch_events_max = batch_events;
    options.urgent_turns_max = 0;  // the stream's order is the order
    return options;
}

}  // namespace

Replayer::Replayer(Store& store, std::shared_ptr<const Tenant> tenant, Each each,
                   std::shared_ptr<AnswerSource> answers)
    : store_(store),
      tenant_(std::move(tenant)),
      each_(std::move(each)),
      worker_(store, Tenants{{tenant_->name, tenant_}}, replay_options(std::move(answers)),
              [this](const Event& event, const Decision& decision) { made_.emplace_back(event, decision); }) {
}

Result<void> Replayer::start(std::optional<Instant> clock) {
    if (clock) now_ = *clock;
    started_ = clock.has_value();
    if (auto started = worker_.start(now_); !started) return started.error();
    if (auto marked = store_.mark_simulated(); !marked) return marked.error();
    // Without its rule set a kept decision could not be explained.
    if (const auto done = activate(store_, *tenant_, {}, now_); !done) return done.error();
    return started_ ? begin_schedules() : Result<void>();
}

/// Once it is known when time begins.
Result<void> Replayer::begin_schedules() {
    if (auto begun = worker_.begin_schedules(tenant_->name, now_); !begun) return begun;
    while (worker_.intake_size() > 0)
        if (!worker_.turn_intake(now_)) return unavailable("the store does not take commits");
    for (auto& [event, decision] : std::exchange(made_, {})) each_(event, decision);
    return {};
}

Result<void> Replayer::take(Event event) {
    const auto time = event.time.value_or(now_);
    if (!started_ || time > now_) {
        if (auto done = decide_instant(); !done) return done.error();
        if (started_)
            if (auto fired = fire_before(time); !fired) return fired;
        now_ = time;
        if (!std::exchange(started_, true))
            if (auto begun = begin_schedules(); !begun) return begun;
    }
    event.received = now_;
    instant_.push_back(std::move(event));
    return instant_.size() >= batch_events ? decide_intake() : Result<void>();
}

Result<void> Replayer::finish(std::optional<Instant> until) {
    if (auto done = decide_instant(); !done) return done;
    // They would come for ever.
    if (!until) worker_.let_schedules_rest();
    return fire_before(until.value_or(now_ + run_on_max) + Duration(1));
}

/// Everything of the present instant but its timers: more of its events may come.
Result<void> Replayer::decide_instant() {
    if (auto done = decide_intake(); !done) return done.error();
    return decide_pending();
}

Result<void> Replayer::fire_before(Instant instant) {
    while (worker_.has_timers(instant - Duration(1))) {
        // Which are due may have to be read first.
        now_ = std::max(now_, worker_.next_timer().value_or(now_));
        if (auto fired = fire_now(); !fired) return fired;
    }
    return {};
}

/// Those that were set meanwhile for this instant come after what the others emitted.
Result<void> Replayer::fire_now() {
    auto left = worker_.due_timers(now_);
    do {
        const auto before = worker_.due_timers(now_);
        if (!worker_.turn_timers(now_)) return unavailable("the store does not take commits");
        // Of those that were read only now all may be due.
        left = before == 0 ? worker_.due_timers(now_) : left - std::min<std::size_t>(left, made_.size());
        for (auto& [event, decision] : std::exchange(made_, {})) each_(event, decision);
    } while (left > 0);
    return decide_pending();
}

Result<void> Replayer::decide_pending() {
    while (worker_.has_pending()) {
        if (!worker_.turn_pending(now_)) return unavailable("the store does not take commits");
        for (auto& [event, decision] : std::exchange(made_, {})) each_(event, decision);
    }
    return {};
}

Result<void> Replayer::decide_intake() {
    if (instant_.empty()) return {};
    auto events = std::exchange(instant_, {});
    std::vector<Ack> acks;
    worker_.submit(events, [&acks](std::vector<Ack> done) { acks = std::move(done); });
    while (acks.empty())
        if (!worker_.turn_intake(now_) && acks.empty()) return unavailable("the store does not take commits");
    for (const auto& ack : acks)
        if (ack.kind == Ack::Kind::unavailable || ack.kind == Ack::Kind::overloaded)
            return unavailable("event " + ack.id.text() + ": " + ack.detail);
    note_acks(events, acks);
    return {};
}

/// Duplicates stand where they came, between the decisions of the others.
void Replayer::note_acks(const std::vector<Event>& events, const std::vector<Ack>& acks) {
    for (std::size_t i = 0; i < acks.size(); ++i) {
        if (acks[i].pending) {
            ++waiting_;
        } else if (acks[i].kind == Ack::Kind::accepted) {
            each_(made_.front().first, made_.front().second);
            made_.pop_front();
        } else {
            Decision decision;
            decision.event_id = events[i].id;
            decision.event_type = events[i].type;
            decision.subject = events[i].subject;
            decision.event_time = events[i].occurred();
            decision.ruleset = tenant_->rule_set->version;
            decision.outcome = Outcome::duplicate;
            if (acks[i].kind == Ack::Kind::clash) decision.notes.push_back(acks[i].detail);
            decision.now = now_;
            each_(events[i], decision);
        }
    }
}

}  // namespace engine
