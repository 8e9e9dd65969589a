#include "engine/pipeline/committer.h"

#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/failpoint.h"

namespace engine {

Committer::Committer(Store& store, std::function<void()> done) : store_(store), done_(std::move(done)) {}

Committer::~Committer() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

Committed Committer::commit(std::span<const Step> steps) {
    const auto began = std::chrono::steady_clock::now();
    pass(Failpoint::commit_started);
    auto outcome = store_.commit(steps);
    return {std::move(outcome), std::chrono::steady_clock::now() - began, began};
}

void Committer::start(std::span<const Step> steps) {
    {
        const std::lock_guard lock(mutex_);
        ENSURE(!steps_ && !committed_);
        steps_ = steps;
    }
    changed_.notify_all();
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

bool Committer::ended() const {
    const std::lock_guard lock(mutex_);
    return committed_.has_value();
}

Committed Committer::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return committed_.has_value(); });
    auto committed = *std::move(committed_);
    committed_.reset();
    return committed;
}

/// What was started is committed even when the end is near: whoever started it waits.
void Committer::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return steps_ || stopping_; });
        if (!steps_) return;
        const auto steps = *std::exchange(steps_, std::nullopt);
        lock.unlock();
        auto committed = commit(steps);
        lock.lock();
        committed_ = std::move(committed);
        changed_.notify_all();
        if (!done_) continue;
        lock.unlock();
        done_();
        lock.lock();
    }
}

}  // namespace engine
