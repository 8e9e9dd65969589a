/// bench tagging: what looking for many words in a text costs, in one pass and one by one.

#include <algorithm>
#include <random>

#include "engine/app/bench_policies.h"
#include "rules/policies/pattern_scan.h"

namespace engine::app {
namespace {

using Kind = rules::TextPattern::Kind;

/// Words of which some are much more frequent than others.
class Vocabulary {
public:
    explicit Vocabulary(std::uint32_t seed) : random_(seed), words_(20'000) {
        for (auto& word : words_)
            for (auto left = 3 + below(8); left > 0; --left)
                word += static_cast<char>('a' + std::min(below(26), below(26)));
    }
    std::size_t below(std::size_t limit) { return random_() % limit; }
    const std::string& spoken() { return words_[std::min(below(words_.size()), below(words_.size()))]; }

    std::string text(std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += spoken() + " ";
        return text;
    }

private:
    std::mt19937 random_;
    std::vector<std::string> words_;
};

rules::Regex compiled(const std::string& pattern) {
    return *rules::Regex::compile(pattern, false);
}

/// Half of them words, four of ten phrases and texts, one of ten a regex.
rules::TextPattern made_up_pattern(Vocabulary& words) {
    rules::TextPattern pattern;
    const auto roll = words.below(10);
    if (roll == 0) {
        pattern.kind = Kind::regex;
        pattern.text =
            "\\b" + words.spoken() + "\\b.{0,30}\\b(" + words.spoken() + "|" + words.spoken() + ")\\b";
        pattern.regex = compiled(pattern.text);
    } else {
        pattern.kind = roll < 6 ? Kind::word : roll < 8 ? Kind::phrase : Kind::contains;
        pattern.text = pattern.kind == Kind::phrase ? words.spoken() + " " + words.spoken() : words.spoken();
    }
    return pattern;
}

/// Each text once, by turns.
class TextsByTurns {
public:
    explicit TextsByTurns(Vocabulary& words) {
        for (int i = 0; i < 1'000; ++i) texts_.push_back(words.text(140));
    }
    const std::string& next() { return texts_[turns_++ % texts_.size()]; }
    const std::vector<std::string>& all() const { return texts_; }

private:
    std::vector<std::string> texts_;
    std::size_t turns_ = 0;
};

/// What one text holds, pattern by pattern: folded once by its maker, no look at what touches a word.
std::size_t one_by_one(const std::vector<rules::TextPattern>& patterns,
                       const std::vector<std::string>& sought, const std::string& text) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < patterns.size(); ++i)
        found +=
            patterns[i].regex ? patterns[i].regex->found_in(text) : text.find(sought[i]) != std::string::npos;
    return found;
}

/// Each of them a regex of its own, as rules with `matches` would have it.
double regex_us(const std::vector<rules::TextPattern>& patterns, const std::vector<std::string>& sought,
                const std::vector<std::string>& texts) {
    std::vector<rules::Regex> regexes;
    for (std::size_t i = 0; i < patterns.size(); ++i)
        regexes.push_back(patterns[i].regex                    ? *patterns[i].regex
                          : patterns[i].kind == Kind::contains ? compiled(sought[i])
                                                               : compiled("\\b" + sought[i] + "\\b"));
    constexpr std::size_t looked_at = 10;
    const auto seconds = seconds_of([&] {
        for (std::size_t i = 0; i < looked_at; ++i)
            for (const auto& regex : regexes) regex.found_in(texts[i]);
    });
    return seconds / looked_at * 1e6;
}

/// How often the scan says otherwise than each pattern by itself.
std::size_t mismatches_of(const rules::PatternScan& scan, const std::vector<rules::TextPattern>& patterns,
                          const std::vector<std::size_t>& numbers, const std::string& text) {
    auto found = scan.nothing_found();
    scan.find(text, found);
    std::size_t mismatches = 0;
    for (std::size_t i = 0; i < patterns.size(); ++i)
        mismatches += (found.is_found[numbers[i]] != 0) != rules::found_in(patterns[i], text);
    return mismatches;
}

Result<void> bench_patterns(const TaggingBenchOptions& options, std::size_t count,
                            const EachPolicyRow& each) {
    Vocabulary words(options.seed);
    TextsByTurns texts(words), texts_of_floor(texts);
    std::vector<rules::TextPattern> patterns;
    std::vector<std::string> sought;
    for (std::size_t i = 0; i < count; ++i) {
        patterns.push_back(made_up_pattern(words));
        sought.push_back(rules::sought_text(patterns.back()));
    }
    rules::PatternScan scan;
    std::vector<std::size_t> numbers;
    const auto ready_s = seconds_of([&] {
        for (const auto& pattern : patterns) numbers.push_back(scan.add(pattern));
        scan.freeze();
    });
    std::size_t found = 0;
    PolicyBenchRow row;
    row.what = "a text of 1 KB";
    row.floor = "one pattern after the other, no look at what touches a word";
    row.sizes = Json{{"patterns", count}};
    row.cost = measure_by_turns(timed([&] {
                                    const auto& text = texts.next();
                                    return seconds_of([&] {
                                        auto in_text = scan.nothing_found();
                                        scan.find(text, in_text);
                                        found += in_text.numbers.size();
                                    });
                                }),
                                timed([&] {
                                    const auto& text = texts_of_floor.next();
                                    return seconds_of([&] { found += one_by_one(patterns, sought, text); });
                                }),
                                options.seconds, options.turns);
    std::size_t mismatches = 0;
    for (std::size_t i = 0; i < 10; ++i) mismatches += mismatches_of(scan, patterns, numbers, texts.all()[i]);
    row.more = Json{{"ready_ms", ready_s * 1e3},
                    {"regex_us", regex_us(patterns, sought, texts.all())},
                    {"mismatches", mismatches}};
    each(row);
    if (mismatches > 0 || found == 0)
        return Error{Code::corrupt, "the scan finds other patterns than a look at each"};
    return {};
}

}  // namespace

Result<void> run_tagging_bench(const TaggingBenchOptions& options, const EachPolicyRow& each) {
    for (const auto count : options.patterns)
        if (auto done = bench_patterns(options, count, each); !done) return done;
    return {};
}

}  // namespace engine::app
