#pragma once
/// BenchTally: when each event of a measurement was due, sent, acknowledged and its action received.

#include <chrono>
#include <cstdint>
#include <vector>

namespace engine::app {

/// A run of events by their numbers.
struct EventRange {
    std::size_t first = 0;
    std::size_t end = 0;
    std::size_t size() const { return end - first; }
};

/// One thread. Events are numbered from 0.
class BenchTally {
public:
    using SteadyClock = std::chrono::steady_clock;
    using Time = SteadyClock::time_point;

    /// `lane_of[i]` is the lane of event i.
    explicit BenchTally(std::vector<std::uint32_t> lane_of)
        : lane_of_(std::move(lane_of)), events_(lane_of_.size()) {}

    /// `due` is when the event should have left: what it waited for us counts as waiting for the answer.
    void sent(std::size_t event, Time due, Time now) { events_[event].due = due, events_[event].sent = now; }
    void acknowledged(std::size_t event, Time now);
    /// The sender was told that nothing was kept.
    void refused() { ++refusals_; }
    /// Numbers that no event has are counted as strangers.
    void delivered(std::size_t event, Time now);

    std::size_t size() const { return events_.size(); }
    std::size_t acks() const { return acks_; }
    std::size_t refusals() const { return refusals_; }
    std::size_t deliveries() const { return deliveries_; }  ///< each event once
    std::size_t duplicates() const { return duplicates_; }
    std::size_t strangers() const { return strangers_; }

    /// Acknowledged, and no action came.
    std::size_t lost() const;
    /// Events whose action came before that of one of their lane that was acknowledged before they were sent.
    std::size_t out_of_order() const;

    /// From the first sent of the range to its last delivery, in seconds; 0 without one.
    double seconds_to_last_delivery(const EventRange& range) const;
    /// Milliseconds since the events were due, sorted; only of those that got so far.
    std::vector<double> ack_times(const EventRange& range) const;
    std::vector<double> action_times(const EventRange& range) const;

private:
    struct Event {
        Time due{};
        Time sent{};
        Time acked{};
        Time delivered{};
    };
    static bool is_set(Time time) { return time != Time{}; }
    std::vector<double> times(const EventRange& range, Time Event::*what) const;

    std::vector<std::uint32_t> lane_of_;
    std::vector<Event> events_;
    std::size_t acks_ = 0;
    std::size_t refusals_ = 0;
    std::size_t deliveries_ = 0;
    std::size_t duplicates_ = 0;
    std::size_t strangers_ = 0;
};

/// The value below which `share` of the sorted values lie; 0 of none.
double quantile(const std::vector<double>& sorted, double share);

double seconds_since(std::chrono::steady_clock::time_point begin);

}  // namespace engine::app
