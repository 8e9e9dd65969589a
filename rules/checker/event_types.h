#pragma once
/// What the `on` patterns of rules say of each other.

#include <string>
#include <string_view>
#include <vector>

namespace rules {

using TypePatterns = std::vector<std::string>;

/// Whichever event comes.
const TypePatterns& every_type();

/// Every type that `inner` lets in, `outer` lets in, too; false when that is not certain.
bool types_within(const TypePatterns& inner, const TypePatterns& outer);
/// No type fits both; false when that is not certain.
bool types_apart(const TypePatterns& one, const TypePatterns& other);
/// Types that fit both, plain ones first; none when none was found.
std::vector<std::string> types_in_both(const TypePatterns& one, const TypePatterns& other);
/// Whether a `<kind>.updated` of a later pass may fit.
bool fits_derived(const TypePatterns& patterns);

}  // namespace rules
