#include "rules/script.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace rules {
namespace {

/// The length of `[==[` at that place, or 0.
std::size_t long_bracket(std::string_view text, std::size_t at) {
    if (at >= text.size() || text[at] != '[') return 0;
    auto end = at + 1;
    while (end < text.size() && text[end] == '=') ++end;
    return end < text.size() && text[end] == '[' ? end + 1 - at : 0;
}

/// Where what stands in such brackets ends, and where its closing brackets do.
std::pair<std::size_t, std::size_t> long_end(std::string_view text, std::size_t at, std::size_t bracket) {
    const auto closing = "]" + std::string(bracket - 2, '=') + "]";
    const auto end = text.find(closing, at + bracket);
    if (end == std::string_view::npos) return {text.size(), text.size()};
    return {end, end + closing.size()};
}

}  // namespace

std::vector<std::string> texts_in(std::string_view source) {
    std::vector<std::string> texts;
    for (std::size_t at = 0; at < source.size();) {
        const bool is_comment = source.substr(at).starts_with("--");
        if (is_comment) at += 2;
        if (const auto bracket = long_bracket(source, at); bracket != 0) {
            const auto [end, behind] = long_end(source, at, bracket);
            if (!is_comment) texts.emplace_back(source.substr(at + bracket, end - at - bracket));
            at = behind;
        } else if (is_comment) {
            at = std::min(source.find('\n', at), source.size());
        } else if (source[at] == '"' || source[at] == '\'') {
            const auto quote = source[at];
            auto end = at + 1;
            while (end < source.size() && source[end] != quote && source[end] != '\n')
                end += source[end] == '\\' ? 2 : 1;
            end = std::min(end, source.size());
            texts.emplace_back(source.substr(at + 1, end - at - 1));
            at = end + 1;
        } else {
            ++at;
        }
    }
    return texts;
}

}  // namespace rules
