#pragma once
/// RegexFilter: which of many patterns are found in a text, without trying each.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/evaluator/regex.h"

namespace re2 {
class FilteredRE2;
}

namespace rules {

/// Patterns are added, then frozen; any thread may ask after that. RE2's own FilteredRE2 underneath: from
/// each pattern it takes texts (atoms) without which the pattern is not found.
class RegexFilter {
public:
    RegexFilter();
    RegexFilter(RegexFilter&& other) noexcept;
    RegexFilter& operator=(RegexFilter&& other) noexcept;
    ~RegexFilter();

    /// Patterns are numbered from 0 in this order.
    void add(const Regex& pattern);
    /// The atoms that the caller is to look for, by number.
    std::vector<std::string> freeze();

    std::size_t size() const { return patterns_.size(); }
    /// `atoms` are those that stand in lowered_for_atoms(text).
    std::vector<std::size_t> found_in(std::string_view text, const std::vector<int>& atoms) const;

private:
    std::vector<Regex> patterns_;
    std::unique_ptr<re2::FilteredRE2> filter_;
    std::vector<std::size_t> filtered_;    ///< patterns by their number in the filter
    std::vector<std::size_t> unfiltered_;  ///< tried on every text
};

/// Lower case as atoms have it: letters that fold to an ASCII letter are that letter.
std::string lowered_for_atoms(std::string_view text);

}  // namespace rules
