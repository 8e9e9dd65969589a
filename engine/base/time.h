#pragma once
/// Instants in UTC, spans of time, their texts, and the clock as a collaborator.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace engine {

using Duration = std::chrono::microseconds;
/// Microseconds since 1970-01-01 UTC, leap seconds not counted.
using Instant = std::chrono::sys_time<Duration>;

/// Reads RFC 3339 with any offset and up to nine fractional digits (cut to microseconds). A leap second
/// 23:59:60 reads as the first instant of the next minute. Fails with invalid_input.
Result<Instant> parse_instant(std::string_view text);
/// `2026-05-04T08:00:00Z`; a fraction is written with three or six digits only when there is one.
std::string to_text(Instant instant);

/// Reads `90s`, `1h30m`, `2d`, `500ms`, `1w`; a plain `0` is none. Fails with invalid_input.
Result<Duration> parse_duration(std::string_view text);
/// The shortest text that parse_duration reads back.
std::string to_text(Duration duration);

inline std::int64_t microseconds_of(Instant instant) {
    return instant.time_since_epoch().count();
}
inline Instant instant_of(std::int64_t microseconds) {
    return Instant(Duration(microseconds));
}

/// Says what time it is. Any thread.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Instant now() const = 0;
};

class SystemClock final : public Clock {
public:
    Instant now() const override;
};

/// Stands still until told: replay, dry-run and tests. One thread.
class ManualClock final : public Clock {
public:
    explicit ManualClock(Instant start) : now_(start) {}
    Instant now() const override { return now_; }
    void advance_to(Instant instant) { now_ = instant > now_ ? instant : now_; }

private:
    Instant now_;
};

}  // namespace engine
