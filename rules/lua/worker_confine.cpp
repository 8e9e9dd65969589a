#include "rules/lua/worker_confine.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>

namespace rules {
namespace {

using engine::Result;

// The daemon replaces a worker long before it has used so much.
constexpr rlim_t processor_seconds_max = 120;

#ifdef __SANITIZE_THREAD__
constexpr std::uint32_t filters_all_threads = 0;  // the sanitizer has one of its own, which sleeps
#else
constexpr std::uint32_t filters_all_threads = 1;
#endif

engine::Error confine_error(const char* step, int error) {
    return engine::unavailable(std::string(step) + ": " + std::strerror(error));
}

/// Address space in use, in bytes; 0 where the kernel does not tell.
std::size_t address_space_bytes() {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// When memory is short, the kernel ends a worker, not the daemon.
void offer_to_memory_killer() {
    std::ofstream("/proc/self/oom_score_adj") << 1000;
}

Result<void> limit_resources(std::size_t memory_bytes_max) {
    const auto in_use = address_space_bytes();
    if (in_use == 0) return confine_error("/proc/self/statm", EIO);
    struct Limit {
        __rlimit_resource resource;
        rlim_t max;
    };
    for (const auto& [resource, max] :
         {Limit{RLIMIT_AS, in_use + memory_bytes_max}, Limit{RLIMIT_CPU, processor_seconds_max},
          Limit{RLIMIT_FSIZE, 0}, Limit{RLIMIT_CORE, 0}, Limit{RLIMIT_MEMLOCK, 0}, Limit{RLIMIT_MSGQUEUE, 0},
          Limit{RLIMIT_NPROC, 0}, Limit{RLIMIT_NOFILE, 0}}) {
        const rlimit limit{max, max};
        if (::setrlimit(resource, &limit) != 0) return confine_error("setrlimit", errno);
    }
    return {};
}

Result<void> set_process_rights() {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return confine_error("PR_SET_PDEATHSIG", errno);
    if (::prctl(PR_SET_DUMPABLE, 0) != 0) return confine_error("PR_SET_DUMPABLE", errno);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return confine_error("PR_SET_NO_NEW_PRIVS", errno);
    return {};
}

struct ReleaseFilter {
    void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

/// What libseccomp's macros make of it, with all members, so that every compiler is content.
scmp_arg_cmp argument(unsigned place, scmp_compare compare, unsigned value, unsigned masked = 0) {
    return {place, compare, value, masked};
}

/// docs/decisions/0045-script-workers.md says why each is there.
bool allow_what_is_needed(scmp_filter_ctx filter) {
    const auto allow = [filter](int call, auto... conditions) {
        return ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, sizeof...(conditions), conditions...) == 0;
    };
    const auto socket = argument(0, SCMP_CMP_EQ, worker_socket);
    const auto not_executable = argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const auto of_no_file = argument(3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS);
    bool good = allow(SCMP_SYS(read), socket) && allow(SCMP_SYS(write), socket) &&
                allow(SCMP_SYS(mmap), not_executable, of_no_file) && allow(SCMP_SYS(munmap)) &&
                allow(SCMP_SYS(mremap)) && allow(SCMP_SYS(brk)) && allow(SCMP_SYS(futex)) &&
                allow(SCMP_SYS(exit)) && allow(SCMP_SYS(exit_group)) && allow(SCMP_SYS(rt_sigreturn));
    for (const int advice : {MADV_NORMAL, MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE})
        good = good && allow(SCMP_SYS(madvise), argument(2, SCMP_CMP_EQ, static_cast<unsigned>(advice)));
#ifdef __SANITIZE_ADDRESS__
    // It asks where the stack is when a function does not return, and keeps its notes out of dumps.
    good = good && allow(SCMP_SYS(sigaltstack)) &&
           allow(SCMP_SYS(madvise), argument(2, SCMP_CMP_EQ, static_cast<unsigned>(MADV_DONTDUMP)));
#endif
    // Negative numbers are the clocks of other processes.
    good = good && allow(SCMP_SYS(clock_gettime), argument(0, SCMP_CMP_LE, static_cast<unsigned>(CLOCK_TAI)));
    return good;
}

Result<void> filter_system_calls() {
    const Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS));
    if (!filter) return confine_error("seccomp_init", ENOMEM);
    int error = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    // All of the process is one tenant's: there is nothing in it that guessed loads could tell another.
    if (error == 0) error = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_SSB, 1);
    if (error == 0) error = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, filters_all_threads);
    if (error == 0 && !allow_what_is_needed(filter.get())) error = -EINVAL;
    if (error == 0) error = ::seccomp_load(filter.get());
    return error == 0 ? Result<void>() : confine_error("seccomp", -error);
}

}  // namespace

Result<void> confine_worker(std::size_t memory_bytes_max) {
    std::setlocale(LC_ALL, "C");
    offer_to_memory_killer();
    if (::close_range(worker_socket + 1, ~0U, 0) != 0) return confine_error("close_range", errno);
    if (auto limited = limit_resources(memory_bytes_max); !limited) return limited.error();
    if (auto set = set_process_rights(); !set) return set.error();
    return filter_system_calls();
}

}  // namespace rules
