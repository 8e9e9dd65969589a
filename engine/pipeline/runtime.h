#pragma once
/// Runtime: the engine on its threads: a worker that owns the store, and a reader for questions.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/time.h"
#include "engine/pipeline/engine.h"
#include "engine/pipeline/worker.h"

namespace engine {

/// Performs deliveries and look-ups. `done` may be called on any thread, once.
class Outbound {
public:
    virtual ~Outbound() = default;
    virtual void deliver(std::shared_ptr<const connectors::Connection> connection, Delivery delivery,
                         std::function<void(Attempt)> done) = 0;
    /// Asks, and asks again what may be answered later, as long as there is time for it.
    virtual void look_up(std::shared_ptr<const connectors::Connection> connection, connectors::Lookup lookup,
                         std::function<void(Attempt)> done) = 0;
};

struct RuntimeOptions {
    WorkerOptions worker;
    LoadOptions load;  ///< of rule sets that come from the store
    /// Called by `start` once the store is ours, before it is read or added to; its error fails the start.
    std::function<Result<void>(Store&)> on_owned = {};
    Duration request_poll =
        std::chrono::milliseconds(100);  ///< how often commands left in the store are looked for
    Duration store_retry = std::chrono::milliseconds(100);  ///< after the store refused
    std::size_t questions_max = 1'000;                      ///< waiting for the reader
    std::size_t deliveries_per_turn_max = 256;
    std::size_t lookups_max = 64;  ///< under way at once
};

/// Tasks for one thread, in order. Any thread puts; one takes.
template <class Task>
class Mailbox {
public:
    /// False when it holds `limit` already (0 = no limit) or is closed.
    bool put(Task task, std::size_t limit = 0) {
        {
            const std::lock_guard lock(mutex_);
            if (closed_ || (limit > 0 && tasks_.size() >= limit)) return false;
            tasks_.push_back(std::move(task));
        }
        wake_.notify_one();
        return true;
    }
    /// What is there; waits at most so long for the first.
    std::deque<Task> take(Duration wait) {
        std::unique_lock lock(mutex_);
        if (wait > Duration(0)) wake_.wait_for(lock, wait, [this] { return !tasks_.empty() || closed_; });
        return std::exchange(tasks_, {});
    }
    void close() {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        wake_.notify_all();
    }
    bool closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }
    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return tasks_.size();
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Task> tasks_;
    bool closed_ = false;
};

class Runtime final : public EngineDoor {
public:
    /// Handles on one store, each for a thread.
    struct Handles {
        std::unique_ptr<Store> writer;
        std::unique_ptr<Store> view;    ///< what is decided is decided from it, while commits go on
        std::unique_ptr<Store> reader;  ///< for questions
    };
    /// `outbound` and `clock` outlive the runtime. `listener` runs on the worker's thread; `on_fatal` is
    /// called once when the store's state is in doubt: end the process.
    Runtime(Handles handles, Tenants folders, Outbound& outbound, const Clock& clock, RuntimeOptions options,
            Worker::Listener listener = {}, std::function<void(Error)> on_fatal = {});
    ~Runtime() override;

    /// Takes the store, makes live what is new in the folders, resumes what was pending. Fails as the store
    /// fails, with conflict while another process owns it, and as `take_up` fails; it may be tried again as
    /// long as `owns` says no.
    Result<void> start();
    bool owns() const { return handles_.writer->owned(); }
    /// Until `start` succeeds: questions are answered, events are refused, and health says why.
    void stand_by(const std::string& reason);
    /// Whether a delivery may leave: nobody can have taken the store over yet. Any thread.
    bool may_deliver() const;
    /// The folders as they are now: what is new in them goes live, tenant by tenant, in the order of events
    /// between two commits; connections are as loaded even where the rules are the same. Any thread.
    void reload(const Tenants& folders);
    /// Takes nothing new, decides what was taken, waits for deliveries in flight until the deadline, closes
    /// the store.
    void stop(Duration deadline);

    bool serves_nobody() const;
    std::shared_ptr<const Tenant> tenant(const TenantName& name) const override;
    bool serves_several() const override;
    void submit(std::vector<Event> events, std::function<void(std::vector<Ack>)> done) override;
    void ask(std::function<void(Store&)> question) override;
    void perform(Request request, std::function<void(Result<Json>)> done) override;
    Result<Json> dry_run(const Tenant& tenant, const Json& request, Store& store) override;
    Health health() const override;

private:
    using Task = std::function<void(Worker&)>;

    void work();
    void read();
    bool run_turns();
    bool deliver_due();
    void note_ownership();
    void know_tenants();
    void dispatch(Delivery delivery);
    void ask_for_answers();
    void ask(PendingLookup lookup);
    void look_for_requests();
    void perform_left(Request request);
    void answer(std::uint64_t number, const Result<Json>& result);
    void activate(Request request, std::function<void(Result<Json>)> done);
    Result<Json> go_live(const std::shared_ptr<const Tenant>& tenant, const ActivatedBy& by);
    void reload_here(const std::shared_ptr<const Tenant>& folder);
    void serve(const std::shared_ptr<const Tenant>& tenant);
    void publish_health(bool store_fine);
    void note_fatal();
    Duration wait_time(bool store_fine) const;
    void drain(Instant deadline);

    Handles handles_;
    Tenants folders_;
    mutable std::mutex tenants_mutex_;
    Tenants tenants_;  ///< those that are served, for other threads than the worker's
    Outbound& outbound_;
    const Clock& clock_;
    RuntimeOptions options_;
    std::function<void(Error)> on_fatal_;
    /// Shared with deliveries on their way: an answer may come after the end.
    std::shared_ptr<Mailbox<Task>> tasks_ = std::make_shared<Mailbox<Task>>();
    Mailbox<std::function<void(Store&)>> questions_;
    Worker worker_;
    std::thread worker_thread_;
    std::thread reader_thread_;
    std::atomic<bool> accepting_{false};
    std::atomic<bool> stopping_{false};
    std::atomic<std::int64_t> stop_deadline_{0};
    std::atomic<std::chrono::steady_clock::time_point> owns_until_{};
    std::size_t lookups_under_way_ = 0;                   ///< the worker's thread
    std::map<std::string, std::uint64_t> lookup_counts_;  ///< by done, retry, failed
    Instant next_poll_{};
    std::set<std::uint64_t> compiling_;  ///< requests whose rule set is being compiled; the worker's thread
    std::chrono::steady_clock::time_point next_publication_{};  ///< of figures that nobody waits for
    bool published_ready_ = false;
    mutable std::mutex health_mutex_;
    Health health_;
};

}  // namespace engine
