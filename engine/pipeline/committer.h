#pragma once
/// Committer: commits a batch on a thread of its own, so that the next one is decided meanwhile.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

#include "engine/base/result.h"
#include "engine/store/store.h"

namespace engine {

struct Committed {
    Result<void> outcome;
    std::chrono::steady_clock::duration took{};
    std::chrono::steady_clock::time_point began{};
};

/// Used by one thread, which leaves the store alone from `start` until `wait` has returned.
class Committer {
public:
    /// `done` is called on the committing thread when a commit that was started has ended.
    explicit Committer(Store& store, std::function<void()> done = {});
    ~Committer();
    Committer(const Committer&) = delete;
    Committer& operator=(const Committer&) = delete;

    /// Begins to commit; `steps` must stay as they are until `wait` has returned. One at a time.
    void start(std::span<const Step> steps);
    /// Whether `wait` would not have to.
    bool ended() const;
    /// How the commit that was started ended.
    Committed wait();
    /// Commits on the calling thread; none may be under way.
    Committed commit(std::span<const Step> steps);

private:
    void run();

    Store& store_;
    std::function<void()> done_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<std::span<const Step>> steps_;  ///< to be committed
    std::optional<Committed> committed_;          ///< not fetched yet
    bool stopping_ = false;
    std::thread thread_;  ///< runs from the first `start` on
};

}  // namespace engine
