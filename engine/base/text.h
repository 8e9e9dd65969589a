#pragma once
/// Text as people write it: case folding, nearest names, cleaning for one line.

#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// Lower case for comparison: ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic letters one by one; other
/// bytes stay.
std::string fold_case(std::string_view utf8);
std::string to_upper(std::string_view utf8);
std::string trim(std::string_view text);
/// The number of code points, counting each bad byte as one.
std::size_t length_of(std::string_view utf8);
/// The first `count` code points.
std::string_view first_of(std::string_view utf8, std::size_t count);
bool is_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t point);

/// The candidate with the smallest edit distance, or "" when none is near enough to be meant.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

/// `on` matches a glob in which `*` stands for any run of characters.
bool glob_matches(std::string_view pattern, std::string_view text);

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace engine
