#pragma once
/// The gate every head passes before anything acts on it: it says where a request ends, or refuses it.
///
/// Strict where HTTP/1.1 (RFC 9112) leaves a choice: whatever two programs could read differently is refused,
/// so that nothing can hide behind a request. Pure functions, any thread.

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "engine/http/message.h"

namespace engine::http {

struct FramingLimits {
    std::size_t head_bytes_max = 64 * 1024;
    std::size_t line_bytes_max = 8 * 1024;
    std::size_t headers_max = 100;
    std::size_t target_bytes_max = 4 * 1024;
};

/// What no line may hold: everything below a blank but a tab.
bool is_control(char c);

/// Why a head is refused. The connection cannot be used any further.
struct Refusal {
    int status = 400;
    std::string_view code;    ///< such as `bare-lf`; stable, for problems and metrics
    std::string_view detail;  ///< for people
};

/// Looks for the end of a head in bytes that grow. One value a request; `look` with ever longer prefixes of
/// the same bytes.
class HeadFinder {
public:
    explicit HeadFinder(const FramingLimits& limits) : limits_(limits) {}

    struct Found {
        std::size_t length = 0;  ///< of the head, its empty line included
    };
    struct NeedMore {};
    using Answer = std::variant<NeedMore, Found, Refusal>;
    /// Refuses as soon as no continuation could be a good head: lines and heads over their limits, line ends
    /// other than CRLF, control characters.
    Answer look(std::string_view bytes);

private:
    const FramingLimits& limits_;
    std::size_t line_start_ = 0;
};

/// Parses the bytes that HeadFinder delimited; `head` keeps views into them and its vector's memory.
std::variant<std::monostate, Refusal> parse_head(std::string_view bytes, const FramingLimits& limits,
                                                 RequestHead& head);

}  // namespace engine::http
