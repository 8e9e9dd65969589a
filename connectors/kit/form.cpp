#include "connectors/kit/form.h"

#include <algorithm>
#include <array>

namespace connectors {
namespace {

using engine::Result;

constexpr std::size_t fields_max = 1000;

bool is_unreserved(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const unsigned char c : text) {
        if (is_unreserved(c)) {
            out += static_cast<char>(c);
            continue;
        }
        out += '%';
        out += digits[c >> 4];
        out += digits[c & 15];
    }
    return out;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '+' && plus_is_space) {
            out += ' ';
        } else if (text[at] != '%') {
            out += text[at];
        } else {
            const int high = at + 2 < text.size() ? digit_of(text[at + 1]) : -1;
            const int low = at + 2 < text.size() ? digit_of(text[at + 2]) : -1;
            if (high < 0 || low < 0) return engine::invalid("broken percent escape");
            out += static_cast<char>(high * 16 + low);
            at += 2;
        }
    }
    return out;
}

Result<Fields> parse_form(std::string_view text) {
    Fields fields;
    while (!text.empty()) {
        const auto end = std::min(text.find('&'), text.size());
        const auto pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) continue;
        if (fields.size() == fields_max) return engine::exhausted("more than 1000 form fields");
        const auto equals = std::min(pair.find('='), pair.size());
        auto name = percent_decode(pair.substr(0, equals), true);
        if (!name) return name.error();
        auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!value) return value.error();
        fields.emplace_back(std::move(*name), std::move(*value));
    }
    return fields;
}

std::string write_form(const Fields& fields) {
    std::string out;
    for (const auto& [name, value] : fields) {
        if (!out.empty()) out += '&';
        out += percent_encode(name);
        out += '=';
        out += percent_encode(value);
    }
    return out;
}

std::string_view query_of(std::string_view target) {
    const auto mark = target.find('?');
    if (mark == std::string_view::npos) return {};
    target.remove_prefix(mark + 1);
    return target.substr(0, target.find('#'));
}

const std::string* find_field(const Fields& fields, std::string_view name) {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
    return found == fields.end() ? nullptr : &found->second;
}

bool same_name(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace connectors
