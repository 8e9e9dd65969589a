#include "engine/app/bench_daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "engine/app/bench_wire.h"

namespace engine::app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr auto start_patience = std::chrono::seconds(30);
constexpr auto stop_patience = std::chrono::seconds(30);
constexpr auto pause = std::chrono::microseconds(500);
constexpr std::string_view listening = "listening on http://127.0.0.1:";

/// Between fork and exec: only what is safe in a signal handler.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(output, STDOUT_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0u, 0);
    ::execve(arguments[0], arguments, environment);
    ::_exit(127);
}

/// Without the SIGNALBOX_ variables of whoever measures: they would change what is measured.
std::vector<char*> clean_environment() {
    std::vector<char*> kept;
    for (char** entry = environ; *entry != nullptr; ++entry)
        if (std::strncmp(*entry, "SIGNALBOX_", 10) != 0) kept.push_back(*entry);
    kept.push_back(nullptr);
    return kept;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (auto& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// The kilobytes in a line such as `VmRSS:  10240 kB`, as MB.
double megabytes_in(std::string_view status, std::string_view name) {
    const auto at = status.find(name);
    if (at == std::string_view::npos) return 0;
    return std::strtod(status.data() + at + name.size(), nullptr) / 1024;
}

}  // namespace

Result<BenchStore> bench_store(const std::string& asked, const std::filesystem::path& folder) {
    const auto url = asked.empty() ? "sqlite:///" + (folder / "store.db").string() : asked;
    auto parsed = parse_store_url(url);
    if (!parsed) return parsed.error();
    if (parsed->in_memory())
        return invalid("the benchmark needs a store that lasts: sqlite:///file.db or postgresql://…");
    return BenchStore{url, *std::move(parsed)};
}

Result<std::unique_ptr<BenchDaemon>> BenchDaemon::start(const Options& options) {
    const auto program =
        options.program.empty() ? std::filesystem::read_symlink("/proc/self/exe").string() : options.program;
    std::vector<std::string> words{program, "serve", "--tenants", options.tenants, "--store", options.store,
                                   "--listen", "127.0.0.1:0", "--log-level", "warn", "--log-format", "text",
                                   // Another run's, of another database, would not fit this one.
                                   "--checkpoints", options.tenants + ".checkpoints"};
    const auto arguments = pointers_to(words);
    const auto environment = clean_environment();
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
        return unavailable(std::string("pipe: ") + std::strerror(errno));
    const auto began = SteadyClock::now();
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) become(arguments.data(), environment.data(), pipe[1], parent);
    ::close(pipe[1]);
    if (child < 0) {
        ::close(pipe[0]);
        return unavailable(std::string("fork: ") + std::strerror(errno));
    }
    std::unique_ptr<BenchDaemon> daemon(new BenchDaemon(child, pipe[0]));
    if (auto read = daemon->read_port(); !read) return read.error();
    if (auto ready = daemon->wait_until_ready(); !ready) return ready.error();
    daemon->cold_start_ms_ = std::chrono::duration<double, std::milli>(SteadyClock::now() - began).count();
    return daemon;
}

BenchDaemon::~BenchDaemon() {
    if (process_ > 0) {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    ::close(output_);
}

/// It prints where it listens once it does.
Result<void> BenchDaemon::read_port() {
    const auto until = SteadyClock::now() + start_patience;
    std::string text;
    while (text.find('\n') == std::string::npos) {
        pollfd wait{output_, POLLIN, 0};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - SteadyClock::now()).count();
        if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) <= 0)
            return unavailable("the daemon did not say in time where it listens");
        std::array<char, 512> chunk;
        const auto bytes = ::read(output_, chunk.data(), chunk.size());
        if (bytes <= 0) return unavailable("the daemon ended before it listened");
        text.append(chunk.data(), static_cast<std::size_t>(bytes));
    }
    const auto at = text.find(listening);
    if (at != std::string::npos)
        port_ = static_cast<std::uint16_t>(std::strtoul(text.c_str() + at + listening.size(), nullptr, 10));
    if (port_ == 0) return unavailable("the daemon says: " + text.substr(0, text.find('\n')));
    return {};
}

Result<void> BenchDaemon::wait_until_ready() {
    const auto until = SteadyClock::now() + start_patience;
    while (SteadyClock::now() < until) {
        if (get("/readyz")) return {};
        std::this_thread::sleep_for(pause);
    }
    return unavailable("the daemon did not become ready in time");
}

Result<std::string> BenchDaemon::get(const std::string& target) const {
    asio::io_context network;
    tcp::socket socket(network);
    error_code error;
    socket.connect({asio::ip::address_v4::loopback(), port_}, error);
    const std::string request = "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    if (!error) asio::write(socket, asio::buffer(request), error);
    std::string in;
    std::array<char, 4096> chunk;
    while (!error) {
        in.append(chunk.data(), socket.read_some(asio::buffer(chunk), error));
        const auto answer = first_message(in);
        if (!answer) continue;
        if (status_of(*answer) == 200) return std::string(answer->body);
        return unavailable(target + " answered " + std::to_string(status_of(*answer)));
    }
    return unavailable(target + ": " + error.message());
}

Result<BenchDaemon::Memory> BenchDaemon::memory() const {
    std::ifstream file("/proc/" + std::to_string(process_) + "/status");
    std::ostringstream text;
    text << file.rdbuf();
    const auto status = text.str();
    const Memory memory{megabytes_in(status, "VmRSS:"), megabytes_in(status, "VmHWM:")};
    if (memory.now_mb <= 0) return unavailable("the daemon's memory cannot be read");
    return memory;
}

double BenchDaemon::processor_seconds() const {
    std::ifstream file("/proc/" + std::to_string(process_) + "/stat");
    std::string text;
    std::getline(file, text);
    // The name may hold spaces; fields 14 and 15 are counted from behind its bracket.
    std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Result<void> BenchDaemon::stop() {
    ::kill(process_, SIGTERM);
    const auto until = SteadyClock::now() + stop_patience;
    while (SteadyClock::now() < until) {
        int status = 0;
        if (::waitpid(process_, &status, WNOHANG) == process_) {
            process_ = 0;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
            return unavailable("the daemon ended with status " + std::to_string(status));
        }
        std::this_thread::sleep_for(pause);
    }
    return unavailable("the daemon did not end when asked to");
}

}  // namespace engine::app
