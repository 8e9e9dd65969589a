#pragma once
/// IntakeThreads: where webhooks are read whose connector calls functions of its own, which may take a while.

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <functional>

namespace engine::http {

/// Any thread. What is under way is done before this ends; what waits is not begun any more.
class IntakeThreads {
public:
    /// One thread keeps what comes in its order.
    IntakeThreads(std::size_t threads, std::size_t waiting_max)
        : waiting_max_(waiting_max), threads_(threads) {}
    ~IntakeThreads();
    IntakeThreads(const IntakeThreads&) = delete;

    /// False when too many wait already.
    bool post(std::function<void()> work);

private:
    std::size_t waiting_max_;
    std::atomic<std::size_t> waiting_{0};
    boost::asio::thread_pool threads_;
};

}  // namespace engine::http
