#pragma once
/// Replayer: a recorded stream through the engine on a virtual clock; nothing is ever delivered.

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/pipeline/engine.h"
#include "engine/pipeline/worker.h"
#include "engine/store/store.h"

namespace engine {

/// One thread. The clock is the largest event time so far. At one instant: the stream's events, then what
/// they emitted, then the timers that are due, by due time, subject and name, then what those emitted.
class Replayer {
public:
    /// Called once for each decision, in order; a duplicate counts as one.
    using Each = std::function<void(const Event&, const Decision&)>;

    /// `answers` says what scripts look up, and leaves no question open; null = nobody answers.
    Replayer(Store& store, std::shared_ptr<const Tenant> tenant, Each each,
             std::shared_ptr<AnswerSource> answers = nullptr);

    /// Owns the store and marks it simulated. `clock` is where time starts; without it, at the first event.
    Result<void> start(std::optional<Instant> clock = {});
    /// Takes the stream's next event; it may be decided only when later ones come or at the end.
    Result<void> take(Event event);
    /// Decides what is left. The clock goes on as far as there are timers, until that instant at most, or
    /// `run_on_max` beyond the last event: timers may set timers for ever. Without an instant schedules end
    /// with the last event.
    Result<void> finish(std::optional<Instant> until = {});
    static constexpr Duration run_on_max = std::chrono::days(3'660);
    /// Whether timers were left that are due later than that.
    bool has_timers_left() const { return worker_.has_timers(Instant::max()); }

    Instant now() const { return now_; }
    /// Events that wait behind lanes that no operator will release here.
    std::uint64_t waiting() const { return waiting_; }

private:
    Result<void> begin_schedules();
    Result<void> decide_instant();
    Result<void> fire_before(Instant instant);
    Result<void> fire_now();
    Result<void> decide_pending();
    Result<void> decide_intake();
    void note_acks(const std::vector<Event>& events, const std::vector<Ack>& acks);

    Store& store_;
    std::shared_ptr<const Tenant> tenant_;
    Each each_;
    Worker worker_;
    Instant now_{};
    bool started_ = false;
    std::vector<Event> instant_;  ///< events of the current instant, not decided yet
    std::deque<std::pair<Event, Decision>> made_;
    std::uint64_t waiting_ = 0;
};

}  // namespace engine
