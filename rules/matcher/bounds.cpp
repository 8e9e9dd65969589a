#include "rules/matcher/bounds.h"

#include <algorithm>
#include <cstring>

#include "engine/base/ensure.h"

namespace rules {
namespace {

/// The first text that comes after all with this prefix; "" when none does.
std::string after_all(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
    if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
}

template <class Value>
void sort_once(std::vector<Value>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    values.shrink_to_fit();
}

}  // namespace

template <class Number>
void Bounds<Number>::add(Number bound) {
    bounds_.push_back(bound);
}

template <class Number>
void Bounds<Number>::sort() {
    sort_once(bounds_);
    std::vector<Key> keys;
    for (const auto& bound : bounds_) keys.push_back(key_of(bound));
    keys_ = SearchTree<Key>(keys);
}

template <class Number>
std::optional<std::size_t> Bounds<Number>::place(Number number) const {
    const auto place = below(number);
    if (place == bounds_.size() || bounds_[place] != number) return std::nullopt;
    return place;
}

template class Bounds<ExactNumber>;
template class Bounds<std::int64_t>;

void Prefixes::add(const std::string& prefix) {
    bounds_.push_back(prefix);
    if (auto end = after_all(prefix); !end.empty()) bounds_.push_back(std::move(end));
    longest_ = std::max(longest_, prefix.size());
}

void Prefixes::sort() {
    sort_once(bounds_);
    heads_.clear();
    for (const auto& bound : bounds_) heads_.push_back(head_of(bound));
    keys_ = SearchTree(heads_);
}

std::uint64_t Prefixes::head_of(std::string_view text) {
    std::uint64_t head = 0;
    std::memcpy(&head, text.data(), std::min(text.size(), sizeof head));
    return __builtin_bswap64(head);
}

std::size_t Prefixes::rank_among(std::string_view text, std::size_t place) const {
    const auto head = heads_[place];
    while (place < bounds_.size() && heads_.data()[place] == head && bounds_.data()[place] <= text) ++place;
    return place;
}

std::size_t Prefixes::bytes() const {
    auto sum =
        bounds_.capacity() * sizeof(std::string) + heads_.capacity() * sizeof(std::uint64_t) + keys_.bytes();
    for (const auto& bound : bounds_) sum += bound.capacity();
    return sum;
}

Prefixes::Ranks Prefixes::ranks_of(const std::string& prefix) const {
    const auto place = std::lower_bound(bounds_.begin(), bounds_.end(), prefix);
    ENSURE(place != bounds_.end() && *place == prefix);
    const auto end = after_all(prefix);
    const auto behind = end.empty() ? bounds_.end() : std::lower_bound(bounds_.begin(), bounds_.end(), end);
    return {static_cast<std::size_t>(place - bounds_.begin()) + 1,
            static_cast<std::size_t>(behind - bounds_.begin())};
}

}  // namespace rules
