#pragma once
/// OwnerLock: the right to write a store, held by an operating-system lock that ends with the process.

#include <string>

#include "engine/base/result.h"

namespace engine {

/// A lock on a file beside the database. It belongs to this object, not to the process: two of them exclude
/// each other even in one process. Local file systems only.
class OwnerLock {
public:
    explicit OwnerLock(std::string path) : path_(std::move(path)) {}
    OwnerLock(const OwnerLock&) = delete;
    OwnerLock& operator=(const OwnerLock&) = delete;
    ~OwnerLock() { release(); }

    /// Fails with conflict while somebody else holds it, and with unavailable when the file cannot be used.
    Result<void> take();
    void release();
    bool held() const { return file_ >= 0; }

    /// Whether anybody holds it, found out without taking it even for a moment.
    Result<bool> taken_by_any() const;

private:
    std::string path_;
    int file_ = -1;
};

}  // namespace engine
