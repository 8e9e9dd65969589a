#pragma once
/// Parts of a URL as text: percent escapes, query parameters, paths.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace engine::http {

/// Decodes one round of %XX. Fails with invalid_input on a broken escape and on what is no UTF-8 text without
/// control characters.
Result<std::string> percent_decode(std::string_view text);
/// Escapes all but unreserved characters.
std::string percent_encode(std::string_view text);

/// The parameters after the question mark, in order; `+` is a space.
class Query {
public:
    /// Fails as percent_decode does.
    static Result<Query> parse(std::string_view text);
    /// The first value of that name.
    std::optional<std::string> get(std::string_view name) const;
    bool has(std::string_view name) const { return get(name).has_value(); }
    /// The whole number of that name, or the fallback. Fails with invalid_input when it is none or over
    /// `max`.
    Result<std::uint64_t> number(std::string_view name, std::uint64_t fallback, std::uint64_t max) const;
    void set(const std::string& name, const std::string& value);
    std::string text() const;

private:
    std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace engine::http
