#pragma once
/// JsonBytes: documents of JSON by their bytes, at the speed of memory. The home of simdjson.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/base/json.h"

namespace engine {

/// Room for one document at a time, which grows to the largest it has seen. One thread. Behind every document
/// `padding` bytes have to be readable, whatever they are.
class JsonBytes {
public:
    JsonBytes();
    ~JsonBytes();

    static std::size_t padding();
    /// Larger documents are seldom, and the room to read one is about fifteen times as large and kept: who
    /// keeps a JsonBytes for each thread reads none.
    static constexpr std::size_t kept_bytes_max = 1024 * 1024;

    /// Lists where quotes, braces, brackets, colons, commas and the first bytes of other values are; behind
    /// the last stand some that point behind the document. Fails with invalid_input unless all of it is UTF-8
    /// with closed strings, and with exhausted when there is no room.
    Result<void> list_places(std::string_view document);
    const std::uint32_t* begin() const;
    const std::uint32_t* end() const;

    /// Reads the whole document. False for what is no JSON, and for numbers that no type of the machine
    /// holds.
    bool parse(std::string_view document);
    /// Of what was parsed: the document as a value, of which `wanted` (null: all) names the members to take.
    /// Nothing when it is deeper than that.
    std::optional<Json> value(std::size_t depth_max, const JsonMask* wanted) const;

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace engine
