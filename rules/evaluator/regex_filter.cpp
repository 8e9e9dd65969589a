#include "rules/evaluator/regex_filter.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "rules/evaluator/words.h"

namespace rules {
namespace {

/// Shorter ones stand in almost every text.
constexpr int atom_bytes_min = 3;

// The two letters beyond ASCII that fold to ASCII ones.
constexpr std::string_view kelvin_sign = "\xE2\x84\xAA";
constexpr std::string_view long_s = "\xC5\xBF";

/// Atoms beyond ASCII would have to be folded exactly as RE2 folds; such patterns are tried one by one.
bool has_ascii_atoms(std::string_view pattern) {
    // \x and octal escapes may stand for anything.
    for (std::size_t at = 0; at + 1 < pattern.size(); ++at) {
        if (pattern[at] != '\\') continue;
        const char escaped = pattern[++at];
        if (escaped == 'x' || escaped == 'C' || (escaped >= '0' && escaped <= '9')) return false;
    }
    return is_ascii(pattern);
}

}  // namespace

RegexFilter::RegexFilter() = default;
RegexFilter::RegexFilter(RegexFilter&& other) noexcept = default;
RegexFilter& RegexFilter::operator=(RegexFilter&& other) noexcept = default;
RegexFilter::~RegexFilter() = default;

void RegexFilter::add(const Regex& pattern) {
    const auto number = patterns_.size();
    patterns_.push_back(pattern);
    if (!has_ascii_atoms(pattern.pattern())) {
        unfiltered_.push_back(number);
        return;
    }
    if (!filter_) filter_ = std::make_unique<re2::FilteredRE2>(atom_bytes_min);
    int id = 0;
    const auto& program = pattern.program();
    ENSURE(filter_->Add(program.pattern(), program.options(), &id) == re2::RE2::NoError);
    ENSURE(static_cast<std::size_t>(id) == filtered_.size());
    filtered_.push_back(number);
}

std::vector<std::string> RegexFilter::freeze() {
    std::vector<std::string> atoms;
    if (filter_) filter_->Compile(&atoms);
    return atoms;
}

std::vector<std::size_t> RegexFilter::found_in(std::string_view text, const std::vector<int>& atoms) const {
    std::vector<std::size_t> found;
    const auto try_one = [&](std::size_t number) {
        if (patterns_[number].found_in(text)) found.push_back(number);
    };
    for (const auto number : unfiltered_) try_one(number);
    if (!filter_) return found;
    std::vector<int> potential;
    filter_->AllPotentials(atoms, &potential);
    for (const auto id : potential) try_one(filtered_[static_cast<std::size_t>(id)]);
    return found;
}

std::string lowered_for_atoms(std::string_view text) {
    std::string lowered;
    if (is_ascii(text)) {
        lowered.resize(text.size());
        std::transform(text.begin(), text.end(), lowered.begin(), ascii_lower);
        return lowered;
    }
    lowered.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto rest = text.substr(i);
        if (rest.starts_with(kelvin_sign)) {
            lowered += 'k';
            i += kelvin_sign.size() - 1;
        } else if (rest.starts_with(long_s)) {
            lowered += 's';
            i += long_s.size() - 1;
        } else {
            lowered += ascii_lower(text[i]);
        }
    }
    return lowered;
}

}  // namespace rules
