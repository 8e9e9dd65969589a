#include "engine/app/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace engine::app {
namespace {

Result<void> make_durable(const std::string& path, int flags) {
    const int file = ::open(path.c_str(), flags | O_CLOEXEC);
    if (file < 0) return unavailable("cannot open " + path + ": " + std::strerror(errno));
    const int synced = ::fsync(file);
    const int why = errno;
    ::close(file);
    if (synced != 0) return unavailable("cannot make " + path + " durable: " + std::strerror(why));
    return {};
}

}  // namespace

Result<void> put_in_place(const std::string& unfinished, const std::string& path) {
    if (auto durable = make_durable(unfinished, O_RDONLY); !durable) return durable;
    if (std::rename(unfinished.c_str(), path.c_str()) != 0)
        return unavailable("cannot rename " + unfinished + " to " + path + ": " + std::strerror(errno));
    const auto folder = std::filesystem::path(path).parent_path();
    return make_durable(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
}

}  // namespace engine::app
