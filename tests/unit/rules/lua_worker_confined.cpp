/// What a worker may do once it has been taken over: compute, and nothing else. The test worker makes any
/// system call that is asked for.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <map>

#include "tests/support/catch.h"
#include "tests/support/lua_worker.h"

namespace tests::lua_worker_confined {
namespace {

using engine::Json;
using rules::WorkerHost;

constexpr auto killed_by_filter = "script_crashed: its worker was killed by signal 31 (Bad system call)";

struct Probe {
    const char* name;
    long number;
    Json words;  ///< numbers, and texts by their address
};

const std::vector<Probe>& forbidden() {
    static const std::vector<Probe> all{
        {"openat", SYS_openat, {AT_FDCWD, "/etc/passwd", O_RDONLY}},
        {"openat of /proc", SYS_openat, {AT_FDCWD, "/proc/self/maps", O_RDONLY}},
        {"openat2", SYS_openat2, {AT_FDCWD, "/etc/passwd", 0, 0}},
        {"readlinkat", SYS_readlinkat, {AT_FDCWD, "/proc/self/exe", 0, 0}},
        {"newfstatat", SYS_newfstatat, {AT_FDCWD, "/etc/passwd", 0, 0}},
        {"statx", SYS_statx, {AT_FDCWD, "/etc/passwd", 0, 0, 0}},
        {"getdents64", SYS_getdents64, {0, 0, 0}},
        {"unlinkat", SYS_unlinkat, {AT_FDCWD, "/nowhere", 0}},
        {"chdir", SYS_chdir, {"/"}},
        {"chroot", SYS_chroot, {"/"}},
        {"mount", SYS_mount, {"none", "/", "tmpfs", 0, 0}},
        {"memfd_create", SYS_memfd_create, {"x", 0}},
        {"socket", SYS_socket, {AF_INET, SOCK_STREAM, 0}},
        {"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, 0}},
        {"connect", SYS_connect, {0, 0, 0}},
        {"bind", SYS_bind, {0, 0, 0}},
        {"sendmsg", SYS_sendmsg, {0, 0, 0}},
        {"recvmsg", SYS_recvmsg, {0, 0, 0}},
        {"sendto", SYS_sendto, {0, 0, 0, 0, 0, 0}},
        {"getsockopt", SYS_getsockopt, {0, SOL_SOCKET, SO_PEERCRED, 0, 0}},
        {"pipe2", SYS_pipe2, {0, 0}},
        {"dup", SYS_dup, {0}},
        {"dup3", SYS_dup3, {0, 3, 0}},
        {"fcntl", SYS_fcntl, {0, F_SETFL, 0}},
        {"ioctl", SYS_ioctl, {0, 0x5401, 0}},
        {"close", SYS_close, {0}},
        {"read of 3", SYS_read, {3, 0, 0}},
        {"write to 1", SYS_write, {1, "x", 1}},
        {"write to 2", SYS_write, {2, "x", 1}},
        {"write to 3", SYS_write, {3, "x", 1}},
        {"writev", SYS_writev, {0, 0, 0}},
        {"clone", SYS_clone, {SIGCHLD, 0, 0, 0, 0}},
        {"clone3", SYS_clone3, {0, 0}},
        {"execve", SYS_execve, {"/bin/true", 0, 0}},
        {"execveat", SYS_execveat, {AT_FDCWD, "/bin/true", 0, 0, 0}},
        {"unshare", SYS_unshare, {0}},
        {"setns", SYS_setns, {0, 0}},
        {"ptrace", SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0}},
        {"process_vm_readv", SYS_process_vm_readv, {1, 0, 0, 0, 0, 0}},
        {"pidfd_open", SYS_pidfd_open, {1, 0}},
        {"kill", SYS_kill, {1, 0}},
        {"tgkill", SYS_tgkill, {1, 1, 0}},
        {"getppid", SYS_getppid, Json::array()},
        {"getuid", SYS_getuid, Json::array()},
        {"uname", SYS_uname, {0}},
        {"sysinfo", SYS_sysinfo, {0}},
        {"setuid", SYS_setuid, {0}},
        {"capset", SYS_capset, {0, 0}},
        {"prctl", SYS_prctl, {PR_SET_DUMPABLE, 1, 0, 0, 0}},
        {"prlimit64", SYS_prlimit64, {0, 0, 0, 0}},
        {"seccomp", SYS_seccomp, {0, 0, 0}},
        {"bpf", SYS_bpf, {0, 0, 0}},
        {"io_uring_setup", SYS_io_uring_setup, {1, 0}},
        {"userfaultfd", SYS_userfaultfd, {0}},
        {"perf_event_open", SYS_perf_event_open, {0, 0, 0, 0, 0}},
        {"keyctl", SYS_keyctl, {0, 0, 0, 0, 0}},
        {"shmget", SYS_shmget, {0, 4096, 01600}},
        {"getrandom", SYS_getrandom, {0, 0, 0}},
        {"nanosleep", SYS_nanosleep, {0, 0}},
        {"sched_setaffinity", SYS_sched_setaffinity, {0, 0, 0}},
        {"rt_sigaction", SYS_rt_sigaction, {SIGTERM, 0, 0, 8}},
        {"alarm by setitimer", SYS_setitimer, {0, 0, 0}},
        {"clock_settime", SYS_clock_settime, {0, 0}},
        {"clock_gettime of another process", SYS_clock_gettime, {0xFFFFFFFEU, 0}},
        {"mmap of code", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
        {"mmap of a file", SYS_mmap, {0, 4096, PROT_READ, MAP_SHARED, 0, 0}},
        {"mprotect", SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC}},
        {"madvise of another kind", SYS_madvise, {0, 4096, MADV_REMOVE}},
        {"a number that no kernel knows", 4095, Json::array()},
        {"x32", 0x40000000L + SYS_read, {0, 0, 0}},
    };
    return all;
}

std::string status_line(pid_t process, const std::string& name) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name + ":")) return line.substr(name.size() + 2);
    return "";
}

/// Soft and hard.
std::map<std::string, std::string> limits_of(pid_t process) {
    std::map<std::string, std::string> limits;
    std::ifstream lines("/proc/" + std::to_string(process) + "/limits");
    for (std::string line; std::getline(lines, line);) {
        auto values = line.substr(25);
        values = values.substr(values.find_first_not_of(' '));
        limits[line.substr(0, line.find("  "))] = values.substr(0, values.find("  "));
    }
    return limits;
}

}  // namespace

TEST_CASE("lua worker: every system call that is not needed ends the worker", "[lua-worker]") {
    WorkerHost host(worker_options());
    for (const auto& probe : forbidden()) {
        CAPTURE(probe.name);
        const auto outcome =
            host.run(script_set(), script_call("call", {{"number", probe.number}, {"words", probe.words}}));
        CHECK(failure_of(outcome) == killed_by_filter);
    }
    CHECK(host.stats().script_crashes == forbidden().size());
}

#ifdef __x86_64__
TEST_CASE("lua worker: the other way into the kernel is shut too", "[lua-worker]") {
    WorkerHost host(worker_options());
    const auto outcome = host.run(script_set(), script_call("call_of_32_bits"));
    CHECK(failure_of(outcome).starts_with("script_crashed: its worker was killed by signal "));
}
#endif

TEST_CASE("lua worker: it has the rights and limits it needs and no more", "[lua-worker]") {
    WorkerHost host(worker_options());
    host.run(script_set(), script_call("echo"));
    const auto worker = host.processes().front();

    CHECK(status_line(worker, "NoNewPrivs") == "1");
    CHECK(status_line(worker, "Seccomp") == "2");
#ifndef __SANITIZE_THREAD__  // which has one of its own
    CHECK(status_line(worker, "Threads") == "1");
#endif
    const auto limits = limits_of(worker);
    for (const auto* name : {"Max file size", "Max core file size", "Max processes", "Max open files",
                             "Max locked memory", "Max msgqueue size"}) {
        CAPTURE(name);
        CHECK(limits.at(name) == "0");
    }
    CHECK(limits.at("Max cpu time") == "120");
    CHECK(limits.at("Max address space") != "unlimited");
}

}  // namespace tests::lua_worker_confined
