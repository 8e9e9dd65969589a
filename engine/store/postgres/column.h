#pragma once
/// Column: an array as PostgreSQL takes it in binary, so that nothing has to be escaped.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace engine::postgres {

/// Source of the format: array_recv in PostgreSQL's src/backend/utils/adt/arrayfuncs.c; numbers are
/// big-endian.
class Column {
public:
    /// Object identifiers of the types of elements, as src/include/catalog/pg_type.dat has them.
    enum class Of : std::int32_t { bytes = 17, number = 20, text = 25 };

    explicit Column(Of type);

    void add(std::int64_t number);
    void add(std::uint64_t number) { add(static_cast<std::int64_t>(number)); }
    void add(int number) { add(static_cast<std::int64_t>(number)); }
    void add(std::string_view bytes);
    void add(std::optional<std::int64_t> number);
    void add_null();
    /// The bytes of a number alone.
    static std::string number(std::int64_t value);

    std::size_t size() const { return size_; }
    void clear();
    /// The whole array; valid until the next change.
    std::string_view wire();

private:
    std::string wire_;
    std::size_t size_ = 0;
    Of type_;
};

}  // namespace engine::postgres
