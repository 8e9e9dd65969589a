#pragma once
/// ENSURE: a broken invariant is our bug, so it is logged and the process aborts in every build.

namespace engine {
[[noreturn]] void ensure_failed(const char* condition, const char* file, int line);
}

#define ENSURE(condition) \
    ((condition) ? static_cast<void>(0) : ::engine::ensure_failed(#condition, __FILE__, __LINE__))
