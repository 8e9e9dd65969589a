#include "rules/lua/worker_wire.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/base/text.h"

namespace rules {

using engine::Json;

namespace {

// A limit of ours and not of scripts: what comes from outside and what rules write is 64 deep at most, what
// stands around it in an event and in what a script is given comes on top; and so deep is the recursion here.
constexpr std::size_t wire_depth_max = 100;

enum class Tag : char { null, no, yes, positive, negative, fraction, text, list, object };

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

bool is_text(std::string_view text) {
    return is_ascii(text) || engine::is_utf8(text);
}

/// The same with U+FFFD for each byte that is no part of a character.
std::string mended(std::string_view text) {
    std::string mended;
    while (!text.empty()) {
        std::size_t bytes = std::min<std::size_t>(4, text.size());
        while (bytes > 0 &&
               !(engine::is_utf8(text.substr(0, bytes)) && engine::length_of(text.substr(0, bytes)) == 1))
            --bytes;
        mended += bytes > 0 ? text.substr(0, bytes) : "\xEF\xBF\xBD";
        text.remove_prefix(std::max<std::size_t>(bytes, 1));
    }
    return mended;
}

}  // namespace

void WireWriter::number(std::uint64_t number) {
    for (; number >= 0x80; number >>= 7U) out_ += static_cast<char>(number | 0x80U);
    out_ += static_cast<char>(number);
}

void WireWriter::text(std::string_view text) {
    if (!is_text(text)) return bytes(mended(text));
    bytes(text);
}

void WireWriter::bytes(std::string_view bytes) {
    number(bytes.size());
    out_ += bytes;
}

void WireWriter::value(const Json& value) {
    value_below(value, 0);
}

void WireWriter::value_below(const Json& value, std::size_t depth) {
    const auto tagged = [this](Tag tag) { out_ += static_cast<char>(tag); };
    if (depth > wire_depth_max) {
        is_too_deep_ = true;
        return tagged(Tag::null);
    }
    switch (value.type()) {
        case Json::value_t::boolean:
            return tagged(*value.get_ptr<const bool*>() ? Tag::yes : Tag::no);
        case Json::value_t::number_unsigned:
            tagged(Tag::positive);
            return number(*value.get_ptr<const Json::number_unsigned_t*>());
        case Json::value_t::number_integer: {
            const auto integer = *value.get_ptr<const Json::number_integer_t*>();
            tagged(Tag::negative);
            return number(static_cast<std::uint64_t>(integer));
        }
        case Json::value_t::number_float: {
            const double fraction = *value.get_ptr<const double*>();
            if (!std::isfinite(fraction)) return tagged(Tag::null);
            tagged(Tag::fraction);
            std::array<char, sizeof fraction> bytes{};
            std::memcpy(bytes.data(), &fraction, bytes.size());
            out_.append(bytes.data(), bytes.size());
            return;
        }
        case Json::value_t::string:
            tagged(Tag::text);
            return text(*value.get_ptr<const std::string*>());
        case Json::value_t::array:
            tagged(Tag::list);
            number(value.size());
            for (const auto& item : value) value_below(item, depth + 1);
            return;
        case Json::value_t::object:
            tagged(Tag::object);
            number(value.size());
            for (auto member = value.begin(); member != value.end(); ++member) {
                text(member.key());
                value_below(member.value(), depth + 1);
            }
            return;
        default:
            return tagged(Tag::null);
    }
}

void WireReader::fail() {
    good_ = false;
    bytes_ = {};
}

std::string_view WireReader::taken(std::size_t bytes) {
    if (bytes > bytes_.size()) {
        fail();
        return {};
    }
    const auto taken = bytes_.substr(0, bytes);
    bytes_.remove_prefix(bytes);
    return taken;
}

std::uint64_t WireReader::number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const auto byte = taken(1);
        if (byte.empty()) return 0;
        const auto bits = static_cast<std::uint64_t>(static_cast<unsigned char>(byte[0]));
        if (shift == 63 && bits > 1) break;
        number |= (bits & 0x7FU) << shift;
        if (bits < 0x80) return number;
    }
    fail();
    return 0;
}

std::size_t WireReader::count() {
    const auto count = number();
    if (count > bytes_.size()) fail();
    return good_ ? static_cast<std::size_t>(count) : 0;
}

std::string WireReader::text() {
    const auto text = taken(count());
    if (!is_text(text)) fail();
    return good_ ? std::string(text) : std::string();
}

bool WireReader::flag() {
    const auto flag = number();
    if (flag > 1) fail();
    return good_ && flag == 1;
}

double WireReader::fraction() {
    double fraction = 0;
    const auto bytes = taken(sizeof fraction);
    if (bytes.empty()) return 0;
    std::memcpy(&fraction, bytes.data(), sizeof fraction);
    if (!std::isfinite(fraction)) fail();
    return fraction;
}

Json WireReader::value_below(std::size_t depth) {
    const auto tag = taken(1);
    if (depth > wire_depth_max) fail();
    if (!good_) return {};
    switch (static_cast<Tag>(tag[0])) {
        case Tag::null:
            return {};
        case Tag::no:
            return false;
        case Tag::yes:
            return true;
        case Tag::positive:
            return number();
        case Tag::negative:
            return static_cast<std::int64_t>(number());
        case Tag::fraction:
            return fraction();
        case Tag::text:
            return text();
        case Tag::list:
            return list_below(depth);
        case Tag::object:
            return object_below(depth);
    }
    fail();
    return {};
}

Json WireReader::list_below(std::size_t depth) {
    Json::array_t list;
    const auto items = count();
    list.reserve(items);
    for (std::size_t i = 0; i < items && good_; ++i) list.push_back(value_below(depth + 1));
    return list;
}

Json WireReader::object_below(std::size_t depth) {
    Json::object_t object;
    const auto members = count();
    for (std::size_t i = 0; i < members && good_; ++i) {
        auto name = text();
        object.insert_or_assign(object.end(), std::move(name), value_below(depth + 1));
    }
    if (object.size() != members) fail();
    return object;
}

}  // namespace rules
