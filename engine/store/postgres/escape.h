#pragma once
/// Texts with the byte 0, which PostgreSQL cannot hold: they come from payloads and from people.

#include <string>
#include <string_view>

namespace engine::postgres {

/// `\\` for a backslash and `\0` for the byte 0; other texts stay as they are.
std::string escaped(std::string_view text);
std::string unescaped(std::string_view text);

}  // namespace engine::postgres
