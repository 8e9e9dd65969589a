#pragma once
/// Checkpoints: signs a store's heads on a thread of its own while the daemon runs.

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/app/checkpoint_sink.h"

namespace engine::app {

struct CheckpointOptions {
    std::string sink;
    std::uint64_t rows = 1'000;                      ///< a checkpoint when so many rows are not signed
    Duration every = std::chrono::seconds(60);       ///< and when some have been for so long
    Duration poll = std::chrono::milliseconds(250);  ///< how often heads are looked at
    /// The sink failed, not the store: called on the thread, at each try. Events go on unless it acts.
    std::function<void(const Error&)> on_failure = {};
};

/// One line for each tenant that has grown; how many were written. Fails as the store and the sink do.
Result<int> make_checkpoints(Store& store, CheckpointSink& sink, const SigningKey& key, Instant now);

/// Serves a store that is behind its sink all the same: journals that in the control stream of each tenant
/// and signs that what was signed of it before no longer holds. `store` is owned. Fails as store and sink do.
Result<void> accept_rollbacks(Store& store, const std::vector<Rollback>& rollbacks, CheckpointSink& sink,
                              const SigningKey& key, const std::string& actor, Instant now);

class Checkpoints {
public:
    /// `store` is a handle of its own, used on the thread.
    Checkpoints(std::unique_ptr<Store> store, CheckpointSink sink, SigningKey key, CheckpointOptions options);
    Checkpoints(const Checkpoints&) = delete;
    Checkpoints& operator=(const Checkpoints&) = delete;
    /// Makes a last one.
    ~Checkpoints();
    void stop();

    /// For /metrics and /readyz?verbose, without `signalbox_` in front. Any thread.
    std::map<std::string, double> gauges() const;

private:
    void run();
    Result<std::uint64_t> rows_in_store();
    bool is_due(std::uint64_t unsigned_rows);
    void make();
    void note_failure(const Error& error, bool of_sink);

    std::unique_ptr<Store> store_;
    CheckpointSink sink_;
    SigningKey key_;
    CheckpointOptions options_;
    std::uint64_t signed_rows_ = 0;
    std::chrono::steady_clock::time_point unsigned_since_{};
    mutable std::mutex mutex_;
    std::condition_variable woken_;
    bool stopping_ = false;
    bool failing_ = false;
    double made_ = 0;
    double failures_ = 0;
    double unsigned_ = 0;
    std::thread thread_;
};

}  // namespace engine::app
