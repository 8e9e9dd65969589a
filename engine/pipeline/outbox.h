#pragma once
/// Outbox: which delivery may leave next, by lane order, concurrency, retry schedule and breaker.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "engine/model/delivery.h"

namespace engine {

/// How one connection takes deliveries; from connections.yaml.
struct ChannelOptions {
    int concurrency = 8;
    std::vector<Duration> retry;    ///< waits before attempt 2, 3, …
    int breaker_attempts_min = 20;  ///< within the window, before the breaker may open
    double breaker_failures = 0.5;  ///< share of them that opens it
    Duration breaker_window = std::chrono::seconds(30);
    Duration breaker_probe = std::chrono::seconds(30);  ///< one attempt each, while open
};

/// What an attempt leads to.
struct Settlement {
    enum class Kind { done, retry, dead };
    Kind kind = Kind::done;
    Delivery delivery;  ///< with attempts counted and, for a retry, next_attempt set
    std::string reason;
};

/// Deliveries of one (tenant, lane, connection) leave in the order of their numbers, one after another; one
/// with `relaxed` may be passed by later ones. Keeps no more than `memory_max` deliveries: the rest waits in
/// the store until there is room. One thread.
class Outbox {
public:
    explicit Outbox(std::size_t memory_max = 20'000) : memory_max_(memory_max) {}

    /// Takes a committed delivery; numbers of a partition must grow. False when it has to wait in the store,
    /// as all later ones of the partition then must, until `loaded` said how far the store was read.
    bool add(Delivery delivery, const ChannelOptions& options);

    /// A committed delivery that is not to leave now: its tenant is not served.
    void pass_over(const Delivery& delivery) { last_added_[delivery.partition] = delivery.number; }

    /// One that was passed over, now that its tenant is served. There is always room for it.
    void take_up(Delivery delivery, const ChannelOptions& options) { put(std::move(delivery), options); }
    /// Whether `add` or `pass_over` has seen the number; else it is read from the store later.
    bool is_read(int partition, std::uint64_t number) const;

    /// The partition and number after which the store has more than is in memory; nothing when it has not.
    std::optional<std::pair<int, std::uint64_t>> wants_more() const;
    /// Rows read from the store follow through `add`, then `loaded`; `complete` when the store held no more.
    void start_loading(int partition) { waiting_in_store_.erase(partition); }
    void loaded(int partition, bool complete);
    /// Partitions whose rows were never read: everything is in the store.
    void must_load(int partition) { waiting_in_store_.try_emplace(partition, 0); }

    /// Deliveries to attempt now, at most `limit`; they count as in flight until settled.
    std::vector<Delivery> take_due(Instant now, std::size_t limit);
    /// The next instant at which take_due may have something; nothing when only an answer can change that.
    std::optional<Instant> next_due() const { return next_due_; }

    /// The attempt on a delivery in flight is over: says what follows. A `retry` beyond the schedule is dead.
    /// Nothing when the delivery is not in flight. One that is done or dead holds back those behind it until
    /// `forget`: were it forgotten in a crash, it would leave again after them.
    std::optional<Settlement> settle(int partition, std::uint64_t number, const Attempt& attempt,
                                     Instant now);
    /// The end of a delivery is committed. Does nothing when it was forgotten before.
    void forget(const Delivery& delivery);

    std::size_t size() const { return size_; }
    std::size_t in_flight() const { return in_flight_.size(); }
    /// Connections whose breaker is open, as `tenant/connection`.
    std::vector<std::string> open_breakers() const;

private:
    enum class State { waiting, in_flight, over };
    struct Item {
        Delivery delivery;  ///< of one that is over only what places it
        State state = State::waiting;
        Instant timed{};  ///< the next attempt that its lane is woken for
    };
    struct Lane {
        std::deque<Item> items;
        bool queued = false;  ///< stands in the channel's ready queue
    };
    struct Breaker {
        std::deque<std::pair<Instant, bool>> attempts;  ///< when, failed
        int failures = 0;
        std::optional<Instant> opened;
        Instant next_probe{};
    };
    struct Channel {
        ChannelOptions options;
        std::unordered_map<std::string, Lane> lanes;  ///< by subject
        std::deque<std::string> ready;                ///< subjects that may have something to send
        std::multimap<Instant, std::string> later;    ///< subjects by the time of their next attempt
        int in_flight = 0;
        Breaker breaker;
        Instant paused_until{};  ///< the receiver asked for a rest
    };
    using ChannelKey = std::pair<std::string, std::string>;  ///< tenant, connection
    using Number = std::pair<int, std::uint64_t>;            ///< partition, number
    struct Flight {
        ChannelKey channel;
        std::string subject;
    };

    void put(Delivery delivery, const ChannelOptions& options);
    void queue(Channel& channel, const std::string& subject, Lane& lane);
    void stay(Channel& channel, const std::string& subject, Lane& lane);
    void wake(Channel& channel, Instant now);
    bool may_send(Channel& channel, Instant now);
    void take_from(const ChannelKey& key, Channel& channel, Instant now, std::size_t limit,
                   std::vector<Delivery>& out);
    void take_lane(const ChannelKey& key, Channel& channel, const std::string& subject, Instant now,
                   std::size_t limit, std::vector<Delivery>& out);
    void note(Channel& channel, bool failed, Instant now);
    void want(Instant instant);

    std::size_t memory_max_;
    std::size_t size_ = 0;
    std::map<ChannelKey, Channel> channels_;
    std::map<Number, Flight> in_flight_;
    std::map<int, std::uint64_t> waiting_in_store_;  ///< partition → the last number that is in memory
    std::map<int, std::uint64_t> last_added_;        ///< or passed over
    std::optional<Instant> next_due_;
};

/// The wait before the attempt after `attempts` made ones, with ±20 % that depend on key and count only;
/// nothing when the schedule is used up. What the receiver asked for, clamped to 1 s … 24 h, counts when it
/// is longer.
std::optional<Duration> retry_wait(const std::vector<Duration>& schedule, int attempts,
                                   const DeliveryKey& key, Duration retry_after);

}  // namespace engine
