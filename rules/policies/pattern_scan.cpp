#include "rules/policies/pattern_scan.h"

#include <algorithm>
#include <utility>

#include "engine/base/text.h"
#include "rules/evaluator/words.h"

namespace rules {
namespace {

constexpr std::string_view no_break_space = "\xC2\xA0";

bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Every run of blanks and line ends made one blank.
std::string with_single_blanks(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    bool in_blanks = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_wide = text[i] == no_break_space[0] && text.substr(i).starts_with(no_break_space);
        const bool is_one = is_wide || is_blank(text[i]);
        if (!is_one)
            out += text[i];
        else if (!in_blanks)
            out += ' ';
        if (is_wide) i += no_break_space.size() - 1;
        in_blanks = is_one;
    }
    return out;
}

/// A letter, a digit or an underscore stands at that end.
bool starts_inside_word(std::string_view text) {
    return text.starts_with('_') || starts_with_letter(text);
}
bool ends_inside_word(std::string_view text) {
    return text.ends_with('_') || ends_with_letter(text);
}

bool stands_alone(std::string_view text, std::size_t at, std::size_t bytes) {
    return !ends_inside_word(text.substr(0, at)) && !starts_inside_word(text.substr(at + bytes));
}

bool stands_alone_in(std::string_view text, std::string_view word) {
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
        if (stands_alone(text, at, word.size())) return true;
    return false;
}

}  // namespace

bool is_literal(TextPattern::Kind kind) {
    return kind != TextPattern::Kind::regex && kind != TextPattern::Kind::min_chars;
}

const std::vector<std::string>& pattern_kind_names() {
    static const std::vector<std::string> names{"contains",  "word",  "phrase",   "starts_with",
                                                "ends_with", "regex", "min_chars"};
    return names;
}

std::string_view name_of(TextPattern::Kind kind) {
    return pattern_kind_names()[static_cast<std::size_t>(kind)];
}

std::string sought_text(const TextPattern& pattern) {
    if (!is_literal(pattern.kind)) return pattern.text;
    auto text = pattern.case_sensitive ? pattern.text : engine::fold_case(pattern.text);
    return pattern.kind == TextPattern::Kind::phrase ? engine::trim(with_single_blanks(text)) : text;
}

bool found_in(const TextPattern& pattern, std::string_view text) {
    if (pattern.kind == TextPattern::Kind::min_chars) return engine::length_of(text) >= pattern.chars;
    if (pattern.kind == TextPattern::Kind::regex) return pattern.regex->found_in(text);
    const FoldedText folded(text, pattern.case_sensitive);
    const auto sought = sought_text(pattern);
    switch (pattern.kind) {
        case TextPattern::Kind::word:
            return stands_alone_in(folded.view(), sought);
        case TextPattern::Kind::phrase:
            return stands_alone_in(with_single_blanks(folded.view()), sought);
        case TextPattern::Kind::starts_with:
            return folded.view().starts_with(sought);
        case TextPattern::Kind::ends_with:
            return folded.view().ends_with(sought);
        default:
            return folded.view().find(sought) != std::string_view::npos;
    }
}

PatternScan::Form PatternScan::form_of(const TextPattern& pattern) {
    if (pattern.kind == TextPattern::Kind::phrase)
        return pattern.case_sensitive ? Form::exact_blanks : Form::folded_blanks;
    return pattern.case_sensitive ? Form::exact : Form::folded;
}

std::size_t PatternScan::add(const TextPattern& pattern) {
    auto sought = sought_text(pattern);
    const auto [known, is_new] = known_.try_emplace({pattern.kind, pattern.case_sensitive, sought},
                                                    static_cast<std::uint32_t>(known_.size()));
    const auto number = known->second;
    if (!is_new) return number;
    if (pattern.kind == TextPattern::Kind::min_chars) {
        lengths_.emplace_back(pattern.chars, number);
    } else if (pattern.kind == TextPattern::Kind::regex) {
        regexes_.add(*pattern.regex);
        regex_numbers_.push_back(number);
    } else {
        auto& words = words_[static_cast<std::size_t>(form_of(pattern))];
        words.by_text[std::move(sought)].push_back({pattern.kind, number});
    }
    return number;
}

void PatternScan::freeze() {
    for (auto& words : words_) {
        std::vector<Needle> needles;
        for (const auto& one : words.by_text) {
            const bool anywhere = std::all_of(one.second.begin(), one.second.end(), [](const Ask& ask) {
                return ask.kind == TextPattern::Kind::contains;
            });
            needles.push_back({one.first, !anywhere});
            words.asked.push_back(&one);
        }
        if (!needles.empty()) words.scan = std::make_unique<LiteralScan>(std::move(needles));
    }
    std::vector<Needle> atoms;
    for (auto& atom : regexes_.freeze()) atoms.push_back({std::move(atom), false});
    if (!atoms.empty()) atoms_ = std::make_unique<LiteralScan>(std::move(atoms));
}

void PatternScan::Found::add(std::uint32_t number) {
    if (is_found[number] != 0) return;
    is_found[number] = 1;
    numbers.push_back(number);
}

void PatternScan::find(std::string_view text, Found& found) const {
    const auto words_of = [&](Form form) -> const Words& { return words_[static_cast<std::size_t>(form)]; };
    const auto look = [&](Form plain, Form blanks, bool keep_case) {
        if (!words_of(plain).scan && !words_of(blanks).scan) return;
        const FoldedText folded(text, keep_case);
        find_words(words_of(plain), folded.view(), found);
        if (words_of(blanks).scan) find_words(words_of(blanks), with_single_blanks(folded.view()), found);
    };
    look(Form::exact, Form::exact_blanks, true);
    look(Form::folded, Form::folded_blanks, false);
    if (!regex_numbers_.empty()) find_regexes(text, found);
    if (lengths_.empty()) return;
    const auto length = engine::length_of(text);
    for (const auto& [chars, number] : lengths_)
        if (length >= chars) found.add(number);
}

void PatternScan::find_words(const Words& words, std::string_view text, Found& found) const {
    if (!words.scan) return;
    const auto fits = [&](TextPattern::Kind kind, std::size_t bytes, std::size_t end) {
        switch (kind) {
            case TextPattern::Kind::word:
            case TextPattern::Kind::phrase:
                return stands_alone(text, end - bytes, bytes);
            case TextPattern::Kind::starts_with:
                return end == bytes;
            case TextPattern::Kind::ends_with:
                return end == text.size();
            default:
                return true;
        }
    };
    words.scan->find(text, [&](std::uint32_t which, std::size_t end) {
        const auto& [sought, asks] = *words.asked[which];
        for (const auto& ask : asks)
            if (found.is_found[ask.number] == 0 && fits(ask.kind, sought.size(), end)) found.add(ask.number);
    });
}

void PatternScan::find_regexes(std::string_view text, Found& found) const {
    std::vector<int> atoms;
    if (atoms_)
        atoms_->find(lowered_for_atoms(text),
                     [&](std::uint32_t atom, std::size_t) { atoms.push_back(static_cast<int>(atom)); });
    for (const auto which : regexes_.found_in(text, atoms)) found.add(regex_numbers_[which]);
}

}  // namespace rules
