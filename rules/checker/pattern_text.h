#pragma once
/// A text in which a regular expression is probably found.

#include <string>
#include <string_view>

namespace rules {

/// Reads the common parts of RE2's syntax; what it does not know it leaves out, so the text has to be tried.
std::string text_for_pattern(std::string_view pattern);

}  // namespace rules
