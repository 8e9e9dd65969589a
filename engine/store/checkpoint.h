#pragma once
/// Checkpoint: signed heads of a journal's streams, one line of a file outside the database.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/ed25519.h"
#include "engine/store/store.h"

namespace engine {

/// docs/reference/journal.md describes the line for verifiers in other languages.
struct Checkpoint {
    std::uint64_t number = 0;  ///< 1, 2, 3 … in its sink
    Instant time{};
    TenantName tenant;
    /// What was signed of this tenant before no longer holds: somebody accepted an older store.
    bool rollback = false;
    std::vector<StreamHead> heads;  ///< of the streams that have grown since the tenant's last one
    std::string previous;           ///< SHA-256 of the line before, in hex; zeros in the first
};

/// The line, without its end, as the key signs it.
std::string signed_line(const Checkpoint& checkpoint, const SigningKey& key);

struct SignedLine {
    Checkpoint checkpoint;
    std::string key;        ///< id of the key
    std::string message;    ///< what was signed
    std::string signature;  ///< raw bytes
};
/// Fails with invalid_input for what is no canonical line of a sink.
Result<SignedLine> parse_signed_line(std::string_view line);
/// What the line after this one has as `previous`.
std::string line_digest(std::string_view line);

/// A head that somebody signed.
struct SignedHead {
    std::uint64_t checkpoint = 0;
    std::uint64_t seq = 0;
    Digest hash{};
};
/// By tenant and stream, in order of seq.
using SignedHeads = std::map<std::pair<std::string, std::string>, std::vector<SignedHead>>;

/// Reads the lines of sinks one after another: signatures, chain and growth of the heads.
class SinkCheck {
public:
    explicit SinkCheck(std::vector<VerifyingKey> keys) : keys_(std::move(keys)) {}

    /// Another file follows, oldest first: its first line begins a chain, or goes on from a file that is kept
    /// elsewhere. Needless before the first.
    void begin_file() { begins_ = true; }
    /// What is wrong with the line.
    Result<void> take(std::string_view line);
    std::uint64_t lines() const { return lines_; }
    std::uint64_t rollbacks() const { return rollbacks_; }
    const SignedHeads& heads() const { return heads_; }

private:
    Result<void> follow(const SignedLine& line);
    Result<void> add_heads(const Checkpoint& checkpoint);

    std::vector<VerifyingKey> keys_;
    bool begins_ = true;
    std::uint64_t lines_ = 0;
    std::uint64_t rollbacks_ = 0;
    std::uint64_t last_number_ = 0;
    std::string last_digest_;
    SignedHeads heads_;
};

}  // namespace engine
