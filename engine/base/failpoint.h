#pragma once
/// Failpoints: named places on the way of an event where a test ends the process or makes the store fail.

#include <array>
#include <atomic>
#include <string_view>

#include "engine/base/result.h"

namespace engine {

/// In the order in which an event passes them. Names are those of `failpoint_names`.
enum class Failpoint {
    start_owned,
    start_resumed,
    intake_queued,
    turn_decided,
    commit_started,
    store_written,
    store_committed,
    commit_concluded,
    answer_given,
    delivery_leaving,
    delivery_answered,
    delivery_settled,
    lookup_leaving,
    lookup_answered,
    command_performed,
    activation_kept,
    activation_journaled,
    drain_begun,
};

inline constexpr std::array<std::string_view, 18> failpoint_names{
    "start.owned",           // the store is ours, nothing was read yet
    "start.resumed",         // what waited was read, nobody is answered yet
    "intake.queued",         // an event waits for its turn
    "turn.decided",          // decided, nothing written
    "commit.started",        // on its way to the store
    "store.written",         // everything is written and not committed
    "store.committed",       // the store has committed and nobody knows
    "commit.concluded",      // known, and nobody was answered
    "answer.given",          // some of the turn's senders were answered
    "delivery.leaving",      // an action is about to be sent
    "delivery.answered",     // its receiver has answered and nobody knows
    "delivery.settled",      // its end is committed, what waited behind it was not sent
    "lookup.leaving",        // the event waits in the store, nobody is asked yet
    "lookup.answered",       // the answer is there, nothing is decided by it
    "command.performed",     // a person's command is committed and not answered
    "activation.kept",       // a rule set is kept and not live
    "activation.journaled",  // it is live in the journal and not served
    "drain.begun",           // an orderly stop has begun
};

/// Arms what `NAME=kill@N,…` names: the process dies by SIGKILL when the point is passed for the N-th time;
/// with `fail` instead of kill the store takes nothing there, with `doubt` its outcome is not known. Once,
/// before there are threads. Fails with invalid_input, naming what is wrong.
Result<void> arm_failpoints(std::string_view text);

namespace failpoint_detail {
extern std::atomic<bool> armed;
Result<void> hit(Failpoint point);
}  // namespace failpoint_detail

/// Any thread; next to nothing unless points are armed. What the caller is to fail with, if it can.
inline Result<void> failing_at(Failpoint point) {
    if (!failpoint_detail::armed.load(std::memory_order_relaxed)) return {};
    return failpoint_detail::hit(point);
}
inline void pass(Failpoint point) {
    if (failpoint_detail::armed.load(std::memory_order_relaxed)) (void)failpoint_detail::hit(point);
}

}  // namespace engine
