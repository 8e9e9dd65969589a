#include "rules/matcher/text_probes.h"

#include <algorithm>

#include "rules/evaluator/words.h"

namespace rules {
namespace {

/// The operator that finds what another one must not find.
Operator positive(Operator op) {
    return op == Operator::not_contains ? Operator::contains : op;
}

}  // namespace

void TextProbes::add(Operator op, bool case_sensitive, const std::string& word) {
    op = positive(op);
    const auto [known, added] = known_.try_emplace({op, case_sensitive, word}, count());
    if (!added) return;
    if (word.empty()) {
        if (op != Operator::any_word) always_.push_back(known->second);
        return;
    }
    auto& words = case_sensitive ? exact_ : folded_;
    words.texts.push_back(word);
    words.asks.push_back({{op, known->second}});
}

void TextProbes::add(const Regex& pattern, bool case_sensitive) {
    const auto [known, added] =
        known_.try_emplace({Operator::matches, case_sensitive, pattern.pattern()}, count());
    if (!added) return;
    patterns_.add(pattern);
    pattern_numbers_.push_back(known->second);
}

Code TextProbes::number_of(Operator op, bool case_sensitive, const std::string& text) const {
    return known_.at({positive(op), case_sensitive, text});
}

void TextProbes::freeze() {
    freeze(folded_);
    freeze(exact_);
    std::vector<Needle> atoms;
    for (auto& atom : patterns_.freeze()) atoms.push_back({std::move(atom), false});
    if (!atoms.empty()) atoms_ = std::make_unique<LiteralScan>(std::move(atoms));
}

/// One text may be asked for by several operators.
void TextProbes::freeze(Words& words) {
    std::map<std::string, std::vector<Ask>> by_text;
    for (std::size_t i = 0; i < words.texts.size(); ++i) by_text[words.texts[i]].push_back(words.asks[i][0]);
    words.texts.clear();
    words.asks.clear();
    std::vector<Needle> literals;
    for (auto& [text, asks] : by_text) {
        const bool anywhere = std::all_of(asks.begin(), asks.end(),
                                          [](const Ask& ask) { return ask.op == Operator::contains; });
        literals.push_back({text, !anywhere});
        words.texts.push_back(text);
        words.asks.push_back(std::move(asks));
    }
    if (!literals.empty()) words.scan = std::make_unique<LiteralScan>(std::move(literals));
}

void TextProbes::find(std::string_view text, Code first_id, std::vector<Code>& found) const {
    const auto begin = found.size();
    for (const auto number : always_) found.push_back(first_id + number);
    if (exact_.scan) find(exact_, text, first_id, found);
    if (folded_.scan) find(folded_, FoldedText(text, false).view(), first_id, found);
    if (patterns_.size() > 0) find_patterns(text, first_id, found);
    const auto first = found.begin() + static_cast<std::ptrdiff_t>(begin);
    std::sort(first, found.end());
    found.erase(std::unique(first, found.end()), found.end());
}

void TextProbes::find(const Words& words, std::string_view text, Code first_id, std::vector<Code>& found) {
    words.scan->find(text, [&](std::uint32_t which, std::size_t end) {
        for (const auto& ask : words.asks[which])
            if (fits(ask.op, text, end, words.texts[which])) found.push_back(first_id + ask.number);
    });
}

std::size_t TextProbes::bytes() const {
    std::size_t sum = 0;
    for (const auto& [key, number] : known_) sum += 2 * std::get<std::string>(key).size() + 128;
    for (const auto* scan : {folded_.scan.get(), exact_.scan.get(), atoms_.get()})
        if (scan != nullptr) sum += scan->bytes();
    return sum;
}

bool TextProbes::fits(Operator op, std::string_view text, std::size_t end, const std::string& word) {
    if (op == Operator::ends_with) return end == text.size();
    return op != Operator::any_word || is_word_at(text, end - word.size(), word);
}

void TextProbes::find_patterns(std::string_view text, Code first_id, std::vector<Code>& found) const {
    std::vector<int> atoms;
    if (atoms_)
        atoms_->find(lowered_for_atoms(text),
                     [&](std::uint32_t atom, std::size_t) { atoms.push_back(static_cast<int>(atom)); });
    for (const auto which : patterns_.found_in(text, atoms))
        found.push_back(first_id + pattern_numbers_[which]);
}

}  // namespace rules
