#pragma once
/// A file that is there whole or not at all.

#include <string>

#include "engine/base/result.h"

namespace engine::app {

/// Makes the file durable, gives it its name and makes the name durable. Fails with unavailable, naming the
/// path.
Result<void> put_in_place(const std::string& unfinished, const std::string& path);

}  // namespace engine::app
