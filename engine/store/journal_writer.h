#pragma once
/// JournalWriter: gives new records their place, salt, digests and hash; every backend appends through it.

#include <string>

#include "engine/store/store.h"

namespace engine {

class JournalWriter {
public:
    /// Makes the row that follows the stream's last one, `head`, and moves `head` onto it. `previous` is the
    /// seq of the row before about the same subject, 0 when there is none. The row is valid until the next
    /// call.
    const JournalRecord& append(const Step& step, const NewRecord& added, StreamHead& head,
                                std::uint64_t previous);

private:
    std::string_view next_salt();

    // Kept from row to row so that their memory is used again.
    JournalRecord record_;
    std::string canonical_;
    std::string salts_;
    std::size_t salts_used_ = 0;
};

}  // namespace engine
