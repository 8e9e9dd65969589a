#pragma once
/// KeyTable: the few keys of an object that somebody asks for, told from all others by a sum of three bytes.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/matcher/byte_words.h"

namespace rules {

/// Immutable; any thread.
class KeyTable {
public:
    using Keys = std::vector<std::pair<std::string, std::uint32_t>>;

    /// Each key once; numbers are not 0.
    explicit KeyTable(Keys keys = {});

    // Keys stand between quotes, behind which 8 bytes can be read.

    /// False for most keys that nobody asks for: this is all that has to be looked at of them.
    bool may_have(std::string_view key) const { return first_[sum_of(key)] != 0; }
    /// 0 for any other key.
    std::uint32_t find(std::string_view key) const {
        const auto* entry = entries_.data() + first_[sum_of(key)];
        while (!fits(*entry, key)) ++entry;
        return entry->number;
    }

    /// Memory, about.
    std::size_t bytes() const {
        return entries_.capacity() * sizeof(Entry) + keys_.capacity() * sizeof(Keys::value_type);
    }

private:
    /// Entries with the same sum stand behind each other, and behind those one that fits every key.
    struct Entry {
        std::uint64_t head = 0;  ///< the first 8 bytes, or as many as there are
        std::uint64_t mask = 0;  ///< of the bytes that count in there
        std::uint64_t tail = 0;  ///< of a longer key the last 8
        std::uint32_t length = 0;
        std::uint32_t number = 0;
    };

    /// Of the letter in the middle, the last one, and the length. The empty key has its quotes for letters.
    static std::uint8_t sum_of(std::string_view key) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(key.data());
        const auto length = key.size();
        return static_cast<std::uint8_t>(bytes[length / 2] + 2 * *(bytes + length - 1) + 4 * length);
    }
    bool fits(const Entry& entry, std::string_view key) const {
        if ((word_at(key.data()) & entry.mask) != entry.head) return false;
        if (entry.number == 0) return true;
        if (entry.length != key.size()) return false;
        if (key.size() <= sizeof entry.head) return true;
        return entry.tail == tail_of(key) && (key.size() <= 2 * sizeof entry.head || has(key, entry.number));
    }
    static std::uint64_t tail_of(std::string_view key) {
        return word_at(key.data() + key.size() - sizeof(std::uint64_t));
    }
    /// The key has that number.
    bool has(std::string_view key, std::uint32_t number) const;

    std::array<std::uint32_t, 256> first_{};  ///< of each sum; 0 for none
    std::vector<Entry> entries_{1};           ///< the first for a sum that no key has
    Keys keys_;
};

}  // namespace rules
