#include "rules/checker/text_searches.h"

#include <algorithm>

#include "engine/base/text.h"
#include "rules/checker/pattern_text.h"
#include "rules/evaluator/comparison.h"
#include "rules/evaluator/words.h"

namespace rules {
namespace {

/// Whether a text has to have one of the words, or must have none.
bool wants_found(const Literal& literal) {
    return (literal.comparison->op == Operator::not_contains) == literal.negated;
}

/// One thing that is looked for: a word or a pattern.
struct Probe {
    Operator op = Operator::contains;
    bool case_sensitive = false;
    std::string text;
};

std::vector<Probe> probes_of(const Comparison& comparison) {
    const auto op = comparison.op == Operator::not_contains ? Operator::contains : comparison.op;
    std::vector<Probe> probes;
    for (const auto& word : comparison.words) probes.push_back({op, comparison.case_sensitive, word});
    for (const auto& pattern : comparison.patterns)
        probes.push_back({op, comparison.case_sensitive, pattern.pattern()});
    return probes;
}

/// A text in which the one is found has the other in it, too.
bool brings(const Probe& one, const Probe& other) {
    if (one.op == Operator::matches || other.op == Operator::matches)
        return one.op == other.op && one.text == other.text && one.case_sensitive == other.case_sensitive;
    if (other.case_sensitive && !one.case_sensitive) return false;
    const auto text = other.case_sensitive ? one.text : engine::fold_case(one.text);
    if (other.op == Operator::contains) return text.find(other.text) != std::string::npos;
    return one.op == other.op && word_found(other.op, text, other.text);
}

bool brings_any(const Probe& one, const std::vector<Probe>& others) {
    return std::any_of(others.begin(), others.end(), [&](const Probe& other) { return brings(one, other); });
}

/// One text cannot begin (or end) with both.
bool exclude_each_other(const Probe& one, const Probe& other) {
    if (one.op != other.op || (one.op != Operator::starts_with && one.op != Operator::ends_with))
        return false;
    const bool exact = one.case_sensitive && other.case_sensitive;
    const auto left = exact ? one.text : engine::fold_case(one.text);
    const auto right = exact ? other.text : engine::fold_case(other.text);
    return !word_found(one.op, left, right) && !word_found(one.op, right, left);
}

bool exclude_each_other(const std::vector<Probe>& some, const std::vector<Probe>& others) {
    return !some.empty() && !others.empty() && std::all_of(some.begin(), some.end(), [&](const Probe& one) {
        return std::all_of(others.begin(), others.end(),
                           [&](const Probe& other) { return exclude_each_other(one, other); });
    });
}

bool contains_network(const Network& wide, const Network& narrow) {
    if (wide.prefix > narrow.prefix) return false;
    for (int bit = 0; bit < wide.prefix; ++bit) {
        const auto mask = 0x80 >> bit % 8;
        const auto byte = static_cast<std::size_t>(bit / 8);
        if ((wide.address[byte] & mask) != (narrow.address[byte] & mask)) return false;
    }
    return true;
}

/// The words asked for, put where they are looked for.
class Composition {
public:
    void add(const Probe& probe) {
        const bool is_pattern = probe.op == Operator::matches;
        const auto text = is_pattern ? text_for_pattern(probe.text) : probe.text;
        if (probe.op == Operator::starts_with || (is_pattern && probe.text.starts_with('^')))
            begin_ = text.size() > begin_.size() ? text : begin_;
        else if (probe.op == Operator::ends_with || (is_pattern && probe.text.ends_with('$')))
            end_ = text.size() > end_.size() ? text : end_;
        else
            middle_.push_back(text);
    }

    std::vector<std::string> texts() const {
        const auto middle = engine::join(middle_, " ");
        std::vector<std::string> parts;
        for (const auto& part : {begin_, middle, end_})
            if (!part.empty()) parts.push_back(part);
        return {engine::join(parts, " "), begin_ + middle + end_};
    }

private:
    std::string begin_, end_;
    std::vector<std::string> middle_;
};

}  // namespace

bool is_text_search(Operator op) {
    return op == Operator::contains || op == Operator::not_contains || op == Operator::starts_with ||
           op == Operator::ends_with || op == Operator::any_word || op == Operator::matches;
}

bool searches_exclude_each_other(const std::vector<Literal>& literals) {
    std::vector<std::vector<Probe>> wanted;
    std::vector<Probe> forbidden;
    for (const auto& literal : literals) {
        if (!is_text_search(literal.comparison->op)) continue;
        auto probes = probes_of(*literal.comparison);
        if (wants_found(literal))
            wanted.push_back(std::move(probes));
        else
            forbidden.insert(forbidden.end(), probes.begin(), probes.end());
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const bool none_left = std::all_of(wanted[i].begin(), wanted[i].end(),
                                           [&](const Probe& probe) { return brings_any(probe, forbidden); });
        if (none_left) return true;
        for (std::size_t j = 0; j < i; ++j)
            if (exclude_each_other(wanted[i], wanted[j])) return true;
    }
    return false;
}

std::vector<std::string> texts_for(const std::vector<Literal>& literals) {
    std::vector<std::vector<Probe>> wanted;
    for (const auto& literal : literals)
        if (is_text_search(literal.comparison->op) && wants_found(literal))
            wanted.push_back(probes_of(*literal.comparison));
    if (wanted.empty()) return {};
    // Each literal's first word, then each one's second, and so on: enough when nothing speaks against one.
    constexpr std::size_t rounds_max = 8;
    std::size_t rounds = 1;
    for (const auto& probes : wanted) rounds = std::max(rounds, probes.size());
    std::vector<std::string> texts;
    for (std::size_t round = 0; round < std::min(rounds, rounds_max); ++round) {
        Composition composition;
        for (const auto& probes : wanted)
            if (!probes.empty()) composition.add(probes[round % probes.size()]);
        for (auto& text : composition.texts()) texts.push_back(std::move(text));
    }
    return texts;
}

bool networks_excluded(const Comparison& comparison, const std::vector<Literal>& literals) {
    return std::all_of(comparison.networks.begin(), comparison.networks.end(), [&](const Network& network) {
        return std::any_of(literals.begin(), literals.end(), [&](const Literal& literal) {
            const auto& wide = literal.comparison->networks;
            return literal.comparison->op == Operator::cidr && literal.negated &&
                   std::any_of(wide.begin(), wide.end(),
                               [&](const Network& one) { return contains_network(one, network); });
        });
    });
}

}  // namespace rules
