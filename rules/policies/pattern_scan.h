#pragma once
/// PatternScan: which of thousands of words, phrases and regexes stand in a text, in one pass over it.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "rules/evaluator/regex.h"
#include "rules/evaluator/regex_filter.h"
#include "rules/matcher/literal_scan.h"

namespace rules {

/// One thing to look for. Letters count in either case unless `case_sensitive`.
struct TextPattern {
    enum class Kind {
        contains,     ///< anywhere, inside words too
        word,         ///< with no letter, digit or underscore touching it
        phrase,       ///< a word in which any run of blanks and line ends is as good as one blank
        starts_with,  ///< the text
        ends_with,
        regex,
        min_chars,  ///< the text has at least so many code points
    };
    Kind kind = Kind::contains;
    std::string text;  ///< as written; of min_chars the number
    bool case_sensitive = false;
    std::optional<Regex> regex;  ///< of `regex`
    std::size_t chars = 0;       ///< of `min_chars`
};
std::string_view name_of(TextPattern::Kind kind);
/// Whether its text is looked for as it stands.
bool is_literal(TextPattern::Kind kind);
/// In the order of the enum.
const std::vector<std::string>& pattern_kind_names();

/// The pattern's text as it is looked for: folded unless the case counts, a phrase's blanks made one.
std::string sought_text(const TextPattern& pattern);

/// The pattern by itself: the measure that the scan is held against.
bool found_in(const TextPattern& pattern, std::string_view text);

/// Patterns are added, then frozen; any thread may look for them after that.
class PatternScan {
public:
    /// Its number, counted from 0; equal patterns have one.
    std::size_t add(const TextPattern& pattern);
    void freeze();
    std::size_t size() const { return known_.size(); }

    /// What was found in one or more texts.
    struct Found {
        std::vector<std::uint8_t> is_found;  ///< by number
        std::vector<std::uint32_t> numbers;  ///< each once
        void add(std::uint32_t number);
    };
    Found nothing_found() const { return {std::vector<std::uint8_t>(size()), {}}; }
    /// Adds what stands in this text.
    void find(std::string_view text, Found& found) const;

private:
    using Kind = TextPattern::Kind;
    /// How a text is made ready to be looked at.
    enum class Form { exact, folded, exact_blanks, folded_blanks };
    static constexpr std::size_t form_count = 4;
    struct Ask {
        Kind kind = Kind::contains;
        std::uint32_t number = 0;
    };
    /// What is looked for in a text of one form.
    struct Words {
        std::map<std::string, std::vector<Ask>> by_text;
        std::vector<const std::pair<const std::string, std::vector<Ask>>*> asked;  ///< by the scan's numbers
        std::unique_ptr<const LiteralScan> scan;
    };

    static Form form_of(const TextPattern& pattern);
    void find_words(const Words& words, std::string_view text, Found& found) const;
    void find_regexes(std::string_view text, Found& found) const;

    std::map<std::tuple<Kind, bool, std::string>, std::uint32_t> known_;
    Words words_[form_count];
    RegexFilter regexes_;
    std::vector<std::uint32_t> regex_numbers_;  ///< by number in regexes_
    std::unique_ptr<const LiteralScan> atoms_;  ///< what regexes_ wants to be looked for
    std::vector<std::pair<std::size_t, std::uint32_t>> lengths_;
};

}  // namespace rules
