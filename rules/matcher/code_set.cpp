#include "rules/matcher/code_set.h"

namespace rules {

CodeSet CodeSet::of(std::vector<Code> codes) {
    std::sort(codes.begin(), codes.end());
    CodeSet set;
    for (const auto code : codes) {
        const bool follows = !set.ranges_.empty() && set.ranges_.back().last + 1 >= code;
        if (follows)
            set.ranges_.back().last = std::max(set.ranges_.back().last, code);
        else
            set.ranges_.push_back({code, code});
    }
    return set;
}

bool CodeSet::contains(Code code) const {
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [code](const CodeRange& range) { return code >= range.first && code <= range.last; });
}

CodeSet CodeSet::complement() const {
    CodeSet rest;
    Code from = 0;
    for (const auto& range : ranges_) {
        if (range.first > from) rest.ranges_.push_back({from, range.first - 1});
        if (range.last == last_code) return rest;
        from = range.last + 1;
    }
    rest.ranges_.push_back({from, last_code});
    return rest;
}

CodeSet CodeSet::intersected(const CodeSet& other) const {
    CodeSet both;
    auto left = ranges_.begin(), right = other.ranges_.begin();
    while (left != ranges_.end() && right != other.ranges_.end()) {
        const auto first = std::max(left->first, right->first);
        const auto last = std::min(left->last, right->last);
        if (first <= last) both.ranges_.push_back({first, last});
        if (left->last < right->last)
            ++left;
        else
            ++right;
    }
    return both;
}

CodeSet CodeSet::united(const CodeSet& other) const {
    return complement().intersected(other.complement()).complement();
}

}  // namespace rules
