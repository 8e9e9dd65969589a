#pragma once
/// Regex: an RE2 pattern, searched anywhere in a text in linear time. The home of RE2.

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace re2 {
class RE2;
}

namespace rules {

/// Immutable; copies share the compiled program. Any thread.
class Regex {
public:
    /// Fails with invalid_input naming what RE2 objects to, and with exhausted when the program is too large.
    static engine::Result<Regex> compile(std::string_view pattern, bool case_sensitive);
    bool found_in(std::string_view text) const;
    const std::string& pattern() const;
    /// With its pattern and options.
    const re2::RE2& program() const { return *program_; }

private:
    explicit Regex(std::shared_ptr<const re2::RE2> program) : program_(std::move(program)) {}
    std::shared_ptr<const re2::RE2> program_;
};

}  // namespace rules
