#pragma once
/// CodeSet: a set of a slot's codes, as few ranges.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace rules {

using Code = std::uint32_t;

struct CodeRange {
    Code first = 0;
    Code last = 0;  ///< included
    bool operator==(const CodeRange&) const = default;
};

class CodeSet {
public:
    static constexpr Code last_code = std::numeric_limits<Code>::max();

    static CodeSet none() { return CodeSet(); }
    static CodeSet all() { return of(0, last_code); }
    static CodeSet of(Code first, Code last) {
        CodeSet set;
        if (first <= last) set.ranges_.push_back({first, last});
        return set;
    }
    /// In any order, and more than once.
    static CodeSet of(std::vector<Code> codes);

    bool empty() const { return ranges_.empty(); }
    bool contains(Code code) const;
    CodeSet complement() const;
    CodeSet intersected(const CodeSet& other) const;
    CodeSet united(const CodeSet& other) const;

    /// Sorted; they neither overlap nor touch.
    const std::vector<CodeRange>& ranges() const { return ranges_; }
    bool operator==(const CodeSet&) const = default;

private:
    std::vector<CodeRange> ranges_;
};

}  // namespace rules
