#pragma once
/// Random choices for tests: the same on every machine for the same seed.

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace testing_random {

class Random {
public:
    explicit Random(std::uint32_t seed) : engine_(seed) {}

    /// 0 … below-1; the library's distributions differ between implementations, so they are not used.
    std::size_t below(std::size_t limit) { return engine_() % limit; }
    bool chance(std::size_t percent) { return below(100) < percent; }
    template <class T>
    const T& of(const std::vector<T>& list) {
        return list[below(list.size())];
    }

private:
    std::mt19937 engine_;
};

/// SIGNALBOX_TEST_SEED, else the fixed one; print it with INFO.
inline std::uint32_t seed_or(std::uint32_t fixed) {
    const char* given = std::getenv("SIGNALBOX_TEST_SEED");
    return given ? static_cast<std::uint32_t>(std::stoul(given)) : fixed;
}

}  // namespace testing_random
