#pragma once
/// Worker: owns a Store and its partitions; decides what waits, commits once, says what may be delivered.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/model/decision.h"
#include "engine/pipeline/activation.h"
#include "engine/pipeline/batch.h"
#include "engine/pipeline/committer.h"
#include "engine/pipeline/engine.h"
#include "engine/pipeline/failure_log.h"
#include "engine/pipeline/outbox.h"
#include "engine/pipeline/recent.h"
#include "engine/pipeline/timer_queue.h"
#include "engine/pipeline/turn_shares.h"
#include "engine/pipeline/watched.h"
#include "engine/store/store.h"

namespace engine {

struct WorkerOptions {
    std::size_t batch_events_max = 256;       ///< decided in one commit
    std::size_t intake_events_max = 10'000;   ///< waiting in memory for their turn; more are `overloaded`
    std::size_t intake_tenant_percent = 100;  ///< of those, for one of several tenants
    std::size_t lane_waiting_max = 10'000;    ///< events that may wait behind a blocked lane
    std::size_t outbox_memory_max = 20'000;   ///< deliveries held whole in memory; of the rest their places
    std::size_t outbox_rows_max = 1'000'000;  ///< deliveries waiting in all; over it intake is `overloaded`
    std::size_t timers_memory_max = 10'000;   ///< timers held in memory, those that are due next
    std::size_t erased_rows_max = 10'000;     ///< journal rows one erasure takes; it is continued by the next
    std::size_t swept_entities_max = 500;     ///< looked at by one step of a schedule's sweep
    std::size_t watched_max = 1'000'000;      ///< counted events in memory for other lanes, of each tenant
    int lookups_per_event_max = 16;           ///< that an event waits for, one after another
    int urgent_turns_max = 8;                 ///< batches in a row that take urgent lanes first
    /// Of the time of a turn, for each tenant; one that needs more has turns of its own. Zero = no limit.
    Duration turn_share{};
    bool deliver = true;     ///< false: decide only (replay)
    ChannelOptions channel;  ///< what connections.yaml leaves open
    /// Null = scripts are told that nobody can be asked. One that leaves a question open needs somebody who
    /// takes it (`take_lookups`).
    std::shared_ptr<AnswerSource> answers = {};
};

/// What a script asks a connection for.
struct PendingLookup {
    TenantName tenant;
    Subject lane;
    Need need;
};

/// Counts since the start, for metrics.
struct WorkerCounts {
    std::map<Outcome, std::uint64_t> decisions;
    std::uint64_t duplicates = 0;
    std::uint64_t clashes = 0;
    std::uint64_t commits = 0;
    std::uint64_t commit_failures = 0;
    std::map<std::string, std::uint64_t> attempts;  ///< by done, retry, failed
    std::uint64_t dead_letters = 0;
    Recent commit_times;
};

/// One thread. A commit that fails because the store is away keeps everything that was accepted and is tried
/// again by the next turn; new events are answered `unavailable` meanwhile. A store whose state is in doubt
/// stops the worker for good (`fatal`): starting again reads what is true.
///
/// A turn may leave its commit under way on another thread; the next ones are decided on top of it and are
/// committed together when it has ended. Nobody hears of a turn before its commit is done. When a commit
/// fails, what was decided on top of it is forgotten and decided again.
class Worker {
public:
    using Done = std::function<void(std::vector<Ack>)>;
    /// Called after the commit, in order of decision.
    using Listener = std::function<void(const Event&, const Decision&)>;

    /// Lets turns leave their commits under way. `view` is another handle on the same store, read by this
    /// thread; `committed` is called on another one when a commit has ended: there is work then.
    struct Overlap {
        Store* view = nullptr;
        std::function<void()> committed;
    };

    /// Without an overlap every turn waits for its commit.
    Worker(Store& store, Tenants tenants, WorkerOptions options, Listener listener = {},
           std::optional<Overlap> overlap = {});
    ~Worker();

    /// Takes the store's ownership and reads what was pending. Fails as the store fails.
    Result<void> start(Instant now);

    void submit(std::vector<Arrival> arrivals, Done done);
    /// The same for events of which nothing is known yet.
    void submit(std::vector<Event> events, Done done);
    void settled(int partition, std::uint64_t number, Attempt attempt);
    void command(Request request, std::function<void(Result<Json>)> done);
    /// What is to be asked for now, at most so many; each is answered by `answered`.
    std::vector<PendingLookup> take_lookups(std::size_t limit);
    /// The answer, as answer_of gives it. Nothing when the lane does not ask for it.
    void answered(const PendingLookup& lookup, Json answer, Instant now);

    /// Whom to serve, instead of those given before. Before `start`.
    void serve(Tenants tenants) { tenants_ = std::move(tenants); }
    /// Serves the tenant under this rule set and with these connections from now on, and journals it when the
    /// rule set is not the active one. All that was taken in before is committed under the one before, and
    /// whoever was not served yet is taken up. False when the rule set was active already. On failure what
    /// was served goes on.
    Result<bool> activate(std::shared_ptr<const Tenant> tenant, const ActivatedBy& by, Instant now);

    /// Takes what waits: answers, commands, events that flow back, timers, events from outside; decides and
    /// commits them. False when the store refused; nothing is lost, try again later.
    bool turn(Instant now);
    /// The same with the events of one kind only; replay decides when which are due.
    bool turn_intake(Instant now);
    bool turn_pending(Instant now);
    bool turn_timers(Instant now);
    /// Begins the schedules of the tenant that have not begun, or whose times are others now: as events,
    /// which the next turns decide. Fails as the store fails.
    Result<void> begin_schedules(const TenantName& tenant, Instant now);
    /// From now on no schedule comes any more.
    void let_schedules_rest() {
        schedules_rest_ = true;
        timers_changed_ = true;
    }
    /// From now on none fires: what is due is due for the next one, too.
    void let_timers_rest() { timers_rest_ = true; }
    /// How many timers are due of those in memory.
    std::size_t due_timers(Instant now) const { return timers_.count_due(now); }

    /// Whether a turn would get on.
    bool has_work() const { return has_input() || (under_way_ ? committer_.ended() : open_.has_value()); }
    /// Nothing waits and nothing is under way.
    bool idle() const { return !has_input() && !under_way_ && !open_; }
    /// Lanes that wait for an answer.
    std::size_t asking_lanes() const { return lanes_.asking.size(); }
    bool has_lookups() const { return !lookups_.empty(); }
    /// Waits until all that was decided is committed. False when the store refused it.
    bool settle_commits();
    /// Whether the store takes commits, as far as is known. It is tried after a refusal, and as often as the
    /// ownership needs.
    bool store_takes_commits();
    /// Whether nobody can have taken the store over meanwhile: an owner that was paused for longer than its
    /// lease must not deliver what another one may have delivered.
    bool surely_owns();
    /// Until when that is so without asking the store; nothing = for good.
    std::optional<std::chrono::steady_clock::time_point> owns_until() const;
    /// Lets the store make room ahead when it is time to. What fails is logged and tried again.
    void tend(Instant now);
    /// When the next timer is due; of those that are in the store only, not before they are read.
    std::optional<Instant> next_timer() const { return timers_.next_due(); }
    /// Whether a timer is due, or it has to be looked up in the store what is.
    bool has_timers(Instant now) const {
        const auto next = timers_.next_due();
        return must_read_timers() || (next && *next <= now);
    }
    bool has_pending() const { return !pending_.empty(); }
    bool has_commands() const { return !commands_.empty(); }
    /// At the end: whoever still waits in memory is told to send again.
    void give_up_intake();
    std::size_t intake_size() const { return intake_.size(); }
    std::size_t pending_size() const { return pending_.size(); }

    /// Deliveries to attempt now. Those whose rows cannot be read are tried again a little later.
    std::vector<Delivery> take_due(Instant now, std::size_t limit);
    const Outbox& outbox() const { return outbox_; }
    /// Deliveries not done yet, in memory or in the store.
    std::uint64_t outbox_rows() const { return outbox_rows_; }
    /// Tenants whose events take so long that they have turns of their own.
    std::size_t slow_tenants() const { return shares_.slow(); }
    std::size_t blocked_lanes() const { return lanes_.blocked.size(); }
    const WorkerCounts& counts() const { return counts_; }
    std::uint64_t rule_failures() const { return failures_.total(); }
    const ScriptsAhead::Counts& scripts_ahead() const { return ahead_.counts(); }
    const std::optional<Error>& fatal() const { return fatal_; }
    std::shared_ptr<const Tenant> tenant(const TenantName& name) const;

private:
    struct Submission {
        std::vector<Ack> acks;
        std::size_t open = 0;
        Done done;
    };
    struct Incoming {
        Arrival arrival;
        std::shared_ptr<Submission> submission;
        std::size_t index = 0;
    };
    struct Answer {
        int partition;
        std::uint64_t number;
        Attempt attempt;
        std::optional<Settlement> settlement;  ///< set once the outbox has seen it
    };
    struct Command {
        Request request;
        std::function<void(Result<Json>)> done;
    };
    /// What one commit is about; kept until it is known how the commit ended.
    struct Turn {
        Instant now{};
        std::vector<Answer> answers;
        std::vector<Command> commands;
        std::vector<Timer> timers;
        std::vector<PendingEvent> pending;
        std::vector<Incoming> incoming;
        std::vector<Ack> acks;              ///< parallel to incoming
        std::vector<Result<Json>> replies;  ///< parallel to commands

        bool empty() const {
            return answers.empty() && commands.empty() && timers.empty() && pending.empty() &&
                   incoming.empty();
        }
        std::size_t events() const { return timers.size() + pending.size() + incoming.size(); }
        /// The event of that number, in the order in which they are decided: what waited, what is due, what
        /// came in.
        template <class OnPending, class OnTimer, class OnIncoming>
        decltype(auto) at(std::size_t number, const OnPending& on_pending, const OnTimer& on_timer,
                          const OnIncoming& on_incoming) const {
            if (number < pending.size()) return on_pending(pending[number]);
            number -= pending.size();
            if (number < timers.size()) return on_timer(timers[number]);
            return on_incoming(incoming[number - timers.size()]);
        }
        void append(Turn&& more);
    };

    /// Turns that are decided and not committed.
    struct Planned {
        Turn turn;
        std::unique_ptr<Batch> batch;
        std::size_t applied = 0;  ///< steps whose waiting events are in `pending_`
    };
    enum class Advanced {
        fine,
        decided_again,  ///< a commit contradicted the store; its turn was decided item by item
        failed,         ///< the store refused; what it refused waits
    };

    bool has_input() const {
        return !intake_.empty() || !pending_.empty() || !settled_.empty() || !commands_.empty();
    }
    bool is_full() const { return open_ && open_->turn.events() >= options_.batch_events_max; }
    bool make_way();
    bool run(Turn turn);
    Advanced add(Turn turn);
    Advanced advance();
    Advanced start_open();
    Advanced wait_for_commit();
    Advanced conclude(Planned planned, const Committed& committed);
    std::unique_ptr<Batch> new_batch();
    Result<void> plan(Turn& turn, Batch& batch);
    Result<void> decide(Turn& turn, Batch& batch);
    Result<void> decide_events(Turn& turn, Batch& batch);
    Result<void> decide_in_order(const Turn& turn, Batch& batch, const ScriptsAhead::Each& decide);
    void put_off(Turn& turn, const std::vector<bool>& is_put_off);
    rules::ScriptHost* host_that_runs_ahead(const Turn& turn) const;
    void apply_waiting(Planned& planned);
    void undo(Planned& planned);
    Result<void> read_watched(Instant now);
    void forget_watched();
    void put_back(Turn turn);
    void take_answers(Turn& turn);
    void take_commands(Turn& turn);
    std::size_t events_max() const;
    std::set<TenantName> tenants_with_pending() const;
    bool is_served(const TenantName& tenant) const;
    std::string why_full(const std::vector<Arrival>& arrivals) const;
    void put_back_incoming(std::vector<Incoming>& incoming);
    void take_pending(Turn& turn);
    void take_timers(Turn& turn);
    bool must_read_timers() const { return timers_changed_ || timers_.needs_read(); }
    bool is_there(const Timer& timer);
    void take_incoming(Turn& turn);
    std::set<Lanes::Key> urgent_lanes() const;
    Result<void> expect(const Turn& turn);
    bool failed(Turn turn, const Error& error);
    void note_if_fatal(const Error& error);
    bool is_lease_due() const;
    bool run_one_by_one(Turn turn);
    bool run_alone(Turn turn);
    void finish(Turn& turn, const Batch& batch);
    static void log_what_needs_people(const Turn& turn, const Batch& batch);
    void apply(const Step& step, Instant now);
    void release(const BlockedLane& lane);
    void read_lane(const TenantName& tenant, const Subject& subject, int partition);
    void go_on(const Lanes::Key& key);
    static void answer(const Incoming& incoming, Ack ack);
    Result<void> take_up(const TenantName& tenant, Instant now);
    Result<void> check_whole(const TenantName& name);
    Result<void> read_pending(int partition);
    Result<void> read_timers();
    Result<void> read_deliveries(int partition, Instant now, const TenantName& only = TenantName());
    void read_wanted(std::vector<DeliveryPlace> wanted, Instant now, std::vector<Delivery>& due);
    void add_delivery(const Delivery& delivery, Instant now);
    ChannelOptions channel_of(const Delivery& delivery) const;

    Store& store_;
    Store& view_;
    Tenants tenants_;
    RuleSetCache older_;
    WorkerOptions options_;
    Listener listener_;
    Lanes lanes_;
    /// As everything decided leaves it, committed or not, of the tenants whose rules look at others.
    WatchedTenants watched_;
    bool is_watched_read_ = false;  ///< of all of them
    std::deque<Incoming> intake_;
    std::map<TenantName, std::size_t> intake_of_;  ///< how many of them are of whom
    std::deque<PendingEvent> pending_;
    std::deque<Answer> settled_;
    std::deque<Command> commands_;
    std::deque<PendingLookup> lookups_;  ///< that nobody has taken yet
    ScriptsAhead ahead_;
    TurnShares shares_;
    std::set<TenantName> behind_;  ///< who has events that flowed back and are for another turn
    Outbox outbox_;
    TimerQueue timers_;
    bool timers_rest_ = false;
    bool schedules_rest_ = false;
    bool timers_changed_ = false;  ///< what is in memory may not be what is in the store
    std::uint64_t outbox_rows_ = 0;
    int urgent_turns_ = 0;
    WorkerCounts counts_;
    FailureLog failures_;
    std::optional<Error> fatal_;
    bool refused_ = false;                                 ///< the last commit was
    std::chrono::steady_clock::time_point last_commit_{};  ///< or probe, when it began
    std::chrono::steady_clock::time_point next_tending_{};
    std::optional<Planned> under_way_;  ///< its commit is the committer's
    std::optional<Planned> open_;       ///< decided on top of it; takes more until that commit has ended
    Committer committer_;
};

}  // namespace engine
