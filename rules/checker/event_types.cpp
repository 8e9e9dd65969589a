#include "rules/checker/event_types.h"

#include <algorithm>

#include "engine/base/text.h"
#include "rules/matcher/matcher.h"

namespace rules {
namespace {

bool is_glob(std::string_view pattern) {
    return pattern.find('*') != std::string_view::npos;
}

std::string with_stars(std::string pattern, const std::string& text) {
    for (auto at = pattern.find('*'); at != std::string::npos; at = pattern.find('*', at + text.size()))
        pattern.replace(at, 1, text);
    return pattern;
}

/// Types that the pattern lets in, or parts of which another pattern may let in.
void add_samples(const std::string& pattern, std::vector<std::string>& types) {
    if (!is_glob(pattern)) return types.push_back(pattern);
    for (const char* text : {"created", "updated", "ticket", "ticket.updated", "ticket.created", "x", ""})
        types.push_back(with_stars(pattern, text));
}

/// `ticket.*` and `*.created`: the beginning of the one, the end of the other.
void add_crossed(const std::string& one, const std::string& other, std::vector<std::string>& types) {
    if (is_glob(one) && is_glob(other))
        types.push_back(one.substr(0, one.find('*')) + other.substr(other.rfind('*') + 1));
}

}  // namespace

const TypePatterns& every_type() {
    static const TypePatterns types{"*"};
    return types;
}

bool types_within(const TypePatterns& inner, const TypePatterns& outer) {
    // A star of the inner pattern can be matched by a star only, which takes whatever stands in its place.
    return std::all_of(inner.begin(), inner.end(), [&](const std::string& pattern) {
        return std::any_of(outer.begin(), outer.end(), [&](const std::string& wide) {
            if (!is_glob(pattern)) return type_fits(wide, pattern);
            return wide == pattern || (is_glob(wide) && engine::glob_matches(wide, pattern));
        });
    });
}

bool types_apart(const TypePatterns& one, const TypePatterns& other) {
    return std::all_of(one.begin(), one.end(), [&](const std::string& left) {
        return std::all_of(other.begin(), other.end(), [&](const std::string& right) {
            if (is_glob(left) && is_glob(right)) {
                // Only their beginnings and ends are certain.
                const auto head = std::min(left.find('*'), right.find('*'));
                const auto left_tail = left.size() - left.rfind('*') - 1;
                const auto right_tail = right.size() - right.rfind('*') - 1;
                const auto tail = std::min(left_tail, right_tail);
                return left.substr(0, head) != right.substr(0, head) ||
                       left.substr(left.size() - tail) != right.substr(right.size() - tail);
            }
            return is_glob(left) ? !type_fits(left, right) : !type_fits(right, left);
        });
    });
}

std::vector<std::string> types_in_both(const TypePatterns& one, const TypePatterns& other) {
    std::vector<std::string> candidates, types;
    for (const auto& pattern : one)
        if (!is_glob(pattern)) candidates.push_back(pattern);
    for (const auto& pattern : other)
        if (!is_glob(pattern)) candidates.push_back(pattern);
    for (const auto& pattern : one) add_samples(pattern, candidates);
    for (const auto& pattern : other) add_samples(pattern, candidates);
    for (const auto& left : one)
        for (const auto& right : other) {
            add_crossed(left, right, candidates);
            add_crossed(right, left, candidates);
        }
    for (const auto& type : candidates)
        if (!type.empty() && any_type_fits(one, type) && any_type_fits(other, type) &&
            std::find(types.begin(), types.end(), type) == types.end())
            types.push_back(type);
    return types;
}

bool fits_derived(const TypePatterns& patterns) {
    return !types_apart(patterns, {"*.updated"});
}

}  // namespace rules
