#pragma once
/// Bounds: the values that rules draw lines at, sorted. A value's rank says between which of them it lies.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "rules/matcher/raw_value.h"
#include "rules/matcher/search_tree.h"

namespace rules {

/// Bounds are added, then sorted once; any thread may ask after that.
template <class Number>
class Bounds {
public:
    void add(Number bound);
    void sort();

    std::size_t size() const { return bounds_.size(); }
    std::size_t bytes() const { return bounds_.capacity() * sizeof(Number) + keys_.bytes(); }
    /// 2 × the bounds below, and 1 more at a bound.
    std::size_t rank(Number number) const {
        const auto place = below(number);
        const bool at_bound = place < bounds_.size() && bounds_.data()[place] == number;
        return 2 * place + (at_bound ? 1 : 0);
    }
    /// The place of a bound that was added.
    std::optional<std::size_t> place(Number number) const;

private:
    /// What is searched: doubles also for numbers that are wider.
    using Key = std::conditional_t<std::is_same_v<Number, ExactNumber>, double, Number>;
    static double key_of(const ExactNumber& number) { return number.value; }
    static std::int64_t key_of(std::int64_t number) { return number; }

    std::size_t below(Number number) const {
        const auto key = key_of(number);
        auto place = keys_.count_below(key);
        // Rounding keeps the order, so only bounds that round to the same need a second look.
        if constexpr (!std::is_same_v<Key, Number>)
            while (place < bounds_.size() && key_of(bounds_.data()[place]) == key &&
                   bounds_.data()[place] < number)
                ++place;
        return place;
    }

    std::vector<Number> bounds_;
    SearchTree<Key> keys_;
};

extern template class Bounds<ExactNumber>;
extern template class Bounds<std::int64_t>;

/// The stretches of texts that begin with something. Prefixes are added, then sorted once.
class Prefixes {
public:
    void add(const std::string& prefix);
    void sort();

    std::size_t size() const { return bounds_.size(); }
    std::size_t longest() const { return longest_; }
    std::size_t bytes() const;
    /// How many bounds are not above the text. Bytes behind the longest prefix do not matter.
    std::size_t rank(std::string_view text) const { return rank(text, head_of(text)); }
    /// The same for a text behind which 8 bytes can be read.
    std::size_t rank_padded(std::string_view text) const {
        std::uint64_t head;
        __builtin_memcpy(&head, text.data(), sizeof head);
        head = __builtin_bswap64(head);
        return rank(text, text.size() >= sizeof head ? head : head & ~(~std::uint64_t{0} >> 8 * text.size()));
    }
    /// The ranks of the texts that begin with a prefix that was added: first and last.
    struct Ranks {
        std::size_t first = 0;
        std::size_t last = 0;
    };
    Ranks ranks_of(const std::string& prefix) const;

private:
    /// The first 8 bytes as a number that is ordered as they are; a shorter text is followed by zeros.
    static std::uint64_t head_of(std::string_view text);
    std::size_t rank(std::string_view text, std::uint64_t head) const {
        const auto place = keys_.count_below(head);
        return place == heads_.size() || heads_.data()[place] != head ? place : rank_among(text, place);
    }
    /// Among the bounds with that text's head.
    std::size_t rank_among(std::string_view text, std::size_t place) const;

    std::vector<std::string> bounds_;   ///< where texts of a prefix begin, and where they are over
    std::vector<std::uint64_t> heads_;  ///< of each
    SearchTree<std::uint64_t> keys_;    ///< the heads
    std::size_t longest_ = 0;
};

}  // namespace rules
