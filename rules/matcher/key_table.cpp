#include "rules/matcher/key_table.h"

#include <algorithm>

namespace rules {

KeyTable::KeyTable(Keys keys) : keys_(std::move(keys)) {
    std::array<std::vector<Entry>, 256> of_sum;
    for (const auto& [key, number] : keys_) {
        const auto quoted = '"' + key + '"' + std::string(sizeof(std::uint64_t), ' ');
        const auto plain = std::string_view(quoted).substr(1, key.size());
        Entry entry;
        entry.mask = word_mask(key.size());
        entry.head = word_at(plain.data()) & entry.mask;
        if (key.size() > sizeof entry.head) entry.tail = tail_of(plain);
        entry.length = static_cast<std::uint32_t>(key.size());
        entry.number = number;
        of_sum[sum_of(plain)].push_back(entry);
    }
    for (std::size_t sum = 0; sum < of_sum.size(); ++sum) {
        if (of_sum[sum].empty()) continue;
        first_[sum] = static_cast<std::uint32_t>(entries_.size());
        entries_.insert(entries_.end(), of_sum[sum].begin(), of_sum[sum].end());
        entries_.emplace_back();
    }
}

bool KeyTable::has(std::string_view key, std::uint32_t number) const {
    return std::any_of(keys_.begin(), keys_.end(),
                       [&](const auto& known) { return known.second == number && known.first == key; });
}

}  // namespace rules
