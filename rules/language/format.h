#pragma once
/// The common layout of rule files, for `signalbox fmt`.

#include <string>

namespace rules {

/// The text with its indentation (two spaces a level, lists indented under their key), the space after keys
/// and dashes, line ends, blanks at line ends and repeated empty lines made uniform. Comments and everything
/// inside values stay. Never changes what the file says: where that is in doubt, and where the text is no
/// YAML that the loader takes, it is returned as it is. Formatting twice is formatting once.
std::string format_rules(const std::string& text);

}  // namespace rules
