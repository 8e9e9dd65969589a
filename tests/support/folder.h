#pragma once
/// A folder of its own for a test, removed at the end.

#include <cstdlib>
#include <filesystem>
#include <string>

#include "engine/base/ensure.h"

namespace testing_folder {

class Folder {
public:
    Folder() : path_((std::filesystem::temp_directory_path() / "signalbox-test-XXXXXX").string()) {
        ENSURE(::mkdtemp(path_.data()) != nullptr);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace testing_folder
