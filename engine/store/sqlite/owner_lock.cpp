#include "engine/store/sqlite/owner_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace engine {
namespace {

/// The whole file, for a lock of the open file description: unlike a process's lock it is not lost when
/// another descriptor of the same file is closed, and unlike flock it can be asked about.
struct flock whole_file(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

Error failure(const std::string& path) {
    return unavailable("lock " + path + ": " + std::strerror(errno));
}

}  // namespace

Result<void> OwnerLock::take() {
    if (held()) return {};
    const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return failure(path_);
    auto lock = whole_file(F_WRLCK);
    if (::fcntl(file, F_OFD_SETLK, &lock) == 0) {
        file_ = file;
        return {};
    }
    const bool other_owner = errno == EAGAIN || errno == EACCES;
    const Error error = other_owner ? Error{Code::conflict, "another process owns the store (" + path_ + ")"}
                                    : failure(path_);
    ::close(file);
    return error;
}

void OwnerLock::release() {
    if (held()) ::close(file_);
    file_ = -1;
}

Result<bool> OwnerLock::taken_by_any() const {
    if (held()) return true;
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) return false;
    if (file < 0) return failure(path_);
    auto lock = whole_file(F_RDLCK);
    const int asked = ::fcntl(file, F_OFD_GETLK, &lock);
    const Error error = failure(path_);
    ::close(file);
    if (asked != 0) return error;
    return lock.l_type != F_UNLCK;
}

}  // namespace engine
