#pragma once
/// KeyTable: the few keys of an object that somebody asks for, told from all others at the first look.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/matcher/byte_words.h"

namespace rules {

/// Immutable; any thread.
class KeyTable {
    struct Entry {
        std::uint64_t head = 0;  ///< the first 8 bytes, or as many as there are and zeros
        std::uint64_t tail = 0;  ///< of a longer key the last 8
        std::uint32_t length = ~std::uint32_t{0};
        std::uint32_t number = 0;
    };

public:
    using Keys = std::vector<std::pair<std::string, std::uint32_t>>;

    /// Each key once; numbers are not 0.
    explicit KeyTable(Keys keys = {});

    /// The table at hand: nothing that is written meanwhile can be a part of it, so it stays in registers.
    /// Lives as long as the table.
    class View {
    public:
        explicit View(const KeyTable& table)
            : entries_(table.entries_.data()),
              factor_(table.factor_),
              table_(&table),
              shift_(table.shift_),
              looks_(table.looks_) {}

        /// 0 for any other key. Behind the key 8 bytes can be read, whatever they are.
        std::uint32_t find(std::string_view key) const {
            const auto head = head_of(key);
            const auto place = place_of(head, key.size(), factor_, shift_);
            if (looks_ > 1) [[unlikely]]
                return find_among(place, head, key);
            const auto& entry = entries_[place];
            return fits(entry, head, key) ? entry.number : 0;
        }

    private:
        bool fits(const Entry& entry, std::uint64_t head, std::string_view key) const {
            if (entry.head != head || entry.length != key.size()) return false;
            if (key.size() <= sizeof head) return true;
            if (entry.tail != tail_of(key)) return false;
            return key.size() <= 2 * sizeof head || table_->has(key, entry.number);
        }
        [[gnu::noinline]] std::uint32_t find_among(std::size_t place, std::uint64_t head,
                                                   std::string_view key) const {
            const auto* entry = entries_ + place;
            for (std::uint32_t i = 0; i < looks_; ++i, ++entry)
                if (fits(*entry, head, key)) return entry->number;
            return 0;
        }

        const Entry* entries_;
        std::uint64_t factor_;
        const KeyTable* table_;
        int shift_;
        std::uint32_t looks_;
    };

    std::uint32_t find(std::string_view key) const { return View(*this).find(key); }
    /// Memory, about.
    std::size_t bytes() const {
        return entries_.capacity() * sizeof(Entry) + keys_.capacity() * sizeof(Keys::value_type);
    }

private:
    static std::uint64_t head_of(std::string_view key) { return word_at(key.data()) & word_mask(key.size()); }
    static std::uint64_t tail_of(std::string_view key) {
        return word_at(key.data() + key.size() - sizeof(std::uint64_t));
    }
    static std::size_t place_of(std::uint64_t head, std::uint64_t length, std::uint64_t factor, int shift) {
        return static_cast<std::size_t>(((head ^ length) * factor) >> shift);
    }
    /// The key has that number.
    bool has(std::string_view key, std::uint32_t number) const;
    /// How many entries one of the keys has to look at with that factor; fills the table.
    std::uint32_t fill(std::uint64_t factor);

    std::vector<Entry> entries_ = std::vector<Entry>(2);
    std::uint64_t factor_ = 1;
    int shift_ = 63;
    std::uint32_t looks_ = 1;
    Keys keys_;
};

}  // namespace rules
