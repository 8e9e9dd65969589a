#pragma once
/// CheckpointSink: the append-only file of signed checkpoints, and the keys beside it.

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "engine/store/checkpoint.h"

namespace engine::app {

/// Where the checkpoints of a store are, unless told: beside a SQLite file, or `signalbox.checkpoints` for a
/// server's database. Empty for a store in memory, which has none.
std::string default_sink(const std::string& store_url);
/// The private key beside the sink; its public key has `.pub` added.
std::string default_key(const std::string& sink);

/// Reads the private key, or makes one (mode 0600) with its public key beside it. Fails with invalid_input
/// for a file that is no key, with unavailable when it cannot be read or written.
Result<SigningKey> load_or_make_key(const std::string& path);
Result<VerifyingKey> load_public_key(const std::string& path);

/// Another process may append meanwhile, and the file may be moved away: a new one goes on where it ended.
/// One thread at a time.
class CheckpointSink {
public:
    /// Reads what is there; a line without its end is what a power cut left and is cut off before the next is
    /// appended. Fails with unavailable, and with corrupt for lines that are no checkpoints.
    static Result<CheckpointSink> open(const std::string& path);

    const std::string& path() const { return path_; }
    /// The last signed head of every stream of every tenant.
    const SignedHeads& last_heads() const { return last_; }
    std::uint64_t lines() const { return number_; }
    /// Signs and appends a checkpoint; when this returns it is on the disk. `heads` are all of the tenant's:
    /// those that have not grown are left out, and nothing is written when none has. Fails with corrupt when
    /// one has gone back, unless it is a `rollback`; with unavailable when the file cannot be written.
    /// False when there was nothing to sign.
    Result<bool> append(const TenantName& tenant, const std::vector<StreamHead>& heads, bool rollback,
                        Instant now, const SigningKey& key);

private:
    explicit CheckpointSink(std::string path) : path_(std::move(path)) {}
    Result<void> catch_up(int file);
    void notice_another_file(int file);
    Result<void> take(std::string_view line);
    Result<void> write(int file, const std::string& line);

    std::string path_;
    std::uint64_t read_ = 0;                          ///< bytes of whole lines of the file that are known
    std::pair<std::uint64_t, std::uint64_t> file_{};  ///< its device and number
    std::uint64_t number_ = 0;
    std::string digest_ = std::string(64, '0');
    SignedHeads last_;  ///< one each
};

/// How a store lies to what was signed of it.
struct Rollback {
    TenantName tenant;
    std::string stream;
    std::uint64_t signed_seq = 0;
    std::uint64_t stored_seq = 0;  ///< the same when the row is there with another hash
};
/// The streams that are behind what the sink says, or different.
Result<std::vector<Rollback>> find_rollbacks(Store& store, const CheckpointSink& sink);

}  // namespace engine::app
