#include "engine/pipeline/worker.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/failpoint.h"
#include "engine/base/log.h"
#include "engine/pipeline/pages.h"
#include "engine/pipeline/rebuild.h"
#include "engine/pipeline/schedules.h"

namespace engine {
namespace {

/// Rows read at once to find those that are due.
constexpr std::size_t wanted_rows = 64;
/// When they could not be read.
constexpr Duration wanted_again = std::chrono::seconds(1);
/// Events taken for a turn of a tenant that is slow: most of them are put off again.
constexpr std::size_t slow_events_max = 16;

/// Takes those that are wanted, in their order, until there are enough; the others stay where they are.
template <class Item, class Wanted>
void take(std::deque<Item>& queue, std::vector<Item>& taken, std::size_t max, const Wanted& wanted) {
    std::vector<Item> left;
    for (; !queue.empty() && taken.size() < max; queue.pop_front())
        (wanted(queue.front()) ? taken : left).push_back(std::move(queue.front()));
    queue.insert(queue.begin(), std::make_move_iterator(left.begin()), std::make_move_iterator(left.end()));
}

}  // namespace

Worker::Worker(Store& store, Tenants tenants, WorkerOptions options, Listener listener,
               std::optional<Overlap> overlap)
    : store_(store),
      view_(overlap ? *overlap->view : store),
      tenants_(std::move(tenants)),
      options_(std::move(options)),
      listener_(std::move(listener)),
      shares_(options_.turn_share),
      outbox_(options_.outbox_memory_max),
      timers_(options_.timers_memory_max),
      committer_(store, overlap ? std::move(overlap->committed) : std::function<void()>()) {}

Worker::~Worker() {
    if (under_way_) (void)committer_.wait();
}

std::vector<PendingLookup> Worker::take_lookups(std::size_t limit) {
    std::vector<PendingLookup> taken;
    for (; !lookups_.empty() && taken.size() < limit; lookups_.pop_front())
        taken.push_back(std::move(lookups_.front()));
    return taken;
}

void Worker::answered(const PendingLookup& lookup, Json answer, Instant now) {
    const auto found = lanes_.asking.find(Lanes::key_of(lookup.tenant, lookup.lane));
    if (found == lanes_.asking.end()) return;
    auto& lane = found->second;
    if (lane.is_answered || lane.need.key != lookup.need.key) return;
    make_plain(answer);
    if (options_.answers) options_.answers->keep(lookup.tenant, lookup.need, answer, now);
    lane.answers[lookup.need.key] = std::move(answer);
    lane.is_answered = true;
    ++lane.asked;
    pending_.push_back(lane.pending);
}

std::shared_ptr<const Tenant> Worker::tenant(const TenantName& name) const {
    const auto found = tenants_.find(name);
    return found == tenants_.end() ? nullptr : found->second;
}

Result<void> Worker::start(Instant now) {
    if (auto owned = store_.own(); !owned) return owned.error();
    pass(Failpoint::start_owned);
    for (const auto& [name, tenant] : tenants_)
        if (auto whole = check_whole(name); !whole) return whole;
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
        if (auto read = read_deliveries(partition, now); !read) return read;
    }
    timers_changed_ = true;
    return read_timers();
}

Result<void> Worker::begin_schedules(const TenantName& name, Instant now) {
    const auto tenant = tenants_.find(name);
    if (tenant == tenants_.end()) return {};
    std::vector<Timer> timers;
    for (const auto& rule : tenant->second->rule_set->rules) {
        const auto lane = rule.schedule ? schedule_lane(rule) : std::nullopt;
        if (!lane) continue;
        const auto own = store_.timers_of(name, *lane);
        if (!own) return own.error();
        timers.insert(timers.end(), own->begin(), own->end());
    }
    auto events = schedules_to_begin(*tenant->second, timers, now);
    if (!events.empty()) submit(std::move(events), [](const std::vector<Ack>&) {});
    return {};
}

/// Those of a tenant that is not served, or behind a blocked lane, are in the store until it is otherwise.
/// What is read is what was committed last, so nothing may be under way.
Result<void> Worker::read_timers() {
    // Only an end of what memory held may be gone on from.
    if (timers_changed_) timers_ = TimerQueue(options_.timers_memory_max);
    const auto read = timers_.read(store_, [this](const Timer& timer) {
        return tenants_.contains(timer.tenant) && !(schedules_rest_ && recurs(timer)) &&
               !lanes_.blocked.contains(Lanes::key_of(timer.tenant, timer.subject));
    });
    timers_changed_ = !read;
    return read;
}

/// Half of what a rebuild was to put right may be as it was.
Result<void> Worker::check_whole(const TenantName& name) {
    const auto unfinished = is_rebuild_unfinished(store_, name);
    if (!unfinished) return unfinished.error();
    if (!*unfinished) return {};
    return unavailable("a rebuild of tenant " + name.text() +
                       " was begun and not finished: run `signalbox rebuild --replace --tenant " +
                       name.text() + "` again");
}

Result<void> Worker::read_pending(int partition) {
    return for_each_pending(store_, partition, [this](PendingEvent&& pending) {
        // What belongs to a tenant that is not served waits in the store until it is again.
        if (tenants_.contains(pending.event.tenant) && !lanes_.blocked.contains(Lanes::key_of(pending.event)))
            pending_.push_back(std::move(pending));
    });
}

/// Of one tenant only, or of all that are served.
Result<void> Worker::read_deliveries(int partition, Instant now, const TenantName& only) {
    std::uint64_t after = 0;
    while (outbox_rows_ > 0) {
        const auto page = store_.outbox(partition, after, page_rows);
        if (!page) return page.error();
        for (const auto& delivery : *page) {
            after = delivery.number;
            if (only.empty() || delivery.tenant == only) add_delivery(delivery, now);
        }
        if (page->size() < page_rows) break;
    }
    return {};
}

/// What belongs to a tenant that is not served waits in the store.
void Worker::add_delivery(const Delivery& delivery, Instant now) {
    if (tenants_.contains(delivery.tenant)) outbox_.add(delivery, channel_of(delivery), now);
}

std::vector<Delivery> Worker::take_due(Instant now, std::size_t limit) {
    auto due = outbox_.take_due(now, limit);
    read_wanted(outbox_.take_wanted(), now, due);
    return due;
}

/// Neighbours are read together: what has waited for one receiver stands together.
void Worker::read_wanted(std::vector<DeliveryPlace> wanted, Instant now, std::vector<Delivery>& due) {
    std::set<DeliveryPlace> left(wanted.begin(), wanted.end());
    while (!left.empty()) {
        const auto [partition, number] = *left.begin();
        const auto last = std::prev(left.lower_bound({partition + 1, 0}))->second;
        const auto rows = std::min<std::uint64_t>(wanted_rows, last - number + 1);
        const auto page = view_.outbox(partition, number - 1, rows);
        if (!page) {
            log_warn("deliveries that are due cannot be read", {{"reason", page.error().message}});
            for (const auto& place : left) outbox_.postpone(place, now + wanted_again);
            return;
        }
        for (const auto& row : *page)
            if (left.erase({partition, row.number}) > 0)
                if (auto delivery = outbox_.provide(row)) due.push_back(*std::move(delivery));
        if (left.erase({partition, number}) > 0) outbox_.lost({partition, number});
    }
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
    submit(arrivals_of(std::move(events), [this](const TenantName& name) { return tenant(name); }),
           std::move(done));
}

void Worker::submit(std::vector<Arrival> arrivals, Done done) {
    auto submission = std::make_shared<Submission>();
    submission->acks.resize(arrivals.size());
    submission->open = arrivals.size();
    submission->done = std::move(done);
    if (arrivals.empty()) return submission->done({});
    const auto full = why_full(arrivals);
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        Incoming incoming{std::move(arrivals[i]), submission, i};
        if (full.empty()) {
            ++intake_of_[incoming.arrival.event->tenant];
            intake_.push_back(std::move(incoming));
        } else
            answer(incoming, {Ack::Kind::overloaded, incoming.arrival.event->id, false, full});
    }
    pass(Failpoint::intake_queued);
}

/// Why what comes cannot wait in memory; empty = it can.
std::string Worker::why_full(const std::vector<Arrival>& arrivals) const {
    if (outbox_rows_ >= options_.outbox_rows_max) return "outbox_rows_max is reached";
    if (intake_.size() + arrivals.size() > options_.intake_events_max) return "intake_events_max is reached";
    if (tenants_.size() < 2) return "";
    // What is submitted together is one tenant's.
    const auto own = intake_of_.find(arrivals.front().event->tenant);
    const auto waiting = own == intake_of_.end() ? 0 : own->second;
    const auto max = options_.intake_events_max * options_.intake_tenant_percent / 100;
    return waiting + arrivals.size() > max ? "intake_tenant_percent is reached" : "";
}

void Worker::give_up_intake() {
    intake_of_.clear();
    for (const auto& incoming : std::exchange(intake_, {}))
        answer(incoming,
               {Ack::Kind::unavailable, incoming.arrival.event->id, false, "the engine is stopping"});
    for (const auto& command : std::exchange(commands_, {}))
        command.done(unavailable("the engine is stopping"));
}

void Worker::answer(const Incoming& incoming, Ack ack) {
    auto& submission = *incoming.submission;
    submission.acks[incoming.index] = std::move(ack);
    if (--submission.open == 0) submission.done(std::move(submission.acks));
}

void Worker::settled(int partition, std::uint64_t number, Attempt attempt) {
    make_plain(attempt.result);
    settled_.push_back({partition, number, std::move(attempt), std::nullopt});
}

void Worker::command(Request request, std::function<void(Result<Json>)> done) {
    commands_.push_back({std::move(request), std::move(done)});
}

Result<bool> Worker::activate(std::shared_ptr<const Tenant> tenant, const ActivatedBy& by, Instant now) {
    if (!settle_commits()) return fatal_ ? *fatal_ : unavailable("the store does not take commits");
    const auto done = engine::activate(store_, *tenant, by, now);
    if (!done) {
        ++counts_.commit_failures;
        refused_ = true;
        note_if_fatal(done.error());
        return done;
    }
    const auto name = tenant->name;
    const bool is_new = !tenants_.contains(name);
    tenants_[name] = std::move(tenant);
    is_watched_read_ = false;
    // What a start reads for a tenant must not be missing because of how it came.
    if (is_new)
        if (auto taken = take_up(name, now); !taken) fatal_ = taken.error();
    return done;
}

/// What waits in the store of a tenant that was not served.
Result<void> Worker::take_up(const TenantName& tenant, Instant now) {
    for (int partition = 0; partition < lanes_.partitions; ++partition) {
        const auto read = for_each_pending(store_, partition, [&](PendingEvent&& pending) {
            if (pending.event.tenant == tenant && !lanes_.blocked.contains(Lanes::key_of(pending.event)))
                pending_.push_back(std::move(pending));
        });
        if (!read) return read;
        if (auto taken = read_deliveries(partition, now, tenant); !taken) return taken;
    }
    timers_changed_ = true;
    return read_timers();
}

bool Worker::turn(Instant now) {
    if (!make_way()) return false;
    shares_.begin();
    // Whoever was decided before a slow turn is told before it.
    if (shares_.only() && !settle_commits()) return false;
    Turn turn;
    turn.now = now;
    if (!shares_.only()) {
        take_answers(turn);
        take_commands(turn);
    }
    take_pending(turn);
    // What flowed back stands before what comes in now, of each tenant.
    behind_ = tenants_with_pending();
    // A command may end timers.
    if (turn.commands.empty()) take_timers(turn);
    take_incoming(turn);
    behind_.clear();
    if (turn.empty()) shares_.has_nothing();
    return run(std::move(turn));
}

std::set<TenantName> Worker::tenants_with_pending() const {
    std::set<TenantName> found;
    for (const auto& pending : pending_) {
        if (found.size() == tenants_.size()) break;
        found.insert(pending.event.tenant);
    }
    return found;
}

bool Worker::is_served(const TenantName& tenant) const {
    return shares_.serves(tenant) && !behind_.contains(tenant);
}

/// Of a turn.
std::size_t Worker::events_max() const {
    return shares_.only() ? std::min(slow_events_max, options_.batch_events_max) : options_.batch_events_max;
}

bool Worker::turn_intake(Instant now) {
    if (!make_way()) return false;
    shares_.begin_for_all();
    Turn turn;
    turn.now = now;
    take_incoming(turn);
    return run(std::move(turn));
}

bool Worker::turn_pending(Instant now) {
    if (!make_way()) return false;
    shares_.begin_for_all();
    Turn turn;
    turn.now = now;
    take_pending(turn);
    return run(std::move(turn));
}

bool Worker::turn_timers(Instant now) {
    if (!make_way()) return false;
    shares_.begin_for_all();
    Turn turn;
    turn.now = now;
    take_timers(turn);
    return run(std::move(turn));
}

/// However many events there are, some of the room is theirs.
void Worker::take_timers(Turn& turn) {
    if (timers_rest_) return;
    const auto room = events_max() - std::min(events_max(), turn.events());
    turn.timers = timers_.take_due(turn.now, std::max(room, events_max() / 4 + 1),
                                   [this](const Timer& timer) { return is_served(timer.tenant); });
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
    // One at a time: each is answered from what the store says after the one before.
    if (commands_.empty()) return;
    turn.commands.push_back(std::move(commands_.front()));
    commands_.pop_front();
}

void Worker::take_pending(Turn& turn) {
    take(pending_, turn.pending, events_max(),
         [this](const PendingEvent& pending) { return is_served(pending.event.tenant); });
}

std::set<Lanes::Key> Worker::urgent_lanes() const {
    std::set<Lanes::Key> lanes;
    for (const auto& incoming : intake_)
        if (incoming.arrival.event->urgent) lanes.insert(Lanes::key_of(*incoming.arrival.event));
    return lanes;
}

/// Whole lanes go first, so that order inside a lane never changes.
void Worker::take_incoming(Turn& turn) {
    const bool may_prefer = urgent_turns_ < options_.urgent_turns_max;
    const auto urgent = may_prefer ? urgent_lanes() : std::set<Lanes::Key>();
    const auto is_next = [this](const Incoming& incoming) {
        return is_served(incoming.arrival.event->tenant);
    };
    std::deque<Incoming> left;
    if (!urgent.empty()) {
        for (auto& incoming : intake_) {
            const bool goes_first = turn.incoming.size() < events_max() && is_next(incoming) &&
                                    urgent.contains(Lanes::key_of(*incoming.arrival.event));
            if (goes_first)
                turn.incoming.push_back(std::move(incoming));
            else
                left.push_back(std::move(incoming));
        }
        intake_ = std::move(left);
    }
    const bool full = turn.incoming.size() >= events_max();
    take(intake_, turn.incoming, events_max(), is_next);
    for (const auto& incoming : turn.incoming) {
        const auto own = intake_of_.find(incoming.arrival.event->tenant);
        if (--own->second == 0) intake_of_.erase(own);
    }
    urgent_turns_ = full && !intake_.empty() ? urgent_turns_ + 1 : 0;
}

}  // namespace engine
