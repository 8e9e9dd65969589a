#include "rules/matcher/key_table.h"

#include <algorithm>
#include <bit>

namespace rules {

KeyTable::KeyTable(Keys keys) : keys_(std::move(keys)) {
    if (keys_.empty()) return;
    // Twice as many places as keys, and then the factor under which no two of them meet: most often one of
    // the first. Keys that meet under all of them are looked at one after another.
    shift_ = 64 - std::bit_width(2 * keys_.size());
    constexpr int factors_tried = 200;
    std::uint64_t factor = 0x9E3779B97F4A7C15U, best = factor;
    std::uint32_t fewest = ~std::uint32_t{0};
    for (int i = 0; i < factors_tried && fewest > 1; ++i) {
        if (const auto looks = fill(factor); looks < fewest) fewest = looks, best = factor;
        factor = factor * 0xD1342543DE82EF95U + 2;  // stays odd
    }
    factor_ = best;
    looks_ = fill(best);
}

std::uint32_t KeyTable::fill(std::uint64_t factor) {
    // Behind the last place there is room for those that met there.
    entries_.assign((std::size_t{1} << (64 - shift_)) + keys_.size(), Entry());
    std::uint32_t most = 0;
    for (const auto& [key, number] : keys_) {
        auto padded = key;
        padded.resize(key.size() + sizeof(std::uint64_t));
        const auto plain = std::string_view(padded).substr(0, key.size());
        const auto head = head_of(plain);
        auto place = place_of(head, key.size(), factor, shift_);
        std::uint32_t looks = 1;
        for (; entries_[place].number != 0; ++place) ++looks;
        const auto tail = key.size() > sizeof head ? tail_of(plain) : 0;
        entries_[place] = {head, tail, static_cast<std::uint32_t>(key.size()), number};
        most = std::max(most, looks);
    }
    return most;
}

bool KeyTable::has(std::string_view key, std::uint32_t number) const {
    return std::any_of(keys_.begin(), keys_.end(),
                       [&](const auto& known) { return known.second == number && known.first == key; });
}

}  // namespace rules
