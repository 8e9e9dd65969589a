#pragma once
/// ScriptRandom: the random numbers of a run. They follow from its seed: xoshiro256** of Blackman and Vigna,
/// whose four words are the SHA-256 of the seed read as little-endian integers.

#include <array>
#include <cstdint>
#include <string_view>

namespace rules {

class ScriptRandom {
public:
    explicit ScriptRandom(std::string_view seed);

    std::uint64_t next();
    /// In [0, 1), 53 bits.
    double fraction() { return static_cast<double>(next() >> 11U) * 0x1p-53; }
    /// In [0, last], each as likely.
    std::uint64_t up_to(std::uint64_t last);

private:
    std::array<std::uint64_t, 4> words_;
};

}  // namespace rules
