#pragma once
/// IntakeThreads: where webhooks are read whose connector calls functions of its own, which may take a while.

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/http/message.h"
#include "engine/model/event.h"

namespace engine::http {

/// A webhook that is to be read.
struct IntakeWork {
    TenantName tenant;
    std::function<void()> read;
    std::function<void(Response)> respond;              ///< called when it is not read
    std::shared_ptr<const std::atomic<bool>> given_up;  ///< as in Request
};

struct IntakeLimits {
    std::size_t threads = 1;
    std::size_t waiting_max = 1'000;
    std::size_t tenant_percent = 75;  ///< of those, for each of several tenants
};

/// Any thread. Tenants that have something waiting are served by turns, a webhook each: the next one is who
/// was served least recently, so that nobody waits for more than one webhook of another tenant. A tenant's
/// webhooks are begun in the order in which they came, so that one thread keeps it. What is under way is
/// done before this ends; what waits is not begun any more.
class IntakeThreads {
public:
    explicit IntakeThreads(IntakeLimits limits) : limits_(limits), threads_(limits.threads) {}
    ~IntakeThreads();
    IntakeThreads(const IntakeThreads&) = delete;

    /// Has it read, or answers it 503: at once when too many wait already, in all or (where `several` tenants
    /// are served) of its tenant; and later when it was given up before its turn came.
    void post(IntakeWork work, bool several);
    /// From now on nothing is begun: what waits is answered 503.
    void close();
    /// Webhooks that no thread has begun yet.
    std::size_t waiting() const;

private:
    using Waiting = std::deque<IntakeWork>;
    using Waitings = std::map<TenantName, Waiting>;

    void read_next();
    /// Why it cannot wait; empty = it can.
    std::string why_full(const TenantName& tenant, bool several) const;
    /// Whoever has been served least recently.
    Waitings::iterator next_tenant();
    /// The next one in turn. What was given up before it goes to `given_up`.
    std::optional<IntakeWork> take(Waiting& given_up);
    /// Makes room.
    Waiting take_given_up();

    IntakeLimits limits_;
    mutable std::mutex mutex_;
    bool closed_ = false;
    std::size_t size_ = 0;
    Waitings waiting_;  ///< none is empty
    std::uint64_t begun_count_ = 0;
    std::map<TenantName, std::uint64_t> begun_;  ///< which of them was the last of each tenant's
    boost::asio::thread_pool threads_;
};

}  // namespace engine::http
