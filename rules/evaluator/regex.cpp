#include "rules/evaluator/regex.h"

#include <re2/re2.h>

namespace rules {
namespace {

// Patterns of rules are a line long; a larger program is a repetition bomb such as (a{1000}){1000}.
constexpr int program_size_max = 20'000;
constexpr std::int64_t memory_bytes_max = 4 << 20;

re2::RE2::Options options_for(bool case_sensitive) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(case_sensitive);
    options.set_max_mem(memory_bytes_max);
    options.set_never_capture(true);
    return options;
}

engine::Error too_large(std::string_view pattern) {
    return engine::exhausted("the pattern \"" + std::string(pattern) + "\" is too large");
}

}  // namespace

engine::Result<Regex> Regex::compile(std::string_view pattern, bool case_sensitive) {
    const re2::StringPiece piece(pattern.data(), pattern.size());
    auto program = std::make_shared<const re2::RE2>(piece, options_for(case_sensitive));
    if (program->error_code() == re2::RE2::ErrorPatternTooLarge) return too_large(pattern);
    if (!program->ok())
        return engine::invalid("the pattern \"" + std::string(pattern) + "\" is wrong: " + program->error());
    if (program->ProgramSize() > program_size_max) return too_large(pattern);
    return Regex(std::move(program));
}

bool Regex::found_in(std::string_view text) const {
    return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *program_);
}

const std::string& Regex::pattern() const {
    return program_->pattern();
}

}  // namespace rules
