#pragma once
/// Percent-encoding, form bodies and query strings.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace connectors {

/// Encodes all but RFC 3986's unreserved characters.
std::string percent_encode(std::string_view text);
/// Fails with invalid_input at a broken escape; `+` is a space only in forms.
engine::Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

using Fields = std::vector<std::pair<std::string, std::string>>;
/// Reads `a=1&b=2`. Fails with invalid_input, and with exhausted beyond 1000 fields.
engine::Result<Fields> parse_form(std::string_view text);
std::string write_form(const Fields& fields);
/// The query of a request target, without `?`.
std::string_view query_of(std::string_view target);
const std::string* find_field(const Fields& fields, std::string_view name);

/// Header names ignore case (ASCII).
bool same_name(std::string_view left, std::string_view right);

}  // namespace connectors
