#pragma once
/// Text as the text operators see it: folded, and cut into words.

#include <array>
#include <string>
#include <string_view>

namespace rules {

/// A text with its case folded unless `keep_case`. Short ASCII, by far the most, needs no allocation.
class FoldedText {
public:
    FoldedText(std::string_view text, bool keep_case);
    FoldedText(const FoldedText&) = delete;
    FoldedText& operator=(const FoldedText&) = delete;
    std::string_view view() const { return view_; }

private:
    std::array<char, 512> buffer_;
    std::string folded_;
    std::string_view view_;
};

bool is_ascii(std::string_view text);
inline char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
/// A letter or digit of any script stands at that end; false of an empty text.
bool starts_with_letter(std::string_view text);
bool ends_with_letter(std::string_view text);
/// `word`, which stands in `text` at `at`, has neither a letter nor a digit touching it.
bool is_word_at(std::string_view text, std::size_t at, std::string_view word);
/// `word` stands in `text` with neither a letter nor a digit touching it. A word is never empty.
bool contains_word(std::string_view text, std::string_view word);

}  // namespace rules
