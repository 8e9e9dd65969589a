#pragma once
/// Times as text by a pattern, in UTC and English: the part of strftime that needs no locale and no time
/// zone.

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/time.h"

namespace rules {

/// What is wrong with the pattern; nothing when format_date can use it.
std::optional<std::string> date_format_problem(std::string_view pattern);

/// `%Y-%m-%d %H:%M` → `2026-05-04 08:00`.
std::string format_date(engine::Instant instant, std::string_view pattern);

}  // namespace rules
