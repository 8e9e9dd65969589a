#pragma once
/// Verify: proves that the journal is what was written, row by row, from nothing but the store.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/store/checkpoint.h"
#include "engine/store/store.h"

namespace engine {

/// What `verify` found.
struct ChainReport {
    std::uint64_t rows = 0;
    std::uint64_t streams = 0;
    std::uint64_t erased_bodies = 0;
    std::uint64_t signed_heads = 0;  ///< that were met and fit
    std::uint64_t bytes = 0;         ///< of salts, bodies and canonical rows: what was hashed
    struct Fault {
        TenantName tenant;
        std::string stream;
        std::uint64_t seq = 0;
        std::string what;
    };
    std::vector<Fault> faults;  ///< the first one of each stream, by tenant and stream
};

struct VerifyOptions {
    TenantName tenant;  ///< empty = all
    /// Also writes every body again by RFC 8785 and compares; follows each subject's `previous` and versions;
    /// and finds events with more than one decision. Remembers some hundred bytes a subject of a stream.
    bool deep = false;
    /// Heads that are signed: a stream that is shorter than one, or differs at one, has a fault. It is said
    /// to begin at the first row that can be wrong, the one after the last signed head that fits.
    const SignedHeads* signed_heads = nullptr;
    int threads = 1;  ///< that read at once, each with a handle of its own; at most one a stream is used
};

/// A further handle on the store, for another thread.
using StoreOpener = std::function<Result<std::unique_ptr<Store>>()>;

/// Checks every stream: seq without gaps, digests of bodies, the chain, the stored heads, and that each body
/// that is gone is accounted for by a row of kind `erasure`. The store may grow meanwhile: rows that come
/// after the start are checked as far as they are met. Fails as the store fails.
Result<ChainReport> verify(const StoreOpener& open, const VerifyOptions& options);
/// The same on one handle and on the caller's thread.
Result<ChainReport> verify(Store& store, const TenantName& tenant, bool deep = false);

}  // namespace engine
