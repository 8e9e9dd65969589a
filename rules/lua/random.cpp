#include "rules/lua/random.h"

#include <bit>

#include "engine/base/hash.h"

namespace rules {

ScriptRandom::ScriptRandom(std::string_view seed) : words_{} {
    const auto digest = engine::sha256(seed);
    for (std::size_t i = 0; i < digest.size(); ++i)
        words_[i / 8] |= static_cast<std::uint64_t>(digest[i]) << (8 * (i % 8));
}

std::uint64_t ScriptRandom::next() {
    const auto result = std::rotl(words_[1] * 5, 7) * 9;
    const auto moved = words_[1] << 17U;
    words_[2] ^= words_[0];
    words_[3] ^= words_[1];
    words_[1] ^= words_[2];
    words_[0] ^= words_[3];
    words_[2] ^= moved;
    words_[3] = std::rotl(words_[3], 45);
    return result;
}

std::uint64_t ScriptRandom::up_to(std::uint64_t last) {
    if (last == ~std::uint64_t{0}) return next();
    // What is left over of the highest round would make the lowest numbers likelier.
    const auto count = last + 1;
    const auto left_over = (~std::uint64_t{0} % count + 1) % count;
    auto drawn = next();
    while (drawn > ~std::uint64_t{0} - left_over) drawn = next();
    return drawn % count;
}

}  // namespace rules
