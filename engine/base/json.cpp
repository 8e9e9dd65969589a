#include "engine/base/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>

#include "engine/base/json_bytes.h"

namespace engine {
namespace {

constexpr std::int64_t exact_integer_max = 9'007'199'254'740'992;  // 2^53

/// The parser itself is recursive in places that follow it (copying, dumping), so depth is bounded before it.
bool deeper_than(std::string_view text, std::size_t limit) {
    std::size_t depth = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_text) {
            if (c == '\\') ++i;
            if (c == '"') in_text = false;
        } else if (c == '"') {
            in_text = true;
        } else if (c == '[' || c == '{') {
            if (++depth > limit) return true;
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return false;
}

/// Length of the well-formed UTF-8 sequence at the start, 0 when it is none.
std::size_t sequence_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto tail = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0) == 0x80; };
    const unsigned char first = at(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        if (!tail(1) || !tail(2)) return 0;
        if (first == 0xE0 && at(1) < 0xA0) return 0;
        if (first == 0xED && at(1) > 0x9F) return 0;
        return 3;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        if (!tail(1) || !tail(2) || !tail(3)) return 0;
        if (first == 0xF0 && at(1) < 0x90) return 0;
        if (first == 0xF4 && at(1) > 0x8F) return 0;
        return 4;
    }
    return 0;
}

void append_control(std::string& out, unsigned char c) {
    static constexpr char digits[] = "0123456789abcdef";
    switch (c) {
        case '\b':
            out += "\\b";
            return;
        case '\t':
            out += "\\t";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\r':
            out += "\\r";
            return;
        default:
            out += "\\u00";
            out += digits[c >> 4];
            out += digits[c & 15];
    }
}

/// Whether one of eight bytes is not plain ASCII, is a quote or is a backslash; found without a look at each.
bool has_special(const char* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    constexpr std::uint64_t highs = 0x8080'8080'8080'8080;
    const auto has_zero = [](std::uint64_t value) { return (value - ones) & ~value & highs; };
    const auto below_space = (word - ones * 0x20) & ~word & highs;
    return ((word & highs) | below_space | has_zero(word ^ (ones * '"')) | has_zero(word ^ (ones * '\\'))) !=
           0;
}

void append_text(std::string& out, std::string_view text) {
    out += '"';
    std::size_t done = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (i + 8 <= text.size() && !has_special(text.data() + i)) {
            i += 8;
            continue;
        }
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            ++i;
            continue;
        }
        const std::size_t length = sequence_length(text.substr(i));
        if (c >= 0x80 && length > 0) {
            i += length;
            continue;
        }
        out.append(text.substr(done, i - done));
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c < 0x20) {
            append_control(out, c);
        } else {
            out += "\xEF\xBF\xBD";
        }
        done = ++i;
    }
    out.append(text.substr(done));
    out += '"';
}

/// ECMAScript's Number::toString: digits and exponent are the shortest that read back equal.
void append_double(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    if (value == 0) {
        out += '0';
        return;
    }
    std::array<char, 32> buffer;
    const auto printed = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                                       std::chars_format::scientific);
    const std::string_view text(buffer.data(), static_cast<std::size_t>(printed.ptr - buffer.data()));
    const auto e = text.find('e');
    std::string digits(1, text[0]);
    if (e > 2) digits.append(text.substr(2, e - 2));
    int exponent = 0;
    const char* exponent_text = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
    std::from_chars(exponent_text, text.data() + text.size(), exponent);
    const int count = static_cast<int>(digits.size());
    const int point = exponent + 1;  // digits before the decimal point
    if (value < 0) out += '-';
    if (point > 0 && point <= 21) {
        if (count <= point)
            out += digits + std::string(static_cast<std::size_t>(point - count), '0');
        else
            out += digits.substr(0, static_cast<std::size_t>(point)) + "." +
                   digits.substr(static_cast<std::size_t>(point));
    } else if (point > -6 && point <= 0) {
        out += "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
    } else {
        out += digits[0];
        if (count > 1) out += "." + digits.substr(1);
        out += exponent < 0 ? "e-" : "e+";
        out += std::to_string(std::abs(exponent));
    }
}

/// Whether every reader of JSON gets the integer as it is.
bool is_exact(const Json& integer) {
    if (integer.is_number_unsigned())
        return integer.get<std::uint64_t>() <= static_cast<std::uint64_t>(exact_integer_max);
    const auto number = integer.get<std::int64_t>();
    return number >= -exact_integer_max && number <= exact_integer_max;
}

void append_integer(std::string& out, const Json& value) {
    std::array<char, 24> buffer;
    const auto end =
        value.is_number_unsigned()
            ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), value.get<std::uint64_t>()).ptr
            : std::to_chars(buffer.data(), buffer.data() + buffer.size(), value.get<std::int64_t>()).ptr;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    const bool exact = is_exact(value);
    if (!exact) out += '"';
    out += text;
    if (!exact) out += '"';
}

/// RFC 8785 sorts keys by UTF-16 units. Byte order of UTF-8 is the same but for U+E000…U+FFFF against
/// characters beyond the BMP (lead bytes EE, EF against F0…F4).
bool utf16_less(const std::string& left, const std::string& right) {
    const auto n = std::min(left.size(), right.size());
    for (std::size_t i = 0; i < n; ++i) {
        auto a = static_cast<unsigned char>(left[i]);
        auto b = static_cast<unsigned char>(right[i]);
        if (a == b) continue;
        if (a >= 0xEE && b >= 0xEE) {
            const bool a_beyond = a >= 0xF0;
            const bool b_beyond = b >= 0xF0;
            if (a_beyond != b_beyond) return a_beyond;
        }
        return a < b;
    }
    return left.size() < right.size();
}

bool has_high_lead(const std::string& key) {
    return std::any_of(key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xEE; });
}

void append(std::string& out, const Json& value);

void append_member(std::string& out, const std::string& key, const Json& value, bool first) {
    if (!first) out += ',';
    append_text(out, key);
    out += ':';
    append(out, value);
}

void append_object(std::string& out, const Json& value) {
    out += '{';
    const auto& members = value.get_ref<const Json::object_t&>();
    const bool special =
        std::any_of(members.begin(), members.end(), [](const auto& m) { return has_high_lead(m.first); });
    bool first = true;
    if (!special) {
        for (const auto& [key, member] : members) {
            append_member(out, key, member, first);
            first = false;
        }
    } else {
        std::vector<const Json::object_t::value_type*> sorted;
        for (const auto& member : members) sorted.push_back(&member);
        std::sort(sorted.begin(), sorted.end(),
                  [](auto* a, auto* b) { return utf16_less(a->first, b->first); });
        for (const auto* member : sorted) {
            append_member(out, member->first, member->second, first);
            first = false;
        }
    }
    out += '}';
}

void append_list(std::string& out, const Json& value) {
    out += '[';
    bool first = true;
    for (const auto& item : value) {
        if (!first) out += ',';
        first = false;
        append(out, item);
    }
    out += ']';
}

void append(std::string& out, const Json& value) {
    switch (value.type()) {
        case Json::value_t::null:
        case Json::value_t::discarded:
        case Json::value_t::binary:
            out += "null";
            return;
        case Json::value_t::boolean:
            out += value.get<bool>() ? "true" : "false";
            return;
        case Json::value_t::string:
            append_text(out, value.get_ref<const std::string&>());
            return;
        case Json::value_t::number_integer:
        case Json::value_t::number_unsigned:
            append_integer(out, value);
            return;
        case Json::value_t::number_float:
            append_double(out, value.get<double>());
            return;
        case Json::value_t::object:
            append_object(out, value);
            return;
        case Json::value_t::array:
            append_list(out, value);
            return;
    }
}

/// Nothing for what is left to the other reader: what is too large or too deep, no JSON, or has numbers that
/// no type of the machine holds.
std::optional<Json> read_quickly(std::string_view text, std::size_t depth_max, const JsonMask* wanted) {
    if (text.empty() || text.size() > JsonBytes::kept_bytes_max) return std::nullopt;
    // Room only: what is read never depends on what was read with it before.
    thread_local JsonBytes bytes;
    thread_local std::string padded;
    padded.reserve(text.size() + JsonBytes::padding());
    padded.assign(text);
    if (!bytes.parse(padded)) return std::nullopt;
    if (wanted != nullptr && wanted->whole) wanted = nullptr;
    return bytes.value(depth_max, wanted);
}

/// Knows what is wrong, and where.
Result<Json> read_exactly(std::string_view text, std::size_t depth_max) {
    if (deeper_than(text, depth_max))
        return exhausted("JSON nested deeper than " + std::to_string(depth_max));
    // The parser takes it for the end and does not look at what follows.
    if (const auto nul = text.find('\0'); nul != std::string_view::npos)
        return invalid("not JSON: error at byte " + std::to_string(nul + 1));
    try {
        return Json::parse(text);
    } catch (const Json::parse_error& error) {
        return invalid("not JSON: error at byte " + std::to_string(error.byte));
    } catch (const Json::exception& error) {
        // A number too large for any type.
        return invalid(std::string("not JSON: ") + error.what());
    }
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits, const JsonMask* wanted) {
    if (text.size() > limits.bytes_max)
        return exhausted("JSON of " + std::to_string(text.size()) + " bytes; the limit is " +
                         std::to_string(limits.bytes_max));
    if (text.starts_with("\xEF\xBB\xBF")) return invalid("not JSON: it starts with a byte order mark");
    if (auto value = read_quickly(text, limits.depth_max, wanted)) return *std::move(value);
    return read_exactly(text, limits.depth_max);
}

std::string canonical_json(const Json& value) {
    std::string out;
    out.reserve(512);
    append(out, value);
    return out;
}

void CanonicalWriter::separate() {
    const char last = out_.empty() ? '[' : out_.back();
    if (last != '{' && last != '[' && last != ':') out_ += ',';
}

void CanonicalWriter::begin(char bracket) {
    separate();
    out_ += bracket;
}

void CanonicalWriter::name(std::string_view name) {
    separate();
    out_.append(1, '"').append(name).append("\":");
}

void CanonicalWriter::text(std::string_view value) {
    separate();
    append_text(out_, value);
}

void CanonicalWriter::integer(std::string_view name, std::uint64_t value) {
    this->name(name);
    append_integer(out_, Json(value));
}

void CanonicalWriter::value(const Json& value) {
    separate();
    append(out_, value);
}

void CanonicalWriter::written(std::string_view name, std::string_view canonical) {
    this->name(name);
    out_ += canonical;
}

void CanonicalWriter::text(std::string_view name, std::string_view value) {
    this->name(name);
    text(value);
}

void CanonicalWriter::value(std::string_view name, const Json& value) {
    this->name(name);
    this->value(value);
}

void make_plain(Json& value) {
    if (value.is_structured()) {
        for (auto& item : value) make_plain(item);
        return;
    }
    if (value.is_number_integer() && !is_exact(value)) value = number_text(value);
    if (!value.is_number_float()) return;
    const auto number = value.get<double>();
    constexpr double exact_max = static_cast<double>(exact_integer_max);
    constexpr double written_with_digits = 1e21;
    if (std::trunc(number) != number || std::abs(number) >= written_with_digits) return;
    if (std::abs(number) <= exact_max)
        value = static_cast<std::int64_t>(number);
    else
        value = number_text(value);
}

std::string number_text(const Json& number) {
    std::string out;
    if (number.is_number_float()) {
        append_double(out, number.get<double>());
        return out;
    }
    append_integer(out, number);
    if (out.size() > 1 && out.front() == '"') return out.substr(1, out.size() - 2);
    return out;
}

std::size_t bytes_up_to(const Json& value, std::size_t most) {
    constexpr std::size_t scalar_bytes = 8;
    if (const auto* text = value.get_ptr<const Json::string_t*>()) return text->size() + 2;
    std::size_t bytes = value.is_structured() ? 2 : scalar_bytes;
    if (const auto* list = value.get_ptr<const Json::array_t*>()) {
        for (auto item = list->begin(); item != list->end() && bytes <= most; ++item)
            bytes += 1 + bytes_up_to(*item, most - bytes);
    } else if (const auto* object = value.get_ptr<const Json::object_t*>()) {
        for (auto member = object->begin(); member != object->end() && bytes <= most; ++member)
            bytes += member->first.size() + 4 + bytes_up_to(member->second, most - bytes);
    }
    return bytes;
}

bool is_deeper(const Json& value, std::size_t levels) {
    if (!value.is_structured()) return false;
    return levels == 0 || std::any_of(value.begin(), value.end(),
                                      [&](const Json& member) { return is_deeper(member, levels - 1); });
}

Path path_of(std::string_view dotted) {
    Path path;
    std::size_t start = 0;
    while (true) {
        const auto end = dotted.find('.', start);
        path.emplace_back(dotted.substr(start, end - start));
        if (end == std::string_view::npos) return path;
        start = end + 1;
    }
}

std::string dotted(const Path& path) {
    std::string text;
    for (const auto& key : path) {
        if (!text.empty()) text += '.';
        text += key;
    }
    return text;
}

const Json* find(const Json& root, const Path& path) {
    const Json* at = &root;
    for (const auto& key : path) {
        if (!at->is_object()) return nullptr;
        const auto& members = at->get_ref<const Json::object_t&>();
        const auto found = members.find(key);
        if (found == members.end()) return nullptr;
        at = &found->second;
    }
    return at;
}

const Json* find(const Json& root, std::string_view dotted_path) {
    const Json* at = &root;
    std::size_t start = 0;
    while (true) {
        if (!at->is_object()) return nullptr;
        const auto end = dotted_path.find('.', start);
        const auto found = at->find(dotted_path.substr(start, end - start));
        if (found == at->end()) return nullptr;
        at = &*found;
        if (end == std::string_view::npos) return at;
        start = end + 1;
    }
}

void put(Json& root, const Path& path, Json value) {
    Json* at = &root;
    for (const auto& key : path) {
        if (!at->is_object()) *at = Json::object();
        at = &(*at)[key];
    }
    *at = std::move(value);
}

void remove(Json& root, const Path& path) {
    Json* at = &root;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
        if (!at->is_object()) return;
        const auto found = at->find(path[i]);
        if (found == at->end()) return;
        at = &*found;
    }
    if (at->is_object() && !path.empty()) at->erase(path.back());
}

std::string text_or(const Json& root, std::string_view dotted_path, std::string_view fallback) {
    const Json* value = find(root, dotted_path);
    if (value == nullptr || !value->is_string()) return std::string(fallback);
    return value->get<std::string>();
}

}  // namespace engine
