#pragma once
/// TextProbes: everything that rules look for in the texts of one field, found in one pass.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "rules/evaluator/regex_filter.h"
#include "rules/matcher/code_set.h"
#include "rules/matcher/literal_scan.h"
#include "rules/rule_set.h"

namespace rules {

/// Words and patterns are added, then frozen; any thread may look for them after that.
class TextProbes {
public:
    /// `contains`, `ends_with` and `any_word` with a word that is folded unless the case counts.
    void add(Operator op, bool case_sensitive, const std::string& word);
    void add(const Regex& pattern, bool case_sensitive);
    void freeze();

    /// Of one that was added; counted from 0.
    Code number_of(Operator op, bool case_sensitive, const std::string& text) const;
    std::size_t bytes() const;
    Code count() const { return static_cast<Code>(known_.size()); }
    /// Adds `first_id` and the number of each that is found, sorted, each once.
    void find(std::string_view text, Code first_id, std::vector<Code>& found) const;

private:
    /// Who asks for a literal.
    struct Ask {
        Operator op = Operator::contains;
        Code number = 0;
    };
    /// The words that are looked for in the text as it is, or folded.
    struct Words {
        std::vector<std::string> texts;
        std::vector<std::vector<Ask>> asks;  ///< of each text
        std::unique_ptr<const LiteralScan> scan;
    };

    static bool fits(Operator op, std::string_view text, std::size_t end, const std::string& word);
    static void freeze(Words& words);
    static void find(const Words& words, std::string_view text, Code first_id, std::vector<Code>& found);
    void find_patterns(std::string_view text, Code first_id, std::vector<Code>& found) const;

    std::map<std::tuple<Operator, bool, std::string>, Code> known_;
    Words folded_;
    Words exact_;
    std::vector<Code> always_;  ///< words without a letter stand in every text
    RegexFilter patterns_;
    std::vector<Code> pattern_numbers_;         ///< by number in patterns_
    std::unique_ptr<const LiteralScan> atoms_;  ///< what patterns_ wants to be looked for
};

}  // namespace rules
