#include "rules/matcher/text_codes.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

namespace rules {
namespace {

template <class Word>
std::uint64_t part(const char* from) {
    Word word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

}  // namespace

TextCodes::Key TextCodes::key_of(std::string_view text) {
    const auto* bytes = text.data();
    const auto length = text.size();
    Key key;
    key.length = static_cast<std::uint32_t>(length);
    if (length >= 8) {
        key.head = word_at(bytes);
        key.tail = length <= short_bytes_max ? word_at(bytes + length - 8) : digest(text);
        return key;
    }
    // Parts may overlap: where they do they are the same.
    if (length >= 4)
        key.head = part<std::uint32_t>(bytes) | part<std::uint32_t>(bytes + length - 4) << 8 * (length - 4);
    else if (length > 0)
        key.head = part<std::uint8_t>(bytes) | part<std::uint8_t>(bytes + length / 2) << 8 * (length / 2) |
                   part<std::uint8_t>(bytes + length - 1) << 8 * (length - 1);
    key.tail = key.head;
    return key;
}

std::uint64_t TextCodes::digest(std::string_view text) {
    return std::hash<std::string_view>()(text);
}

std::optional<std::uint32_t> TextCodes::find(std::string_view text) const {
    if (text.size() > longest_) return std::nullopt;
    const auto number = table_[place_of(key_of(text), text)].number;
    return number == no_number ? std::nullopt : std::optional(number);
}

std::uint32_t TextCodes::add(std::string_view text) {
    const auto key = key_of(text);
    auto place = place_of(key, text);
    if (table_[place].number != no_number) return table_[place].number;
    // Much room while that costs little, as it saves second looks.
    const auto room = count_ < 4096 ? 4 : 2;
    if (room * (count_ + std::size_t{1}) > table_.size()) {
        arrange(table_.size() * 2);
        place = place_of(key, text);
    }
    table_[place] = {key, count_, static_cast<std::uint32_t>(kept_.size())};
    if (text.size() > short_bytes_max) kept_ += text;
    longest_ = std::max(longest_, key.length);
    return count_++;
}

void TextCodes::freeze() {
    constexpr std::uint32_t few = 64;
    constexpr int factors_tried = 300;
    if (count_ > few || longest_ > short_bytes_max) return;
    const auto places = std::max<std::size_t>(8, std::bit_ceil(std::size_t{8} * count_));
    shift_ = 64 - std::countr_zero(places);
    for (int i = 0; i < factors_tried && !at_one_look_; ++i) {
        factor_ = factor_ * 0xD1342543DE82EF95U + 2;  // stays odd
        at_one_look_ = are_apart(places);
    }
    arrange(places);
}

bool TextCodes::are_apart(std::size_t places) const {
    std::vector<bool> taken(places);
    return std::all_of(table_.begin(), table_.end(), [&](const Entry& entry) {
        if (entry.number == no_number) return true;
        const auto place = first_place(entry.key);
        const bool is_free = !taken[place];
        taken[place] = true;
        return is_free;
    });
}

void TextCodes::arrange(std::size_t places) {
    const auto before = std::exchange(table_, std::vector<Entry>(places));
    shift_ = 64 - std::countr_zero(places);
    for (const auto& entry : before)
        if (entry.number != no_number) {
            auto place = first_place(entry.key);
            while (table_[place].number != no_number) place = (place + 1) & (places - 1);
            table_[place] = entry;
        }
}

}  // namespace rules
