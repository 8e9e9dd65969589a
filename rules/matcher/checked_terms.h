#pragma once
/// CheckedTerms: the terms of an index, and what is still to be asked of each once the index led to it.

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "rules/matcher/code_set.h"

namespace rules {

/// A rule that the readings do not rule out.
struct Hit {
    std::uint32_t rule = 0;
    bool exact = false;  ///< it holds; else it may
    auto operator<=>(const Hit&) const = default;
};

/// Made term by term, then closed. Immutable then; any thread.
class CheckedTerms {
public:
    /// A code slot, and the codes that the term asks of it.
    using Asked = std::pair<std::size_t, const CodeSet*>;

    void add(std::uint32_t rule, bool exact, const std::vector<Asked>& checks);
    void close();

    /// Without the one that closes them.
    std::size_t size() const { return terms_.size(); }

    /// All codes that are still to be asked for are those of the readings.
    bool passes(std::size_t term, const Code* codes) const {
        const auto* place = terms_.data() + term;
        for (auto i = place->first_check; i < place[1].first_check; ++i) {
            const auto& check = checks_.data()[i];
            const auto* range = ranges_.data() + check.first_range;
            const auto code = codes[check.slot];
            const bool inside = std::any_of(range, range + check.ranges, [code](const CodeRange& one) {
                return one.first <= code && code <= one.last;
            });
            if (!inside) return false;
        }
        return true;
    }
    Hit hit(std::size_t term) const { return {terms_.data()[term].rule, terms_.data()[term].exact != 0}; }

    // Term, checks and ranges lie anywhere in memory, each known by the one before.
    void fetch_term(std::size_t term) const { __builtin_prefetch(terms_.data() + term); }
    void fetch_checks(std::size_t term) const {
        __builtin_prefetch(checks_.data() + terms_.data()[term].first_check);
    }
    void fetch_ranges(std::size_t term) const {
        const auto* place = terms_.data() + term;
        if (place->first_check != place[1].first_check)
            __builtin_prefetch(ranges_.data() + checks_.data()[place->first_check].first_range);
    }

    std::size_t bytes() const {
        return terms_.capacity() * sizeof(Term) + checks_.capacity() * sizeof(Check) +
               ranges_.capacity() * sizeof(CodeRange);
    }

private:
    struct Check {
        std::uint32_t slot = 0;
        std::uint32_t first_range = 0, ranges = 0;  ///< in ranges_
    };
    struct Term {
        std::uint32_t rule = 0;
        std::uint32_t first_check : 31 = 0;  ///< up to that of the next term
        std::uint32_t exact : 1 = 0;
    };

    std::vector<Term> terms_;  ///< and one behind the last
    std::vector<Check> checks_;
    std::vector<CodeRange> ranges_;
};

}  // namespace rules
