#include "engine/http/query.h"

#include <algorithm>
#include <charconv>

#include "engine/base/text.h"

namespace engine::http {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_unreserved(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

bool is_clean(std::string_view text) {
    return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
               return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
           });
}

}  // namespace

Result<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) return invalid("a percent sign is not followed by two hexadecimal digits");
        out += static_cast<char>(high << 4 | low);
        i += 2;
    }
    if (!is_clean(out)) return invalid("escaped text is no UTF-8 or holds a control character");
    return out;
}

std::string percent_encode(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
    return out;
}

Result<Query> Query::parse(std::string_view text) {
    Query query;
    while (!text.empty()) {
        const auto end = std::min(text.find('&'), text.size());
        std::string part(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (part.empty()) continue;
        std::replace(part.begin(), part.end(), '+', ' ');
        const auto equals = std::min(part.find('='), part.size());
        const auto name = percent_decode(std::string_view(part).substr(0, equals));
        if (!name) return name.error();
        const auto value = percent_decode(std::string_view(part).substr(std::min(equals + 1, part.size())));
        if (!value) return value.error();
        query.values_.emplace_back(*name, *value);
    }
    return query;
}

std::optional<std::string> Query::get(std::string_view name) const {
    for (const auto& [key, value] : values_)
        if (key == name) return value;
    return {};
}

Result<std::uint64_t> Query::number(std::string_view name, std::uint64_t fallback, std::uint64_t max) const {
    const auto text = get(name);
    if (!text) return fallback;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end != text->data() + text->size() || value > max)
        return invalid("the parameter \"" + std::string(name) + "\" is no whole number up to " +
                       std::to_string(max));
    return value;
}

void Query::set(const std::string& name, const std::string& value) {
    std::erase_if(values_, [&](const auto& entry) { return entry.first == name; });
    values_.emplace_back(name, value);
}

std::string Query::text() const {
    std::string out;
    for (const auto& [name, value] : values_) {
        if (!out.empty()) out += '&';
        out += percent_encode(name) + '=' + percent_encode(value);
    }
    return out;
}

}  // namespace engine::http
