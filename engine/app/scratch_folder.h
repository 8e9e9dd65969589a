#pragma once
/// ScratchFolder: a folder of its own that goes with everything in it.

#include <filesystem>
#include <utility>

#include "engine/base/result.h"

namespace engine::app {

class ScratchFolder {
public:
    /// Below the system's folder for temporary files. Fails with unavailable.
    static Result<ScratchFolder> make();
    ScratchFolder(ScratchFolder&& other) noexcept
        : path_(std::exchange(other.path_, std::filesystem::path())) {}
    ~ScratchFolder();
    const std::filesystem::path& path() const { return path_; }

private:
    explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

}  // namespace engine::app
