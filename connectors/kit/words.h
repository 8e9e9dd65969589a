#pragma once
/// Words for messages: what may have been meant.

#include <string>
#include <string_view>
#include <vector>

namespace connectors {

/// `, did you mean "x"?`, else ` (there is a, b)` when the list is short, else nothing.
std::string hint(std::string_view name, const std::vector<std::string>& known);

}  // namespace connectors
