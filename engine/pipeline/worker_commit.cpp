// Turns from their planning to the end of their commit.

#include <algorithm>
#include <utility>

#include "engine/base/failpoint.h"
#include "engine/base/log.h"
#include "engine/pipeline/pages.h"
#include "engine/pipeline/schedules.h"
#include "engine/pipeline/timers.h"
#include "engine/pipeline/worker.h"

namespace engine {
namespace {

constexpr auto tending_every = std::chrono::hours(1);
constexpr auto tending_again = std::chrono::minutes(1);  ///< after a failure

const char* attempt_label(Settlement::Kind kind) {
    if (kind == Settlement::Kind::done) return "done";
    return kind == Settlement::Kind::retry ? "retry" : "failed";
}

template <class List>
void put_first(std::deque<typename List::value_type>& queue, List& items) {
    queue.insert(queue.begin(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
    items.clear();
}

template <class List>
void put_last(List& list, List& items) {
    list.insert(list.end(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
    items.clear();
}

/// What is decided next must see only what a batch shows: its entities, known events and continuations.
bool may_be_built_on(const Batch& batch) {
    // What waits behind an answered event is read from the store as soon as that is decided.
    return batch.answered().empty() &&
           std::all_of(batch.steps().begin(), batch.steps().end(), [](const Step& step) {
               return step.lanes_blocked.empty() && step.lanes_released.empty();
           });
}

void wait_behind(AskingLane& lane) {
    lane.has_more = true;
    ++lane.waiting;
}

/// The event waits in memory already: what is new is that it stands in the journal.
bool is_journaled_only(const Step& step, const PendingEvent& pending) {
    const auto& removed = step.pending_removed;
    return pending.kind == pending_kind::event &&
           std::find(removed.begin(), removed.end(), std::pair(pending.partition, pending.place)) !=
               removed.end();
}

}  // namespace

void Worker::Turn::append(Turn&& more) {
    now = more.now;
    put_last(answers, more.answers);
    put_last(commands, more.commands);
    put_last(timers, more.timers);
    put_last(pending, more.pending);
    put_last(incoming, more.incoming);
    put_last(acks, more.acks);
    put_last(replies, more.replies);
}

/// Waits for what could not be built on or added to, before anything is taken: what is taken later stands
/// behind what a failure puts back.
bool Worker::make_way() {
    if (fatal_) return true;
    // Commands ask about, and change, what only the store knows.
    if (!commands_.empty() || must_read_timers()) {
        if (!settle_commits()) return false;
        if (must_read_timers())
            if (const auto read = read_timers(); !read) {
                log_warn("timers cannot be read", {{"reason", read.error().message}});
                refused_ = true;
                note_if_fatal(read.error());
                return false;
            }
        return true;
    }
    if (advance() == Advanced::failed) return false;
    const bool must_wait = under_way_ && (is_full() || !may_be_built_on(*under_way_->batch));
    if (must_wait && wait_for_commit() == Advanced::failed) return false;
    return !is_full() || start_open() != Advanced::failed;
}

bool Worker::run(Turn turn) {
    if (fatal_) return failed(std::move(turn), *fatal_);
    if (!turn.empty() && add(std::move(turn)) == Advanced::failed) return false;
    return advance() != Advanced::failed;
}

/// Plans the turn at the end of the open batch.
Worker::Advanced Worker::add(Turn turn) {
    if (!open_) open_ = Planned{Turn(), new_batch()};
    open_->batch->set_now(turn.now);
    const auto decided = decide(turn, *open_->batch);
    pass(Failpoint::turn_decided);
    open_->turn.append(std::move(turn));
    if (decided) {
        apply_waiting(*open_);
        return Advanced::fine;
    }
    // What was planned in part cannot be taken out of the batch again.
    if (const auto waited = wait_for_commit(); waited != Advanced::fine) return waited;
    auto planned = *std::exchange(open_, std::nullopt);
    undo(planned);
    return failed(std::move(planned.turn), decided.error()) ? Advanced::fine : Advanced::failed;
}

std::unique_ptr<Batch> Worker::new_batch() {
    return std::make_unique<Batch>(view_, tenants_, older_, lanes_, watched_,
                                   BatchOptions{{},
                                                options_.deliver,
                                                options_.lane_waiting_max,
                                                options_.erased_rows_max,
                                                options_.swept_entities_max,
                                                options_.answers.get(),
                                                options_.lookups_per_event_max,
                                                &ahead_},
                                   under_way_ ? under_way_->batch.get() : nullptr);
}

/// Concludes a commit that has ended, and commits what is open when nothing is under way.
Worker::Advanced Worker::advance() {
    if (under_way_ && committer_.ended())
        if (const auto concluded = wait_for_commit(); concluded != Advanced::fine) return concluded;
    if (open_ && !under_way_) return start_open();
    return Advanced::fine;
}

bool Worker::settle_commits() {
    while (!fatal_ && (under_way_ || open_)) {
        const auto settled = under_way_ ? wait_for_commit() : start_open();
        if (settled == Advanced::failed) return false;
    }
    return !fatal_;
}

/// A single step that nothing waits behind is done sooner without the other thread.
Worker::Advanced Worker::start_open() {
    auto planned = *std::exchange(open_, std::nullopt);
    const auto& steps = planned.batch->steps();
    const bool overlaps =
        &view_ != &store_ && planned.turn.commands.empty() && (steps.size() > 1 || has_input());
    if (!overlaps || steps.empty()) {
        const auto committed = committer_.commit(steps);
        return conclude(std::move(planned), committed);
    }
    under_way_ = std::move(planned);
    committer_.start(under_way_->batch->steps());
    return Advanced::fine;
}

/// What was decided on top of a commit that failed goes back behind it.
Worker::Advanced Worker::wait_for_commit() {
    if (!under_way_) return Advanced::fine;
    const auto committed = committer_.wait();
    auto planned = *std::exchange(under_way_, std::nullopt);
    if (open_) open_->batch->forget_before();
    if (!committed.outcome && open_) {
        auto on_top = *std::exchange(open_, std::nullopt);
        undo(on_top);
        put_back(std::move(on_top.turn));
    }
    return conclude(std::move(planned), committed);
}

Worker::Advanced Worker::conclude(Planned planned, const Committed& committed) {
    if (committed.outcome) {
        if (!planned.batch->steps().empty()) {
            counts_.commit_times.add(committed.took);
            ++counts_.commits;
            refused_ = false;
            last_commit_ = committed.began;
        }
        pass(Failpoint::commit_concluded);
        finish(planned.turn, *planned.batch);
        return Advanced::fine;
    }
    undo(planned);
    const auto& error = committed.outcome.error();
    const bool fine = error.code == Code::conflict ? run_one_by_one(std::move(planned.turn))
                                                   : failed(std::move(planned.turn), error);
    return fine ? Advanced::decided_again : Advanced::failed;
}

/// Into the places they were taken from.
void Worker::put_back(Turn turn) {
    put_first(settled_, turn.answers);
    put_first(commands_, turn.commands);
    timers_changed_ = timers_changed_ || !turn.timers.empty();
    put_first(pending_, turn.pending);
    put_back_incoming(turn.incoming);
}

/// Before the commit, so that the next turn takes what flowed back; `undo` takes it away again.
void Worker::apply_waiting(Planned& planned) {
    const auto& steps = planned.batch->steps();
    for (; planned.applied < steps.size(); ++planned.applied) {
        const auto& step = steps[planned.applied];
        for (const auto& lane : step.lanes_blocked)
            lanes_.blocked[Lanes::key_of(lane.tenant, lane.subject)] = lane;
        for (const auto& pending : step.pending_added) {
            const auto key = Lanes::key_of(pending.event);
            const auto asking = lanes_.asking.find(key);
            if (const auto blocked = lanes_.blocked.find(key); blocked != lanes_.blocked.end())
                ++blocked->second.waiting;
            else if (asking == lanes_.asking.end())
                pending_.push_back(pending);
            else if (asking->second.pending.place != pending.place)
                wait_behind(asking->second);
        }
    }
    planned.batch->count_no_waiting();
}

/// What waits in memory is again what waits in the store: what the batch let flow back is gone, whether it
/// waits or was decided in the same batch.
void Worker::undo(Planned& planned) {
    forget_watched();
    // A retry has the place of the one before it.
    std::set<std::tuple<int, std::uint64_t, std::string>> added;
    const auto key_of = [](const PendingEvent& one) {
        return std::tuple(one.partition, one.place, one.event.id.text());
    };
    const auto steps = std::span(planned.batch->steps()).first(planned.applied);
    for (const auto& step : steps) {
        for (const auto& pending : step.pending_added) {
            if (!is_journaled_only(step, pending)) added.insert(key_of(pending));
            const auto key = Lanes::key_of(pending.event);
            const auto asking = lanes_.asking.find(key);
            if (const auto blocked = lanes_.blocked.find(key); blocked != lanes_.blocked.end())
                --blocked->second.waiting;
            else if (asking != lanes_.asking.end() && asking->second.pending.place != pending.place)
                --asking->second.waiting;
        }
    }
    planned.batch->undo_asking();
    for (const auto& step : steps)
        for (const auto& lane : step.lanes_blocked)
            lanes_.blocked.erase(Lanes::key_of(lane.tenant, lane.subject));
    const auto is_added = [&](const PendingEvent& one) { return added.contains(key_of(one)); };
    std::erase_if(pending_, is_added);
    std::erase_if(planned.turn.pending, is_added);
}

Result<void> Worker::decide(Turn& turn, Batch& batch) {
    if (auto begun = view_.begin_reading(); !begun) return begun;
    auto done = read_watched(turn.now);
    if (done) done = expect(turn);
    if (done) done = plan(turn, batch);
    view_.end_reading();
    return done;
}

/// What is decided and not committed comes on top; what the store shows of it already is told again.
Result<void> Worker::read_watched(Instant now) {
    for (auto& [name, board] : watched_) board.forget_before(now - watched_late_max);
    if (is_watched_read_) return {};
    for (const auto& [name, tenant] : tenants_) {
        if (watched_.contains(name) || !looks_at_others(*tenant->rule_set)) continue;
        auto board = Watched::read(view_, name, now, options_.watched_max);
        if (!board) return board.error();
        for (const auto* planned : {&under_way_, &open_}) {
            if (!*planned) continue;
            for (const auto& step : (*planned)->batch->steps())
                for (const auto& entity : step.entities)
                    if (entity.tenant == name) board->changed(entity);
        }
        for (const auto& [key, lane] : lanes_.blocked)
            if (lane.tenant == name) board->held_up(lane.subject);
        watched_.emplace(name, *std::move(board));
    }
    is_watched_read_ = true;
    return {};
}

/// What is on it was decided on and will not be: it is read again before anything else is decided.
void Worker::forget_watched() {
    watched_.clear();
    is_watched_read_ = false;
}

Result<void> Worker::expect(const Turn& turn) {
    std::vector<EventKey> events;
    std::vector<EntityKey> entities;
    const auto add = [&](const Event& event) {
        events.push_back({event.tenant, event.source, event.id});
        entities.push_back({event.tenant, event.subject});
    };
    for (const auto& pending : turn.pending) add(pending.event);
    for (const auto& timer : turn.timers) add(fired_event(timer, turn.now));
    for (const auto& incoming : turn.incoming) add(*incoming.arrival.event);
    return view_.expect(events, entities);
}

Result<void> Worker::plan(Turn& turn, Batch& batch) {
    for (const auto& answer : turn.answers)
        if (auto done = batch.settle(*answer.settlement, answer.attempt); !done) return done.error();
    for (const auto& command : turn.commands) {
        auto reply = batch.perform(command.request);
        if (!reply && reply.error().code == Code::unavailable) return reply.error();
        turn.replies.push_back(std::move(reply));
    }
    return decide_events(turn, batch);
}

/// Null when no tenant of the turn has scripts that could.
rules::ScriptHost* Worker::host_that_runs_ahead(const Turn& turn) const {
    const auto host_of = [this](const TenantName& name) -> rules::ScriptHost* {
        const auto found = tenants_.find(name);
        const bool has_scripts = found != tenants_.end() && found->second->rule_set->scripts;
        return has_scripts ? found->second->scripts.get() : nullptr;
    };
    for (const auto& incoming : turn.incoming)
        if (auto* host = host_of(incoming.arrival.event->tenant)) return host;
    for (const auto& pending : turn.pending)
        if (auto* host = host_of(pending.event.tenant)) return host;
    for (const auto& timer : turn.timers)
        if (auto* host = host_of(timer.tenant)) return host;
    return nullptr;
}

Result<void> Worker::decide_events(Turn& turn, Batch& batch) {
    const auto tenant_of = [&](std::size_t i) -> const TenantName& {
        return turn.at(
            i, [](const PendingEvent& pending) -> const TenantName& { return pending.event.tenant; },
            [](const Timer& timer) -> const TenantName& { return timer.tenant; },
            [](const Incoming& incoming) -> const TenantName& { return incoming.arrival.event->tenant; });
    };
    const auto admit = [&](const Incoming& incoming) -> Result<void> {
        auto ack = batch.admit(incoming.arrival);
        if (!ack) return ack.error();
        turn.acks.push_back(std::move(*ack));
        return {};
    };
    const auto decide_one = [&](std::size_t i) {
        // A timer behind a blocked lane stays in the store until the lane is released.
        return turn.at(
            i, [&](const PendingEvent& pending) { return batch.decide(pending); },
            [&](const Timer& timer) { return batch.fire(timer); }, admit);
    };
    std::vector<bool> is_put_off(turn.events());
    const ScriptsAhead::Each decide = [&](std::size_t i) -> Result<void> {
        if (!shares_.limits()) return decide_one(i);
        is_put_off[i] = !shares_.has_time(tenant_of(i));
        if (is_put_off[i]) return {};
        const auto begin = std::chrono::steady_clock::now();
        auto done = decide_one(i);
        shares_.took(tenant_of(i), std::chrono::steady_clock::now() - begin);
        return done;
    };
    auto done = decide_in_order(turn, batch, decide);
    shares_.end();
    if (done) put_off(turn, is_put_off);
    return done;
}

/// Back to where they were taken from, before what was not taken.
void Worker::put_off(Turn& turn, const std::vector<bool>& is_put_off) {
    if (std::none_of(is_put_off.begin(), is_put_off.end(), [](bool one) { return one; })) return;
    Turn off, on;
    std::size_t i = 0;
    for (auto& item : turn.pending) (is_put_off[i++] ? off : on).pending.push_back(std::move(item));
    for (auto& item : turn.timers) (is_put_off[i++] ? off : on).timers.push_back(std::move(item));
    for (auto& item : turn.incoming) (is_put_off[i++] ? off : on).incoming.push_back(std::move(item));
    turn.pending = std::move(on.pending);
    turn.timers = std::move(on.timers);
    turn.incoming = std::move(on.incoming);
    put_first(pending_, off.pending);
    for (const auto& timer : off.timers) timers_.set(timer);
    put_back_incoming(off.incoming);
}

void Worker::put_back_incoming(std::vector<Incoming>& incoming) {
    for (const auto& one : incoming) ++intake_of_[one.arrival.event->tenant];
    put_first(intake_, incoming);
}

/// With the scripts of what comes next run ahead, when there are any.
Result<void> Worker::decide_in_order(const Turn& turn, Batch& batch, const ScriptsAhead::Each& decide) {
    const auto count = turn.events();
    auto* host = host_that_runs_ahead(turn);
    if (host == nullptr) {
        for (std::size_t i = 0; i < count; ++i)
            if (auto done = decide(i); !done) return done;
        return {};
    }
    std::vector<Event> fired;
    fired.reserve(turn.timers.size());
    std::vector<const Event*> events;
    events.reserve(count);
    for (const auto& pending : turn.pending) events.push_back(&pending.event);
    for (const auto& timer : turn.timers) events.push_back(&fired.emplace_back(fired_event(timer, turn.now)));
    for (const auto& incoming : turn.incoming) events.push_back(incoming.arrival.event.get());
    const ScriptsAhead::Each foresee = [&](std::size_t i) {
        return turn.at(
            i, [&](const PendingEvent& pending) { return batch.foresee(pending); },
            [&](const Timer& timer) { return batch.foresee(timer); },
            [&](const Incoming& incoming) { return batch.foresee(incoming.arrival); });
    };
    return ahead_.decide_all(*host, events, foresee, decide);
}

/// Keeps what was accepted for the next turn; what was not is told so.
bool Worker::failed(Turn turn, const Error& error) {
    ++counts_.commit_failures;
    refused_ = true;
    note_if_fatal(error);
    put_first(settled_, turn.answers);
    put_first(pending_, turn.pending);
    // What was decided since may have moved or ended them.
    timers_changed_ = timers_changed_ || !turn.timers.empty();
    for (const auto& command : turn.commands) command.done(error);
    for (const auto& incoming : turn.incoming)
        answer(incoming, {Ack::Kind::unavailable, incoming.arrival.event->id, false, error.message});
    return false;
}

void Worker::note_if_fatal(const Error& error) {
    if (error.code == Code::unavailable || fatal_) return;
    fatal_ = error;
    log_error("the store's state is in doubt", {{"reason", error.message}});
}

/// Senders that are told to stay away bring no commit that could show that the store is well again.
bool Worker::store_takes_commits() {
    if (under_way_ || fatal_ || (!refused_ && !is_lease_due())) return !refused_;
    const auto began = std::chrono::steady_clock::now();
    const auto probed = store_.probe();
    if (!probed) note_if_fatal(probed.error());
    refused_ = !probed;
    if (probed) last_commit_ = began;
    return !refused_;
}

/// When a third of the lease is gone there is time for two more tries.
bool Worker::is_lease_due() const {
    const auto lease = store_.info().lease;
    return lease && std::chrono::steady_clock::now() - last_commit_ > *lease / 3;
}

std::optional<std::chrono::steady_clock::time_point> Worker::owns_until() const {
    const auto lease = store_.info().lease;
    if (!lease) return std::nullopt;
    return last_commit_ + *lease;
}

bool Worker::surely_owns() {
    const auto until = owns_until();
    if (!until || std::chrono::steady_clock::now() < *until) return true;
    return !under_way_ && store_takes_commits();
}

void Worker::tend(Instant now) {
    const auto moment = std::chrono::steady_clock::now();
    if (fatal_ || refused_ || moment < next_tending_ || !settle_commits()) return;
    const auto tended = store_.tend(now);
    next_tending_ = moment + (tended ? std::chrono::steady_clock::duration(tending_every) : tending_again);
    // Until then the store takes what comes where it can.
    if (!tended) log_warn("the store made no room ahead", {{"reason", tended.error().message}});
}

/// Some item of the turn contradicts the store: each has a commit of its own, so that only that one fails.
bool Worker::run_one_by_one(Turn turn) {
    const auto alone = [&](auto member, auto& item) {
        Turn one;
        one.now = turn.now;
        (one.*member).push_back(std::move(item));
        return run_alone(std::move(one));
    };
    bool fine = true;
    for (auto& item : turn.answers) fine = alone(&Turn::answers, item) && fine;
    for (auto& item : turn.commands) fine = alone(&Turn::commands, item) && fine;
    for (auto& item : turn.pending) fine = alone(&Turn::pending, item) && fine;
    for (auto& item : turn.timers) fine = (!is_there(item) || alone(&Turn::timers, item)) && fine;
    for (auto& item : turn.incoming) fine = alone(&Turn::incoming, item) && fine;
    return fine;
}

/// As it was when it was taken: what was committed alone before may have moved or ended it.
bool Worker::is_there(const Timer& timer) {
    const auto stored = store_.timers_of(timer.tenant, timer.subject);
    timers_changed_ = timers_changed_ || !stored;
    return stored && std::any_of(stored->begin(), stored->end(), [&](const Timer& one) {
               return one.name == timer.name && one.due == timer.due && one.body == timer.body;
           });
}

bool Worker::run_alone(Turn turn) {
    if (fatal_) return failed(std::move(turn), *fatal_);
    shares_.begin_for_all();
    Planned planned{Turn(), new_batch()};
    planned.batch->set_now(turn.now);
    auto decided = decide(turn, *planned.batch);
    if (decided) decided = committer_.commit(planned.batch->steps()).outcome;
    if (!decided) forget_watched();
    if (!decided) planned.batch->undo_asking();
    if (decided) {
        apply_waiting(planned);
        finish(turn, *planned.batch);
        return true;
    }
    if (decided.error().code != Code::conflict || turn.incoming.empty())
        return failed(std::move(turn), decided.error());
    const auto& incoming = turn.incoming.front();
    log_error("an event contradicts the store",
              {{"event", incoming.arrival.event->id.text()}, {"reason", decided.error().message}});
    answer(incoming, {Ack::Kind::unavailable, incoming.arrival.event->id, false, decided.error().message});
    return true;
}

void Worker::log_what_needs_people(const Turn& turn, const Batch& batch) {
    for (const auto& step : batch.steps())
        for (const auto& lane : step.lanes_blocked)
            log_error("a lane waits for an operator", {{"tenant", lane.tenant.text()},
                                                       {"subject", lane.subject.text()},
                                                       {"event", lane.event.text()},
                                                       {"reason", lane.reason}});
    for (const auto& answer : turn.answers) {
        if (answer.settlement->kind != Settlement::Kind::dead) continue;
        const auto& delivery = answer.settlement->delivery;
        log_error("an action was given up",
                  {{"tenant", delivery.tenant.text()},
                   {"subject", delivery.lane.text()},
                   {"event", delivery.event.text()},
                   {"action", delivery.action.connection + "." + delivery.action.action},
                   {"key", delivery.key.text()},
                   {"reason", answer.settlement->reason}});
    }
}

void Worker::finish(Turn& turn, const Batch& batch) {
    for (const auto& step : batch.steps()) apply(step, turn.now);
    for (const auto& step : batch.steps())
        for (const auto& lane : step.lanes_released) release(lane);
    for (const auto& key : batch.answered()) go_on(key);
    for (const auto& key : batch.asked()) {
        const auto& lane = lanes_.asking.at(key);
        lookups_.push_back({lane.pending.event.tenant, lane.pending.event.subject, lane.need});
    }
    if (options_.deliver) log_what_needs_people(turn, batch);
    for (const auto& answer : turn.answers) {
        ++counts_.attempts[attempt_label(answer.settlement->kind)];
        if (answer.settlement->kind == Settlement::Kind::dead) ++counts_.dead_letters;
        if (answer.settlement->kind != Settlement::Kind::retry) outbox_.forget(answer.settlement->delivery);
    }
    if (!turn.answers.empty()) pass(Failpoint::delivery_settled);
    for (const auto& made : batch.made()) {
        ++counts_.decisions[made.decision.outcome];
        if (options_.deliver) failures_.note(*made.event, made.decision, turn.now);
        if (listener_) listener_(*made.event, made.decision);
    }
    if (!batch.offers().empty()) submit(batch.offers(), [](const std::vector<Ack>&) {});
    if (!turn.commands.empty()) pass(Failpoint::command_performed);
    for (std::size_t i = 0; i < turn.commands.size(); ++i) turn.commands[i].done(std::move(turn.replies[i]));
    for (std::size_t i = 0; i < turn.incoming.size(); ++i) {
        counts_.duplicates += turn.acks[i].kind == Ack::Kind::duplicate ? 1 : 0;
        counts_.clashes += turn.acks[i].kind == Ack::Kind::clash ? 1 : 0;
        answer(turn.incoming[i], std::move(turn.acks[i]));
        pass(Failpoint::answer_given);
    }
}

void Worker::apply(const Step& step, Instant now) {
    for (const auto& delivery : step.outbox_added) {
        ++outbox_rows_;
        add_delivery(delivery, now);
    }
    outbox_rows_ -= step.outbox_removed.size();
    if (!schedules_rest_) return timers_.apply(step);
    // What recurs is in the store, and not to come any more.
    Step once = step;
    for (const auto& timer : step.timers_set)
        if (recurs(timer)) once.timers_removed.push_back(timer);
    std::erase_if(once.timers_set, recurs);
    timers_.apply(once);
}

/// What waited behind the lane is in the store, in the order of its places.
void Worker::release(const BlockedLane& lane) {
    lanes_.blocked.erase(Lanes::key_of(lane.tenant, lane.subject));
    read_lane(lane.tenant, lane.subject, lane.partition);
}

void Worker::read_lane(const TenantName& tenant, const Subject& subject, int partition) {
    const auto timers = store_.timers_of(tenant, subject);
    timers_changed_ = timers_changed_ || !timers;
    if (timers)
        for (const auto& timer : *timers) timers_.set(timer);
    const auto is_of_lane = [&](const PendingEvent& pending) {
        return pending.event.tenant == tenant && pending.event.subject == subject;
    };
    // A lane that stumbled again may have left some of it in memory.
    std::erase_if(pending_, is_of_lane);
    const auto read = for_each_pending(store_, partition, [&](PendingEvent&& pending) {
        if (is_of_lane(pending)) pending_.push_back(std::move(pending));
    });
    if (!read) fatal_ = read.error();
}

/// The event that asked is decided: those behind it have their turn, unless it has blocked the lane.
void Worker::go_on(const Lanes::Key& key) {
    const auto lane = std::move(lanes_.asking.extract(key).mapped());
    if (const auto blocked = lanes_.blocked.find(key); blocked != lanes_.blocked.end())
        blocked->second.waiting += lane.waiting;
    else if (lane.has_more)
        read_lane(lane.pending.event.tenant, lane.pending.event.subject, lane.pending.partition);
}

}  // namespace engine
