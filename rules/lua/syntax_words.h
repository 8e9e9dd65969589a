#pragma once
/// What Lua says of a source that it cannot compile, in words from which its writer sees what to mend.

#include <string>
#include <string_view>

namespace rules {

/// Another message for those of Lua that name a byte of a character, or its own stack; the others stay. The
/// line is the one that the message is about.
std::string in_our_words(std::string message, std::string_view line);

}  // namespace rules
