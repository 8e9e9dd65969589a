#include "rules/evaluator/words.h"

#include <algorithm>
#include <utility>

#include "engine/base/text.h"

namespace rules {
namespace {

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// The code point of well-formed UTF-8 at `at`; anything else gives some number that is no letter's.
char32_t code_point(std::string_view text, std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    if (first < 0x80) return first;
    char32_t point = first >= 0xF0 ? first & 0x07 : first >= 0xE0 ? first & 0x0F : first & 0x1F;
    for (std::size_t i = at + 1; i < text.size() && i < at + 4 && is_continuation(text[i]); ++i)
        point = (point << 6) | (static_cast<unsigned char>(text[i]) & 0x3F);
    return point;
}

/// Blocks of punctuation, symbols and pictures beyond ASCII; all else up there is taken for letters, so that
/// words of every script are words.
constexpr std::pair<char32_t, char32_t> not_letters[] = {
    {0x0080, 0x00A9}, {0x00AB, 0x00B4}, {0x00B6, 0x00B9}, {0x00BB, 0x00BF}, {0x00D7, 0x00D7},
    {0x00F7, 0x00F7}, {0x2000, 0x2BFF}, {0x3000, 0x303F}, {0xFE00, 0xFE6F}, {0xFF00, 0xFF0F},
    {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFF0, 0xFFFF}, {0x1F000, 0x1FAFF},
};

bool is_letter_or_digit(char32_t point) {
    if (point < 0x80)
        return (point >= '0' && point <= '9') || (point >= 'A' && point <= 'Z') ||
               (point >= 'a' && point <= 'z');
    return std::none_of(std::begin(not_letters), std::end(not_letters),
                        [&](const auto& block) { return point >= block.first && point <= block.second; });
}

}  // namespace

bool starts_with_letter(std::string_view text) {
    return !text.empty() && is_letter_or_digit(code_point(text, 0));
}

bool ends_with_letter(std::string_view text) {
    if (text.empty()) return false;
    auto at = text.size() - 1;
    while (at > 0 && is_continuation(text[at])) --at;
    return is_letter_or_digit(code_point(text, at));
}

// Without an early end, so that many bytes are looked at at once.
bool is_ascii(std::string_view text) {
    unsigned char all = 0;
    for (const char c : text) all |= static_cast<unsigned char>(c);
    return all < 0x80;
}

FoldedText::FoldedText(std::string_view text, bool keep_case) {
    if (keep_case) {
        view_ = text;
    } else if (is_ascii(text)) {
        char* folded = buffer_.data();
        if (text.size() > buffer_.size()) {
            folded_.resize(text.size());
            folded = folded_.data();
        }
        std::transform(text.begin(), text.end(), folded, ascii_lower);
        view_ = std::string_view(folded, text.size());
    } else {
        folded_ = engine::fold_case(text);
        view_ = folded_;
    }
}

bool is_word_at(std::string_view text, std::size_t at, std::string_view word) {
    const bool touched_before = starts_with_letter(word) && ends_with_letter(text.substr(0, at));
    const bool touched_after = ends_with_letter(word) && starts_with_letter(text.substr(at + word.size()));
    return !touched_before && !touched_after;
}

bool contains_word(std::string_view text, std::string_view word) {
    if (word.empty()) return false;
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
        if (is_word_at(text, at, word)) return true;
    return false;
}

}  // namespace rules
