#include "rules/lua/syntax_words.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "engine/base/text.h"

namespace rules {
namespace {

/// Where the byte stands outside of what is quoted on the line.
std::size_t find_unquoted(std::string_view line, char byte) {
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (quote == 0 && line[i] == byte) return i;
        if (quote != 0 && line[i] == '\\')
            ++i;
        else if (line[i] == quote)
            quote = 0;
        else if (quote == 0 && (line[i] == '"' || line[i] == '\''))
            quote = line[i];
    }
    return std::string_view::npos;
}

/// The character outside of ASCII that Lua stumbled over, which it names by its first byte: `near '<\226>'`.
/// 0 = it was none.
char32_t foreign_character(std::string_view message, std::string_view line) {
    constexpr std::string_view begin = "near '<\\";
    const auto found = message.find(begin);
    if (found == std::string_view::npos) return 0;
    int byte = 0;
    for (const auto c : message.substr(found + begin.size())) {
        if (c < '0' || c > '9') break;
        byte = byte * 10 + (c - '0');
    }
    const auto at = find_unquoted(line, static_cast<char>(byte));
    if (byte < 0x80 || at == std::string_view::npos) return 0;
    const auto size = std::min<std::size_t>(line.size() - at, byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2);
    const auto text = line.substr(at, size);
    if (!engine::is_utf8(text)) return 0;
    auto point = static_cast<char32_t>(byte & (0x7F >> size));
    for (const auto c : text.substr(1)) point = (point << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
    return point;
}

/// Lua has no words for what editors and chats make of quotes and spaces.
std::string about_foreign(char32_t point) {
    std::array<char, 16> code{};
    std::snprintf(code.data(), code.size(), "U+%04X", static_cast<unsigned>(point));
    if (point == 0xFEFF)
        return "a byte order mark (U+FEFF) stands in the script: save the file as UTF-8 without one";
    std::string shown;
    engine::append_utf8(shown, point);
    const bool is_seen = point != 0xA0 && (point < 0x2000 || point > 0x200F) && point != 0x202F;
    return (is_seen ? shown + " (" + code.data() + ")"
                    : std::string(code.data()) + ", which looks like a space,") +
           " stands outside of a text: texts are written between \" or ', and names of the letters a to z, "
           "digits and _";
}

}  // namespace

std::string in_our_words(std::string message, std::string_view line) {
    if (message == "C stack overflow")
        return "more expressions or blocks in one another than Lua compiles (C stack overflow): put parts of "
               "them into variables or functions";
    const auto foreign = foreign_character(message, line);
    return foreign == 0 ? message : about_foreign(foreign);
}

}  // namespace rules
