#include "engine/app/scratch_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>

namespace engine::app {

namespace fs = std::filesystem;

Result<ScratchFolder> ScratchFolder::make() {
    auto name = (fs::temp_directory_path() / "signalbox-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        return unavailable("cannot make " + name + ": " + std::strerror(errno));
    return ScratchFolder(name);
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace engine::app
