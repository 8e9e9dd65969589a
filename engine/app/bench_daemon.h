#pragma once
/// BenchDaemon: this program running as `serve` in a process of its own, as a client and an operator see it.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/store/url.h"

namespace engine::app {

/// The store a daemon is measured on.
struct BenchStore {
    std::string url;
    StoreUrl parsed;
    std::string name() const { return parsed.backend == StoreUrl::Backend::sqlite ? "sqlite" : "postgresql"; }
};
/// The one that was asked for, or one in the folder. Fails with invalid_input for one in memory, which ends
/// with its process.
Result<BenchStore> bench_store(const std::string& asked, const std::filesystem::path& folder);

class BenchDaemon {
public:
    struct Options {
        std::string program;  ///< the executable; empty = this one
        std::string tenants;
        std::string store;
    };
    struct Memory {
        double now_mb = 0;
        double peak_mb = 0;
    };

    /// Starts it and waits for its first 200 on /readyz. It ends with this object, or with this process.
    /// Fails with unavailable.
    static Result<std::unique_ptr<BenchDaemon>> start(const Options& options);
    ~BenchDaemon();

    std::uint16_t port() const { return port_; }
    double cold_start_ms() const { return cold_start_ms_; }  ///< from exec to the first 200 on /readyz
    Result<Memory> memory() const;
    /// Processor time used so far, of all threads.
    double processor_seconds() const;
    /// The body of a 200. Fails with unavailable.
    Result<std::string> get(const std::string& target) const;
    /// Asks it to end and waits. Fails with unavailable when it did not end by itself or not with 0.
    Result<void> stop();

private:
    BenchDaemon(pid_t process, int output) : process_(process), output_(output) {}
    Result<void> read_port();
    Result<void> wait_until_ready();

    pid_t process_;
    int output_;
    std::uint16_t port_ = 0;
    double cold_start_ms_ = 0;
};

}  // namespace engine::app
