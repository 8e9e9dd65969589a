#pragma once
/// One worker process as the daemon sees it: started with a socket and nothing else, asked, killed, reaped.

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "rules/lua/worker_frame.h"

namespace rules {

/// Why no answer comes from a worker. Whatever it is, the worker is to be ended.
enum class WorkerTrouble {
    deadline,  ///< it did not answer in time
    gone,      ///< it has ended, or hung up
    forged,    ///< what it sent is no answer
};

/// One thread. Ends the process when it goes, and waits until it is gone.
class WorkerProcess {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// Starts the command with the socket as descriptor 0, no other, no environment, and a session of its
    /// own. Does not wait for its hello. Fails with unavailable.
    static engine::Result<std::unique_ptr<WorkerProcess>> start(const std::vector<std::string>& command);
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;
    ~WorkerProcess();

    /// Is sent by the next `read`, or by `push`.
    void send(FrameKind kind, std::uint64_t id, std::string_view body) { append_frame(out_, kind, id, body); }
    /// Sends what is to be sent and reads the next frame. A deadline is noticed some milliseconds late.
    std::variant<Frame, WorkerTrouble> read(Time until);
    /// Sends of it what can be sent at once. False at the end.
    bool push();
    /// Answers may be so long, from the next `read` on.
    void expect_up_to(std::size_t body_bytes_max) { frames_.set_body_bytes_max(body_bytes_max); }
    /// It sent more than `read` gave.
    bool said_more() const { return frames_.has_more(); }

    pid_t id() const { return id_; }
    /// What it sent before it ended may still be there to be read.
    bool is_running() const;
    /// Processor time it has had so far; zero when it is gone.
    std::chrono::nanoseconds processor_time() const;
    /// It would go on if it were given a processor.
    bool wants_processor() const;
    /// Kills it, waits, and says how it ended: `killed by signal 31 (Bad system call)`. Ours is signal 9.
    std::string end();

private:
    static constexpr std::size_t hello_bytes_max = 1024;

    WorkerProcess(pid_t id, int socket) : id_(id), socket_(socket) {}
    bool pull();

    pid_t id_;
    int socket_;
    std::string out_;
    std::size_t sent_ = 0;
    FrameReader frames_{hello_bytes_max};
    std::string ended_;
};

}  // namespace rules
