#include "engine/store/postgres/column.h"

#include <cstring>

namespace engine::postgres {
namespace {

/// Dimensions, whether there are nulls, the type, and of the one dimension its length and first index.
constexpr std::size_t header_bytes = 20;
constexpr std::int32_t null_length = -1;

template <class Number>
void put(char* to, Number number) {
    for (std::size_t i = sizeof number; i-- > 0; number = static_cast<Number>(number >> 8))
        to[i] = static_cast<char>(number & 0xFF);
}

template <class Number>
void append(std::string& to, Number number) {
    char bytes[sizeof number];
    put(bytes, number);
    to.append(bytes, sizeof bytes);
}

}  // namespace

Column::Column(Of type) : type_(type) {
    clear();
}

void Column::clear() {
    wire_.assign(header_bytes, '\0');
    size_ = 0;
}

void Column::add(std::int64_t number) {
    append(wire_, static_cast<std::int32_t>(sizeof number));
    append(wire_, number);
    ++size_;
}

void Column::add(std::string_view bytes) {
    append(wire_, static_cast<std::int32_t>(bytes.size()));
    wire_ += bytes;
    ++size_;
}

void Column::add(std::optional<std::int64_t> number) {
    if (number)
        add(*number);
    else
        add_null();
}

void Column::add_null() {
    append(wire_, null_length);
    ++size_;
}

std::string Column::number(std::int64_t value) {
    std::string bytes;
    append(bytes, value);
    return bytes;
}

std::string_view Column::wire() {
    put(wire_.data(), std::int32_t{size_ == 0 ? 0 : 1});
    put(wire_.data() + 4, std::int32_t{1});
    put(wire_.data() + 8, static_cast<std::int32_t>(type_));
    // An array without elements has no dimension, and ends here.
    if (size_ == 0) return std::string_view(wire_).substr(0, 12);
    put(wire_.data() + 12, static_cast<std::int32_t>(size_));
    put(wire_.data() + 16, std::int32_t{1});
    return wire_;
}

}  // namespace engine::postgres
