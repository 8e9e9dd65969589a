#include "engine/pipeline/worker.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/base/log.h"

namespace engine {
namespace {

constexpr std::size_t page_rows = 1'000;

Lanes::Key lane_of(const Event& event) {
    return {event.tenant.text(), event.subject.text()};
}

const char* attempt_label(Settlement::Kind kind) {
    if (kind == Settlement::Kind::done) return "done";
    return kind == Settlement::Kind::retry ? "retry" : "failed";
}

template <class List>
void put_first(std::deque<typename List::value_type>& queue, List& items) {
    queue.insert(queue.begin(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
    items.clear();
}

}  // namespace

Worker::Worker(Store& store, Tenants tenants, WorkerOptions options, Listener listener)
    : store_(store),
      tenants_(std::move(tenants)),
      options_(std::move(options)),
      listener_(std::move(listener)),
      outbox_(options_.outbox_memory_max) {}

std::shared_ptr<const Tenant> Worker::tenant(const TenantName& name) const {
    const auto found = tenants_.find(name);
    return found == tenants_.end() ? nullptr : found->second;
}

Result<void> Worker::start(Instant now) {
    static_cast<void>(now);
    if (auto owned = store_.own(); !owned) return owned.error();
    lanes_.partitions = store_.info().partitions;
    auto blocked = store_.blocked_lanes(TenantName());
    if (!blocked) return blocked.error();
    for (auto& lane : *blocked) lanes_.blocked[{lane.tenant.text(), lane.subject.text()}] = lane;
    auto rows = store_.outbox_size();
    if (!rows) return rows.error();
    outbox_rows_ = *rows;
    for (int partition = 0; partition < lanes_.partitions; ++partition) {
        auto counters = store_.counters(partition);
        if (!counters) return counters.error();
        lanes_.places[partition] = counters->first;
        lanes_.numbers[partition] = counters->second;
        if (auto read = read_pending(partition); !read) return read.error();
        if (outbox_rows_ > 0) outbox_.must_load(partition);
    }
    return refill();
}

Result<void> Worker::read_pending(int partition) {
    std::uint64_t after = 0;
    while (true) {
        auto page = store_.pending(partition, after, page_rows);
        if (!page) return page.error();
        for (auto& pending : *page) {
            after = pending.place;
            // What belongs to a tenant that is not served waits in the store until it is again.
            if (tenants_.contains(pending.event.tenant) && !lanes_.blocked.contains(lane_of(pending.event)))
                pending_.push_back(std::move(pending));
        }
        if (page->size() < page_rows) return {};
    }
}

Result<void> Worker::refill() {
    while (const auto more = outbox_.wants_more())
        if (auto read = read_deliveries(more->first, more->second); !read) return read.error();
    return {};
}

Result<void> Worker::read_deliveries(int partition, std::uint64_t after) {
    auto page = store_.outbox(partition, after, page_rows);
    if (!page) return page.error();
    outbox_.start_loading(partition);
    for (const auto& delivery : *page) add_delivery(delivery);
    outbox_.loaded(partition, page->size() < page_rows);
    return {};
}

void Worker::add_delivery(const Delivery& delivery) {
    if (tenants_.contains(delivery.tenant)) outbox_.add(delivery, channel_of(delivery));
}

ChannelOptions Worker::channel_of(const Delivery& delivery) const {
    auto options = options_.channel;
    const auto& connections = tenants_.at(delivery.tenant)->connections;
    const auto connection = connections.find(delivery.action.connection);
    if (connection == connections.end()) return options;
    options.concurrency = connection->second.concurrency;
    options.retry = connection->second.retry;
    return options;
}

void Worker::submit(std::vector<Event> events, Done done) {
    auto submission = std::make_shared<Submission>();
    submission->acks.resize(events.size());
    submission->open = events.size();
    submission->done = std::move(done);
    if (events.empty()) return submission->done({});
    std::string full;
    if (intake_.size() + events.size() > options_.intake_events_max) full = "intake_events_max is reached";
    if (outbox_rows_ >= options_.outbox_rows_max) full = "outbox_rows_max is reached";
    for (std::size_t i = 0; i < events.size(); ++i) {
        Incoming incoming{std::make_shared<const Event>(std::move(events[i])), submission, i};
        if (full.empty())
            intake_.push_back(std::move(incoming));
        else
            answer(incoming, {Ack::Kind::overloaded, incoming.event->id, false, full});
    }
}

void Worker::answer(const Incoming& incoming, Ack ack) {
    auto& submission = *incoming.submission;
    submission.acks[incoming.index] = std::move(ack);
    if (--submission.open == 0) submission.done(std::move(submission.acks));
}

void Worker::settled(int partition, std::uint64_t number, Attempt attempt) {
    settled_.push_back({partition, number, std::move(attempt), std::nullopt});
}

void Worker::command(Request request, std::function<void(Result<Json>)> done) {
    commands_.push_back({std::move(request), std::move(done)});
}

bool Worker::turn(Instant now) {
    Turn turn;
    turn.now = now;
    take_answers(turn);
    take_commands(turn);
    take_pending(turn);
    // What flowed back stands before what comes in now: intake has its turn when it is through.
    if (pending_.empty()) take_incoming(turn);
    return run(std::move(turn));
}

bool Worker::turn_intake(Instant now) {
    Turn turn;
    turn.now = now;
    take_incoming(turn);
    return run(std::move(turn));
}

bool Worker::turn_pending(Instant now) {
    Turn turn;
    turn.now = now;
    take_pending(turn);
    return run(std::move(turn));
}

void Worker::take_answers(Turn& turn) {
    for (auto& answer : settled_) {
        if (!answer.settlement)
            answer.settlement = outbox_.settle(answer.partition, answer.number, answer.attempt, turn.now);
        if (answer.settlement) turn.answers.push_back(std::move(answer));
    }
    settled_.clear();
}

void Worker::take_commands(Turn& turn) {
    for (auto& command : commands_) turn.commands.push_back(std::move(command));
    commands_.clear();
}

void Worker::take_pending(Turn& turn) {
    while (!pending_.empty() && turn.pending.size() < options_.batch_events_max) {
        turn.pending.push_back(std::move(pending_.front()));
        pending_.pop_front();
    }
}

std::set<Lanes::Key> Worker::urgent_lanes() const {
    std::set<Lanes::Key> lanes;
    for (const auto& incoming : intake_)
        if (incoming.event->urgent) lanes.insert(lane_of(*incoming.event));
    return lanes;
}

/// Whole lanes go first, so that order inside a lane never changes.
void Worker::take_incoming(Turn& turn) {
    const bool may_prefer = urgent_turns_ < options_.urgent_turns_max;
    const auto urgent = may_prefer ? urgent_lanes() : std::set<Lanes::Key>();
    std::deque<Incoming> left;
    if (!urgent.empty()) {
        for (auto& incoming : intake_) {
            const bool take =
                turn.incoming.size() < options_.batch_events_max && urgent.contains(lane_of(*incoming.event));
            if (take)
                turn.incoming.push_back(std::move(incoming));
            else
                left.push_back(std::move(incoming));
        }
        intake_ = std::move(left);
    }
    const bool full = turn.incoming.size() >= options_.batch_events_max;
    while (!intake_.empty() && turn.incoming.size() < options_.batch_events_max) {
        turn.incoming.push_back(std::move(intake_.front()));
        intake_.pop_front();
    }
    urgent_turns_ = full && !intake_.empty() ? urgent_turns_ + 1 : 0;
}

bool Worker::run(Turn turn) {
    if (fatal_) return failed(std::move(turn), *fatal_);
    Batch batch(store_, tenants_, lanes_, {turn.now, options_.deliver, options_.lane_waiting_max});
    const auto decided = decide(turn, batch);
    if (!decided && decided.error().code == Code::conflict) return run_one_by_one(std::move(turn));
    if (!decided) return failed(std::move(turn), decided.error());
    finish(turn, batch);
    return true;
}

/// Nothing of the turn has happened when it fails.
Result<void> Worker::decide(Turn& turn, Batch& batch) {
    if (auto begun = store_.begin(); !begun) return begun;
    auto done = plan(turn, batch);
    if (done) return commit(batch);
    store_.abandon();
    return done;
}

Result<void> Worker::commit(const Batch& batch) {
    // Events that were all known already, and questions: there is no commit to count.
    if (batch.steps().empty()) return store_.commit({});
    const auto began = Recent::Clock::now();
    const auto committed = store_.commit(batch.steps());
    if (!committed) return committed;
    counts_.commit_times.add(Recent::Clock::now() - began);
    ++counts_.commits;
    return committed;
}

Result<void> Worker::plan(Turn& turn, Batch& batch) {
    for (const auto& answer : turn.answers)
        if (auto done = batch.settle(*answer.settlement, answer.attempt); !done) return done.error();
    for (const auto& command : turn.commands) {
        auto reply = batch.perform(command.request);
        if (!reply && reply.error().code == Code::unavailable) return reply.error();
        turn.replies.push_back(std::move(reply));
    }
    for (const auto& pending : turn.pending)
        if (auto done = batch.decide(pending); !done) return done.error();
    for (const auto& incoming : turn.incoming) {
        auto ack = batch.admit(incoming.event);
        if (!ack) return ack.error();
        turn.acks.push_back(std::move(*ack));
    }
    return {};
}

/// Keeps what was accepted for the next turn; what was not is told so.
bool Worker::failed(Turn turn, const Error& error) {
    ++counts_.commit_failures;
    if (error.code != Code::unavailable && !fatal_) {
        fatal_ = error;
        log_error("the store's state is in doubt", {{"reason", error.message}});
    }
    put_first(settled_, turn.answers);
    put_first(pending_, turn.pending);
    for (const auto& command : turn.commands) command.done(error);
    for (const auto& incoming : turn.incoming)
        answer(incoming, {Ack::Kind::unavailable, incoming.event->id, false, error.message});
    return false;
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
    for (auto& item : turn.incoming) fine = alone(&Turn::incoming, item) && fine;
    return fine;
}

bool Worker::run_alone(Turn turn) {
    if (fatal_) return failed(std::move(turn), *fatal_);
    Batch batch(store_, tenants_, lanes_, {turn.now, options_.deliver, options_.lane_waiting_max});
    const auto decided = decide(turn, batch);
    if (decided) {
        finish(turn, batch);
        return true;
    }
    if (decided.error().code != Code::conflict || turn.incoming.empty())
        return failed(std::move(turn), decided.error());
    const auto& incoming = turn.incoming.front();
    log_error("an event contradicts the store",
              {{"event", incoming.event->id.text()}, {"reason", decided.error().message}});
    answer(incoming, {Ack::Kind::unavailable, incoming.event->id, false, decided.error().message});
    return true;
}

void Worker::finish(Turn& turn, const Batch& batch) {
    for (const auto& step : batch.steps()) apply(step);
    for (const auto& step : batch.steps())
        for (const auto& lane : step.lanes_released) release(lane);
    for (const auto& answer : turn.answers) {
        ++counts_.attempts[attempt_label(answer.settlement->kind)];
        if (answer.settlement->kind == Settlement::Kind::dead) ++counts_.dead_letters;
    }
    for (const auto& made : batch.made()) {
        ++counts_.decisions[made.decision.outcome];
        if (listener_) listener_(*made.event, made.decision);
    }
    for (std::size_t i = 0; i < turn.commands.size(); ++i) turn.commands[i].done(std::move(turn.replies[i]));
    for (std::size_t i = 0; i < turn.incoming.size(); ++i) {
        counts_.duplicates += turn.acks[i].kind == Ack::Kind::duplicate ? 1 : 0;
        counts_.clashes += turn.acks[i].kind == Ack::Kind::clash ? 1 : 0;
        answer(turn.incoming[i], std::move(turn.acks[i]));
    }
}

void Worker::apply(const Step& step) {
    for (const auto& lane : step.lanes_blocked)
        lanes_.blocked[{lane.tenant.text(), lane.subject.text()}] = lane;
    for (const auto& pending : step.pending_added) {
        const auto blocked = lanes_.blocked.find(lane_of(pending.event));
        if (blocked != lanes_.blocked.end())
            ++blocked->second.waiting;
        else
            pending_.push_back(pending);
    }
    for (const auto& delivery : step.outbox_added) {
        ++outbox_rows_;
        add_delivery(delivery);
    }
    outbox_rows_ -= step.outbox_removed.size();
}

/// What waited behind the lane is in the store, in the order of its places.
void Worker::release(const BlockedLane& lane) {
    lanes_.blocked.erase({lane.tenant.text(), lane.subject.text()});
    std::uint64_t after = 0;
    while (true) {
        auto page = store_.pending(lane.partition, after, page_rows);
        if (!page) {
            fatal_ = page.error();
            return;
        }
        for (auto& pending : *page) {
            after = pending.place;
            if (pending.event.tenant == lane.tenant && pending.event.subject == lane.subject)
                pending_.push_back(std::move(pending));
        }
        if (page->size() < page_rows) return;
    }
}

}  // namespace engine
