#include "engine/base/spill_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace engine {
namespace {

std::string folder() {
    const char* named = std::getenv("TMPDIR");
    return named == nullptr || *named == '\0' ? "/tmp" : named;
}

Error failed(const char* what) {
    return unavailable("cannot " + std::string(what) + " a temporary file in " + folder() +
                       " (TMPDIR): " + std::strerror(errno));
}

}  // namespace

SpillFile::SpillFile(SpillFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)), size_(std::exchange(other.size_, 0)) {}

SpillFile& SpillFile::operator=(SpillFile&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(size_, other.size_);
    return *this;
}

SpillFile::~SpillFile() {
    if (file_ >= 0) ::close(file_);
}

Result<void> SpillFile::open() {
    auto path = folder() + "/signalbox-XXXXXX";
    file_ = ::mkstemp(path.data());
    if (file_ < 0) return failed("make");
    ::unlink(path.c_str());
    return {};
}

Result<std::uint64_t> SpillFile::append(std::string_view bytes) {
    if (file_ < 0)
        if (auto opened = open(); !opened) return opened.error();
    const auto offset = size_;
    while (!bytes.empty()) {
        const auto written = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return failed("write");
        size_ += static_cast<std::uint64_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return offset;
}

Result<std::string> SpillFile::read(std::uint64_t offset, std::size_t length) const {
    std::string bytes(length, '\0');
    for (std::size_t have = 0; have < length;) {
        const auto got =
            ::pread(file_, bytes.data() + have, length - have, static_cast<off_t>(offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return failed("read");
        have += static_cast<std::size_t>(got);
    }
    return bytes;
}

}  // namespace engine
