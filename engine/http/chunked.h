#pragma once
/// ChunkedReader: a chunked body's data, taken out of bytes that come in any portions.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "engine/http/framing.h"

namespace engine::http {

struct ChunkedLimits {
    std::size_t body_bytes_max = 1024 * 1024;
    std::size_t extension_bytes_max = 256;  ///< of one chunk
    std::size_t trailer_bytes_max = 8 * 1024;
};

/// One value a body. Extensions are skipped; trailers are checked and dropped, so nobody can mistake them for
/// headers.
class ChunkedReader {
public:
    explicit ChunkedReader(const ChunkedLimits& limits) : limits_(limits) {}

    /// Appends data to `body` and returns how many of the bytes belong to this body; fewer than all only when
    /// it has ended. Refuses line ends other than CRLF, sizes that are no hexadecimal number, and what is
    /// over a limit.
    std::variant<std::size_t, Refusal> take(std::string_view bytes, std::string& body);
    bool done() const { return state_ == State::done; }

private:
    enum class State { size, data, data_end, trailer, done };

    /// Moves bytes up to a line's end into line_; true when the line is whole.
    bool take_line(std::string_view& bytes);
    std::variant<std::monostate, Refusal> read_size(std::size_t body_size);
    std::variant<std::monostate, Refusal> read_trailer();
    std::variant<std::monostate, Refusal> read_line(std::size_t body_size);
    void take_data(std::string_view& bytes, std::string& body);
    std::size_t line_bytes_max() const;

    ChunkedLimits limits_;
    State state_ = State::size;
    std::string line_;
    std::uint64_t remaining_ = 0;  ///< data bytes of the chunk still to come
    std::size_t trailer_bytes_ = 0;
};

}  // namespace engine::http
