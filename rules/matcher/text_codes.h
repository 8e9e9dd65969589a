#pragma once
/// TextCodes: numbers for the texts that rules compare with, found again without a walk through a chain.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/matcher/byte_words.h"

namespace rules {

/// Filled by one thread; read by any.
class TextCodes {
public:
    /// The text's number, counted from 0 in the order in which texts first came.
    std::uint32_t add(std::string_view text);
    /// Nothing is added any more: of a few texts each is found, or not, at one look.
    void freeze();
    std::optional<std::uint32_t> find(std::string_view text) const;
    /// The number and `first`, or `other` when there is none, of a text behind which 8 bytes can be read,
    /// whatever they are.
    std::uint32_t code_of_padded(std::string_view text, std::uint32_t first, std::uint32_t other) const {
        if (!at_one_look_) [[unlikely]]
            return code_of_many(text, first, other);
        // Whether a text is a known one cannot be foreseen, so no branch depends on the answer.
        const auto key = key_of_short(text);
        const auto& entry = table_.data()[first_place(key)];
        const auto differs =
            (entry.key.head ^ key.head) | (entry.key.tail ^ key.tail) | (entry.key.length ^ key.length);
        const auto is_known = std::uint32_t{0} - static_cast<std::uint32_t>(differs == 0);
        return other + ((first + entry.number - other) & is_known);
    }
    std::uint32_t size() const { return count_; }
    std::size_t bytes() const { return table_.capacity() * sizeof(Entry) + kept_.capacity(); }

private:
    /// Of a text of at most 16 bytes these are all there is.
    struct Key {
        std::uint64_t head = 0;  ///< the first 8 bytes, or as many as there are and zeros
        std::uint64_t tail = 0;  ///< the last 8 bytes likewise; of a text of more than 16 a digest
        std::uint32_t length = ~std::uint32_t{0};
        bool operator==(const Key&) const = default;
    };
    struct Entry {
        Key key;
        std::uint32_t number = no_number;
        std::uint32_t kept_at = 0;  ///< of a text longer than 16 bytes
    };
    static constexpr std::size_t short_bytes_max = 16;
    static constexpr std::uint32_t no_number = ~std::uint32_t{0};

    static Key key_of(std::string_view text);
    /// Of a text behind which 8 bytes can be read. One that is not short has a key like no short one.
    static Key key_of_short(std::string_view text) {
        const auto length = text.size();
        const auto mask = word_mask(length);
        Key key;
        key.length = static_cast<std::uint32_t>(length);
        key.head = word_at(text.data()) & mask;
        key.tail = word_at(text.data() + (length > 8 ? length - 8 : 0)) & mask;
        return key;
    }
    static std::uint64_t digest(std::string_view text);
    std::uint32_t code_of_many(std::string_view text, std::uint32_t first, std::uint32_t other) const {
        if (text.size() > longest_) return other;
        const auto key = text.size() <= short_bytes_max ? key_of_short(text) : key_of(text);
        const auto number = table_.data()[place_of(key, text)].number;
        return number == no_number ? other : first + number;
    }
    /// Of short texts head and tail are one, which must not cancel out.
    static std::uint64_t mixed(const Key& key) { return key.head ^ std::rotl(key.tail, 23) ^ key.length; }
    std::size_t first_place(const Key& key) const {
        return static_cast<std::size_t>((mixed(key) * factor_) >> shift_);
    }
    bool is(const Entry& entry, const Key& key, std::string_view text) const {
        if (entry.key != key) return false;
        return key.length <= short_bytes_max ||
               __builtin_memcmp(kept_.data() + entry.kept_at, text.data(), key.length) == 0;
    }
    /// Where the text is, or the free place where it belongs.
    std::size_t place_of(const Key& key, std::string_view text) const {
        const auto* table = table_.data();
        const auto mask = table_.size() - 1;
        for (auto place = first_place(key);; place = (place + 1) & mask)
            if (table[place].number == no_number || is(table[place], key, text)) return place;
    }
    /// No two texts have the same first place in a table of that size.
    bool are_apart(std::size_t places) const;
    /// Fills a table of that size.
    void arrange(std::size_t places);

    std::vector<Entry> table_ = std::vector<Entry>(8);  ///< a power of two of them
    std::string kept_;
    /// Odd, with bits all over, as multiplicative hashing wants it.
    std::uint64_t factor_ = 0x9E3779B97F4A7C15U;
    int shift_ = 64 - 3;
    std::uint32_t count_ = 0;
    std::uint32_t longest_ = 0;
    bool at_one_look_ = false;  ///< all are short, and no two of them have the same first place
};

}  // namespace rules
