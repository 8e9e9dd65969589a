#pragma once
/// SpillFile: a nameless temporary file for what does not fit into memory; gone with the process.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace engine {

/// Made in $TMPDIR (else /tmp), readable by its user only, when the first bytes come. One thread.
class SpillFile {
public:
    SpillFile() = default;
    SpillFile(SpillFile&& other) noexcept;
    SpillFile& operator=(SpillFile&& other) noexcept;
    ~SpillFile();

    /// Where the bytes stand from now on. Fails with unavailable, naming the folder, when it cannot be
    /// written.
    Result<std::uint64_t> append(std::string_view bytes);
    /// What append wrote there. Fails with unavailable.
    Result<std::string> read(std::uint64_t offset, std::size_t length) const;
    std::uint64_t size() const { return size_; }

private:
    Result<void> open();

    int file_ = -1;
    std::uint64_t size_ = 0;
};

}  // namespace engine
