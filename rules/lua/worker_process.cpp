#include "rules/lua/worker_process.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "engine/base/ensure.h"
#include "rules/lua/worker_confine.h"

namespace rules {
namespace {

using engine::Result;
using engine::unavailable;

// How much later than its deadline a silent worker may be noticed.
constexpr int notice_milliseconds = 4;

/// A descriptor of ours until it is taken.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }
    int take() { return std::exchange(number_, -1); }

private:
    int number_;
};

/// What posix_spawn is told: the socket, no signal that the daemon ignores or blocks, a session.
class SpawnOrders {
public:
    explicit SpawnOrders(int socket) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        good_ = ::posix_spawn_file_actions_adddup2(&actions_, socket, worker_socket) == 0 &&
                ::posix_spawn_file_actions_addclosefrom_np(&actions_, worker_socket + 1) == 0 &&
                set_attributes();
    }
    SpawnOrders(const SpawnOrders&) = delete;
    SpawnOrders& operator=(const SpawnOrders&) = delete;
    ~SpawnOrders() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }

    bool good() const { return good_; }
    const posix_spawn_file_actions_t* actions() const { return &actions_; }
    const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    bool set_attributes() {
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        return ::posix_spawnattr_setsigmask(&attributes_, &none) == 0 &&
               ::posix_spawnattr_setsigdefault(&attributes_, &all) == 0 &&
               ::posix_spawnattr_setflags(
                   &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID) == 0;
    }

    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
    bool good_ = false;
};

std::string how_it_ended(int status) {
    if (WIFEXITED(status)) return "ended with code " + std::to_string(WEXITSTATUS(status));
    const int signal = WTERMSIG(status);
    const char* name = ::sigdescr_np(signal);
    return "was killed by signal " + std::to_string(signal) + (name ? " (" + std::string(name) + ")" : "");
}

bool may_pass(int error) {
    return error == EINTR || error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(const std::vector<std::string>& command) {
    ENSURE(!command.empty());
    const auto failed = [](const char* step, int error) {
        return unavailable(std::string("no script worker can be started: ") + step + ": " +
                           std::strerror(error));
    };
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return failed("socketpair", errno);
    Descriptor ours(ends[0]);
    const Descriptor theirs(ends[1]);
    // A blocking read that looks up now and then is half the system calls of poll and read.
    const timeval notice{0, notice_milliseconds * 1000};
    if (::setsockopt(ours.get(), SOL_SOCKET, SO_RCVTIMEO, &notice, sizeof notice) != 0)
        return failed("SO_RCVTIMEO", errno);
    const SpawnOrders orders(theirs.get());
    if (!orders.good()) return failed("posix_spawn", ENOMEM);
    std::vector<char*> words;
    for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    char* no_environment = nullptr;
    pid_t id = 0;
    const int error =
        ::posix_spawn(&id, words[0], orders.actions(), orders.attributes(), words.data(), &no_environment);
    if (error != 0) return failed(words[0], error);
    return std::unique_ptr<WorkerProcess>(new WorkerProcess(id, ours.take()));
}

WorkerProcess::~WorkerProcess() {
    end();
    ::close(socket_);
}

/// Sends what the socket takes. False when nobody reads any more.
bool WorkerProcess::push() {
    while (sent_ < out_.size()) {
        const auto sent =
            ::send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return may_pass(errno);
        sent_ += static_cast<std::size_t>(sent);
    }
    out_.clear();
    sent_ = 0;
    return true;
}

/// Reads what is there, or waits a moment for it. False at the end.
bool WorkerProcess::pull() {
    const bool more_to_send = sent_ < out_.size();
    if (more_to_send) {
        pollfd wait{socket_, POLLIN | POLLOUT, 0};
        if (::poll(&wait, 1, notice_milliseconds) <= 0 || (wait.revents & POLLIN) == 0)
            return (wait.revents & (POLLERR | POLLHUP)) == 0;
    }
    std::array<char, 64 * 1024> bytes;  // NOLINT(*-member-init): written before it is read
    const auto got = ::recv(socket_, bytes.data(), bytes.size(), more_to_send ? MSG_DONTWAIT : 0);
    if (got < 0) return may_pass(errno);
    frames_.append({bytes.data(), static_cast<std::size_t>(got)});
    return got > 0;
}

std::variant<Frame, WorkerTrouble> WorkerProcess::read(Time until) {
    while (true) {
        if (!push()) return WorkerTrouble::gone;
        if (const auto frame = frames_.next()) return *frame;
        if (frames_.is_broken()) return WorkerTrouble::forged;
        if (std::chrono::steady_clock::now() >= until) return WorkerTrouble::deadline;
        if (!pull()) return WorkerTrouble::gone;
    }
}

std::chrono::nanoseconds WorkerProcess::processor_time() const {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(id_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

bool WorkerProcess::wants_processor() const {
    std::ifstream file("/proc/" + std::to_string(id_) + "/stat");
    std::string stat;
    std::getline(file, stat);
    // The name stands in brackets, and may have some itself.
    const auto name_end = stat.rfind(") ");
    const char state = name_end == std::string::npos ? '?' : stat[name_end + 2];
    return state == 'R' || state == 'D';
}

bool WorkerProcess::is_running() const {
    siginfo_t ended{};
    return ::waitid(P_PID, static_cast<id_t>(id_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0;
}

std::string WorkerProcess::end() {
    if (!ended_.empty()) return ended_;
    // Nobody else reaps it, so the number is still its own.
    ::kill(id_, SIGKILL);
    int status = 0;
    pid_t reaped = 0;
    while ((reaped = ::waitpid(id_, &status, 0)) < 0 && errno == EINTR) {
    }
    ended_ = reaped == id_ ? how_it_ended(status) : "is gone";
    return ended_;
}

}  // namespace rules
