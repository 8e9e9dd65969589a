#pragma once
/// Eight bytes of a text as one word, so that short texts are compared without a look at each byte.

#include <cstddef>
#include <cstdint>

namespace rules {

/// 8 bytes can be read there.
inline std::uint64_t word_at(const char* from) {
    std::uint64_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

/// Of a word read from a text so long, what belongs to the text; from a table, without a branch for each
/// length, of which there are many in one document.
inline std::uint64_t word_mask(std::size_t length) {
    constexpr std::uint64_t all = ~std::uint64_t{0};
    static constexpr std::uint64_t masks[] = {0,         all >> 56, all >> 48, all >> 40, all >> 32,
                                              all >> 24, all >> 16, all >> 8,  all};
    return masks[length < 8 ? length : 8];
}

}  // namespace rules
