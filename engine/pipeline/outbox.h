#pragma once
/// Outbox: which delivery may leave next, by lane order, concurrency, retry schedule and breaker.

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
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

/// Where a delivery stands in the store: partition and number.
using DeliveryPlace = std::pair<int, std::uint64_t>;

/// Deliveries of one (tenant, lane, connection) leave in the order of their numbers, one after another; one
/// with `relaxed` may be passed by later ones. Knows every delivery that is not over, but keeps no more than
/// `memory_max` of them whole: of the others only what orders them, and asks for the rest when they are to
/// leave. So what waits for one receiver keeps no other from leaving. One thread.
class Outbox {
public:
    explicit Outbox(std::size_t memory_max = 20'000) : memory_max_(memory_max) {}

    /// Takes a committed delivery; numbers of a lane must grow.
    void add(Delivery delivery, const ChannelOptions& options, Instant now);

    /// Deliveries to attempt now; they count as in flight until settled. With those that `take_wanted` gives
    /// they are at most `limit`.
    std::vector<Delivery> take_due(Instant now, std::size_t limit);
    /// Further ones to attempt now, in flight too, whose rows have to be read from the store first: each is
    /// answered by `provide`, `postpone` or `lost`.
    std::vector<DeliveryPlace> take_wanted() { return std::exchange(wanted_, {}); }
    /// The row of a wanted one: gives the delivery to attempt. Nothing when it was not wanted.
    std::optional<Delivery> provide(Delivery row);
    /// The row cannot be read now: tried again at `until`.
    void postpone(DeliveryPlace place, Instant until);
    /// The store has no such row: the delivery is not there any more.
    void lost(DeliveryPlace place);
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
    /// How many are kept whole.
    std::size_t whole() const { return whole_; }
    std::size_t in_flight() const { return in_flight_.size(); }
    /// Connections whose breaker is open, as `tenant/connection`.
    std::vector<std::string> open_breakers() const;

private:
    enum class State { waiting, in_flight, over };
    struct Item {
        DeliveryPlace place;
        State state = State::waiting;
        bool relaxed = false;
        int attempts = 0;
        Instant next_attempt{};
        Instant timed{};                  ///< the next attempt that its lane is woken for
        std::unique_ptr<Delivery> whole;  ///< of one in flight, unless it is wanted; of others as room allows
    };
    struct Lane {
        std::list<Item> items;
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
    struct Flight {
        ChannelKey channel;
        std::string subject;
    };

    void queue(Channel& channel, const std::string& subject, Lane& lane);
    void stay(Channel& channel, const std::string& subject, Lane& lane);
    void wake(Channel& channel, Instant now);
    bool may_send(Channel& channel, Instant now);
    void take_from(const ChannelKey& key, Channel& channel, Instant now, std::size_t limit,
                   std::vector<Delivery>& out);
    void take_lane(const ChannelKey& key, Channel& channel, const std::string& subject, Instant now,
                   std::size_t limit, std::vector<Delivery>& out);
    Item* in_flight_at(DeliveryPlace place);
    void keep(Item& item, Delivery delivery);
    void drop(Item& item);
    void remove(const ChannelKey& key, const std::string& subject, DeliveryPlace place);
    void note(Channel& channel, bool failed, Instant now);
    void want(Instant instant);

    std::size_t memory_max_;
    std::size_t size_ = 0;
    std::map<ChannelKey, Channel> channels_;
    std::map<DeliveryPlace, Flight> in_flight_;
    std::vector<DeliveryPlace> wanted_;
    std::size_t whole_ = 0;
    std::optional<Instant> next_due_;
};

/// The wait before the attempt after `attempts` made ones, with ±20 % that depend on key and count only;
/// nothing when the schedule is used up. What the receiver asked for, clamped to 1 s … 24 h, counts when it
/// is longer.
std::optional<Duration> retry_wait(const std::vector<Duration>& schedule, int attempts,
                                   const DeliveryKey& key, Duration retry_after);

}  // namespace engine
