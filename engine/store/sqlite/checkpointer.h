#pragma once
/// Checkpointer: moves the write-ahead log into the database on a thread of its own, so that commits need not
/// wait.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/store/sqlite/database.h"

namespace engine {

/// Has a connection of its own; shares nothing with the store's but the file.
class Checkpointer {
public:
    static Result<std::unique_ptr<Checkpointer>> start(const std::string& path);
    Checkpointer(const Checkpointer&) = delete;
    Checkpointer& operator=(const Checkpointer&) = delete;
    /// Waits for the pass that is running.
    ~Checkpointer();

    /// Asks for a pass and returns at once.
    void wake();
    /// A pass could not make its pages durable: the store must stop.
    bool failed() const { return failed_; }

private:
    explicit Checkpointer(std::unique_ptr<Database> database);
    void run();
    void pass();

    std::unique_ptr<Database> database_;  ///< of the thread
    std::atomic<bool> failed_ = false;
    std::mutex mutex_;
    std::condition_variable woken_;
    bool wanted_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace engine
