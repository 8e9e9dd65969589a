#include "engine/base/text.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace engine {
namespace {

struct CodePoint {
    char32_t value = 0;
    std::size_t bytes = 1;
    bool good = false;
};

CodePoint decode(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto tail = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0) == 0x80; };
    const unsigned char first = at(0);
    if (first < 0x80) return {first, 1, true};
    if (first >= 0xC2 && first <= 0xDF && tail(1))
        return {static_cast<char32_t>((first & 0x1F) << 6 | (at(1) & 0x3F)), 2, true};
    if (first >= 0xE0 && first <= 0xEF && tail(1) && tail(2)) {
        const auto value = static_cast<char32_t>((first & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F));
        if (value >= 0x800 && (value < 0xD800 || value > 0xDFFF)) return {value, 3, true};
    }
    if (first >= 0xF0 && first <= 0xF4 && tail(1) && tail(2) && tail(3)) {
        const auto value = static_cast<char32_t>((first & 0x07) << 18 | (at(1) & 0x3F) << 12 |
                                                 (at(2) & 0x3F) << 6 | (at(3) & 0x3F));
        if (value >= 0x10000 && value <= 0x10FFFF) return {value, 4, true};
    }
    return {first, 1, false};
}

bool in(char32_t value, char32_t from, char32_t to) {
    return value >= from && value <= to;
}

/// Latin Extended-A comes in pairs, upper case even in most of it and odd in two stretches.
bool upper_is_even(char32_t c) {
    return in(c, 0x100, 0x137) || in(c, 0x14A, 0x177);
}
bool upper_is_odd(char32_t c) {
    return in(c, 0x139, 0x148) || in(c, 0x179, 0x17E);
}

char32_t lower(char32_t c) {
    if (in(c, 'A', 'Z')) return c + 32;
    if (in(c, 0xC0, 0xDE) && c != 0xD7) return c + 32;
    if (c == 0x130) return 'i';
    if (c == 0x178) return 0xFF;
    if (upper_is_even(c)) return c | 1;
    if (upper_is_odd(c) && c % 2 == 1) return c + 1;
    if (in(c, 0x391, 0x3A9)) return c + 32;
    if (in(c, 0x410, 0x42F)) return c + 32;
    if (in(c, 0x400, 0x40F)) return c + 80;
    return c;
}

char32_t upper(char32_t c) {
    if (in(c, 'a', 'z')) return c - 32;
    if (in(c, 0xE0, 0xFE) && c != 0xF7) return c - 32;
    if (c == 0xFF) return 0x178;
    if (c == 0x131) return 'I';
    if (upper_is_even(c)) return c & ~char32_t{1};
    if (upper_is_odd(c) && c % 2 == 0) return c - 1;
    if (in(c, 0x3B1, 0x3C9) && c != 0x3C2) return c - 32;
    if (in(c, 0x430, 0x44F)) return c - 32;
    if (in(c, 0x450, 0x45F)) return c - 80;
    return c;
}

template <class Convert>
std::string converted(std::string_view text, Convert convert) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto point = decode(text);
        const char32_t value = point.good ? convert(point.value) : point.value;
        if (!point.good || value == point.value)
            out.append(text.substr(0, point.bytes));
        else
            append_utf8(out, value);
        text.remove_prefix(point.bytes);
    }
    return out;
}

/// Edits from one to the other; two neighbouring letters in the wrong order are one edit.
std::size_t distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> before(right.size() + 1), row(right.size() + 1), next(right.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= left.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const std::size_t changed = row[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
            next[j] = std::min({changed, row[j] + 1, next[j - 1] + 1});
            const bool swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before.swap(row);
        row.swap(next);
    }
    return row.back();
}

}  // namespace

void append_utf8(std::string& out, char32_t point) {
    const auto add = [&](char32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) return add(point);
    if (point < 0x800) {
        add(0xC0 | point >> 6);
    } else if (point < 0x10000) {
        add(0xE0 | point >> 12);
        add(0x80 | (point >> 6 & 0x3F));
    } else {
        add(0xF0 | point >> 18);
        add(0x80 | (point >> 12 & 0x3F));
        add(0x80 | (point >> 6 & 0x3F));
    }
    add(0x80 | (point & 0x3F));
}

std::string fold_case(std::string_view utf8) {
    return converted(utf8, lower);
}
std::string to_upper(std::string_view utf8) {
    return converted(utf8, upper);
}

std::string trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n\f\v";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return "";
    return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

std::size_t length_of(std::string_view utf8) {
    std::size_t count = 0;
    while (!utf8.empty()) {
        utf8.remove_prefix(decode(utf8).bytes);
        ++count;
    }
    return count;
}

std::string_view first_of(std::string_view utf8, std::size_t count) {
    std::size_t bytes = 0;
    while (count-- > 0 && bytes < utf8.size()) bytes += decode(utf8.substr(bytes)).bytes;
    return utf8.substr(0, bytes);
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto point = decode(text);
        if (!point.good) return false;
        text.remove_prefix(point.bytes);
    }
    return true;
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
    // A third of the letters may be wrong: more, and the guess misleads.
    std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;
    std::string found;
    for (const auto& candidate : candidates) {
        const auto difference =
            std::max(candidate.size(), name.size()) - std::min(candidate.size(), name.size());
        if (difference >= best) continue;
        const auto edits = distance(name, candidate);
        if (edits < best) {
            best = edits;
            found = candidate;
        }
    }
    return found;
}

bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    while (true) {
        const auto end = text.find(separator, start);
        parts.emplace_back(text.substr(start, end - start));
        if (end == std::string_view::npos) return parts;
        start = end + 1;
    }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string out;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) out += separator;
        out += parts[i];
    }
    return out;
}

}  // namespace engine
