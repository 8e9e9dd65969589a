// What is found in texts: the one pass against each pattern by itself, and what of a mail is its author's
// own.
#include <set>

#include "engine/base/text.h"
#include "rules/policies/own_words.h"
#include "rules/policies/pattern_scan.h"
#include "rules/policies/tagging.h"
#include "tests/support/random.h"
#include "tests/support/rules.h"

namespace evaluator_tagging {

using namespace rules;
using namespace rules::testing;
using testing_random::Random;
using testing_random::seed_or;
using Kind = TextPattern::Kind;

namespace {

TextPattern pattern(Kind kind, const std::string& text, bool case_sensitive = false) {
    TextPattern made;
    made.kind = kind;
    made.text = text;
    made.case_sensitive = case_sensitive;
    if (kind == Kind::min_chars) made.chars = std::stoul(text);
    if (kind != Kind::regex) return made;
    auto regex = Regex::compile(text, case_sensitive);
    INFO(text);
    REQUIRE(regex);
    made.regex = std::move(*regex);
    return made;
}

// ---- random patterns and texts ----

/// Few letters, so that patterns are found, overlap and touch; beyond ASCII, too.
const std::vector<std::string> letters{"a", "a", "b",  "A", "B", "c", " ", " ", "_",
                                       "1", "-", "\n", "é", "É", "ß", ".", "k", "K"};

std::string random_text(Random& random, std::size_t letters_max) {
    std::string text;
    for (auto left = random.below(letters_max + 1); left > 0; --left) text += random.of(letters);
    return text;
}

std::string random_word(Random& random, std::size_t letters_max) {
    std::string word;
    while (engine::trim(word).empty()) word = random_text(random, letters_max);
    return engine::trim(word);
}

std::string random_regex(Random& random) {
    static const std::vector<std::string> parts{"a",     "b+",       "(ab|ba)", "[ab]c", "abc?", "\\b",
                                                ".",     "\\s*",     "aba",     "^",     "$",    "é",
                                                "[^a]b", "bab{1,2}", "c.*a",    "kab"};
    std::string made;
    for (auto left = 1 + random.below(4); left > 0; --left) made += random.of(parts);
    return made;
}

TextPattern random_pattern(Random& random) {
    const auto kind = static_cast<Kind>(random.below(7));
    const bool keeps_case = kind != Kind::min_chars && random.chance(25);
    if (kind == Kind::min_chars) return pattern(kind, std::to_string(1 + random.below(30)));
    if (kind == Kind::regex) return pattern(kind, random_regex(random), keeps_case);
    return pattern(kind, random_word(random, 5), keeps_case);
}

/// The first pattern that the pass and the pattern by itself do not agree on, and how.
std::string difference(const std::vector<TextPattern>& patterns, const std::string& text) {
    PatternScan scan;
    std::vector<std::size_t> numbers;
    for (const auto& one : patterns) numbers.push_back(scan.add(one));
    scan.freeze();
    auto found = scan.nothing_found();
    scan.find(text, found);
    std::set<std::uint32_t> told(found.numbers.begin(), found.numbers.end());
    if (told.size() != found.numbers.size()) return "a number was told twice";
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        const bool in_pass = found.is_found[numbers[i]] != 0;
        if (in_pass != told.contains(static_cast<std::uint32_t>(numbers[i])))
            return "numbers and flags differ";
        if (in_pass != found_in(patterns[i], text))
            return std::string(name_of(patterns[i].kind)) + " \"" + patterns[i].text + "\"" +
                   (patterns[i].case_sensitive ? " (case)" : "") + (in_pass ? " only" : " not") +
                   " in the pass over \"" + text + "\"";
    }
    return "";
}

/// The same with as few patterns and as short a text as will do.
std::string smallest_difference(std::vector<TextPattern> patterns, std::string text) {
    for (std::size_t i = 0; i < patterns.size();) {
        auto fewer = patterns;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        if (difference(fewer, text).empty())
            ++i;
        else
            patterns = std::move(fewer);
    }
    for (std::size_t i = 0; i < text.size();) {
        auto shorter = text;
        shorter.erase(i, 1);
        if (!engine::is_utf8(shorter) || difference(patterns, shorter).empty())
            ++i;
        else
            text = std::move(shorter);
    }
    return difference(patterns, text) + " with " + std::to_string(patterns.size()) + " patterns";
}

// ---- random entries ----

TextSearch random_search(Random& random) {
    TextSearch search;
    for (auto left = 1 + random.below(3); left > 0; --left) search.patterns.push_back(random_pattern(random));
    return search;
}

std::vector<TextSearch> random_searches(Random& random, std::size_t most) {
    std::vector<TextSearch> searches;
    for (auto left = random.below(most + 1); left > 0; --left) searches.push_back(random_search(random));
    return searches;
}

TagEntry random_entry(Random& random, std::size_t number) {
    static const std::vector<std::vector<std::string>> fields{
        {"ticket.description"}, {"ticket.subject"}, {"ticket.subject", "ticket.description"}};
    TagEntry entry;
    entry.id = "t" + std::to_string(number);
    entry.tags = {entry.id};
    for (const auto& name : random.of(fields)) entry.fields.push_back(field(name));
    entry.any = random_searches(random, 3);
    entry.all = random_searches(random, 2);
    if (random.chance(40)) entry.none = random_searches(random, 2);
    return entry;
}

/// By the words of the guide, one entry after the other.
bool matches_by_itself(const TagEntry& entry, const Json& ticket) {
    std::vector<std::string> texts;
    for (const auto& field : entry.fields)
        if (const auto* value = find_below(ticket, field.keys); value != nullptr && value->is_string())
            texts.push_back(value->get<std::string>());
    const auto is_found = [&](const TextSearch& search) {
        for (const auto& one : search.patterns)
            for (const auto& text : texts)
                if (found_in(one, text)) return true;
        return false;
    };
    return !texts.empty() &&
           (entry.any.empty() || std::any_of(entry.any.begin(), entry.any.end(), is_found)) &&
           std::all_of(entry.all.begin(), entry.all.end(), is_found) &&
           std::none_of(entry.none.begin(), entry.none.end(), is_found);
}

}  // namespace

TEST_CASE("tagging: one pass finds what each pattern finds by itself", "[tagging]") {
    const auto seed = seed_or(20260504);
    Random random(seed);
    INFO("SIGNALBOX_TEST_SEED=" << seed);
    for (int round = 0; round < 60; ++round) {
        std::vector<TextPattern> patterns;
        for (auto left = 1 + random.below(round % 10 == 0 ? 2'000 : 60); left > 0; --left)
            patterns.push_back(random_pattern(random));
        for (int i = 0; i < 12; ++i) {
            const auto text = random_text(random, 80);
            if (difference(patterns, text).empty()) continue;
            FAIL(smallest_difference(patterns, text));
        }
    }
}

TEST_CASE("tagging: thousands of entries give the tags that each gives by itself", "[tagging]") {
    const auto seed = seed_or(20260505);
    Random random(seed);
    INFO("SIGNALBOX_TEST_SEED=" << seed);
    for (int round = 0; round < 4; ++round) {
        TaggingFile file;
        for (std::size_t i = 0; i < 1'500; ++i) file.add.push_back(random_entry(random, i));
        const Tagging tagging(file, Catalogue::shipped());
        CHECK(tagging.pattern_count() > 1'000);
        for (int i = 0; i < 25; ++i) {
            Json ticket = Json::object();
            if (random.chance(80)) ticket["subject"] = random_text(random, 20);
            if (random.chance(80)) ticket["description"] = random_text(random, 120);
            const std::vector<engine::Change> merged{{"ticket.subject", {}, {}, "", ""},
                                                     {"ticket.description", {}, {}, "", ""}};
            Scope scope;
            scope.set("ticket", &ticket);
            std::vector<std::string> given, wanted;
            const auto outcome = tagging.apply({"ticket.created", "ticket", merged, scope});
            for (const auto& write : outcome.writes)
                given.insert(given.end(), write.tags.begin(), write.tags.end());
            for (const auto& entry : file.add)
                if (matches_by_itself(entry, ticket)) wanted.push_back(entry.id);
            INFO(ticket.dump());
            CHECK(given == wanted);
        }
    }
}

TEST_CASE("tagging: what words, phrases and the others mean", "[tagging]") {
    struct Example {
        TextPattern sought;
        std::string text;
        bool found;
    };
    const std::vector<Example> examples{
        {pattern(Kind::contains, "stole"), "It was STOLEN", true},
        {pattern(Kind::word, "stole"), "It was stolen", false},
        {pattern(Kind::word, "missing"), "missing!", true},
        {pattern(Kind::word, "pin"), "my_pin", false},
        {pattern(Kind::word, "pin"), "pin2", false},
        {pattern(Kind::word, "pin"), "pin-code", true},
        {pattern(Kind::word, "po"), "połączenie", false},
        {pattern(Kind::word, "straße"), "In der STRAßE.", true},
        {pattern(Kind::word, "über"), "ÜBER", true},
        {pattern(Kind::word, "Über", true), "über", false},
        {pattern(Kind::word, "money back"), "my money  back", false},
        {pattern(Kind::phrase, "money back"), "my Money\r\n\tback?", true},
        {pattern(Kind::phrase, "money back"), "my money\xC2\xA0 back?", true},
        {pattern(Kind::phrase, "money back"), "moneyback", false},
        {pattern(Kind::phrase, "money back"), "my money backs", false},
        {pattern(Kind::starts_with, "re:"), "RE: hello", true},
        {pattern(Kind::starts_with, "re:"), "Fwd: re: hello", false},
        {pattern(Kind::ends_with, "?"), "Why?", true},
        {pattern(Kind::regex, "\\?\\s*$"), "Why? \n", true},
        {pattern(Kind::regex, "[^\\x00-\\x7F]"), "20 €", true},
        {pattern(Kind::regex, "VAT", true), "vat", false},
        {pattern(Kind::min_chars, "3"), "éé", false},
        {pattern(Kind::min_chars, "3"), "ééé", true},
    };
    for (const auto& [sought, text, found] : examples) {
        INFO(name_of(sought.kind) << " " << sought.text << " in " << text);
        CHECK(found_in(sought, text) == found);
        CHECK(difference({sought}, text).empty());
        // With others, so that all are looked for together.
        const auto others = {pattern(Kind::word, "w"),       pattern(Kind::phrase, "x x"),
                             pattern(Kind::contains, "yy"),  pattern(Kind::word, "zebra"),
                             pattern(Kind::phrase, "p q r"), sought};
        CHECK(difference(others, text).empty());
    }
}

TEST_CASE("tagging: of a mail what its author wrote is looked at", "[tagging]") {
    struct Mail {
        std::string text;
        std::string own;
    };
    const std::vector<Mail> mails{
        {"Hello", "Hello"},
        {"", ""},
        {"Two\nlines\n", "Two\nlines\n"},
        {"No.\n> Did it help?\n>> Hello\nBye", "No.\nBye"},
        {"No.\n\nOn Mon, 4 May 2026 at 12:00, Ana <ana@example.com> wrote:\n> refund", "No.\n"},
        // Quoted without marks: all that follows.
        {"No.\r\nOn May 4, 2026, Ana wrote:\r\nrefund\r\nmore", "No.\r"},
        // The line is broken.
        {"No.\nOn Mon, 4 May 2026 at 12:00, Ana of the support desk\n<ana@example.com> wrote:\n\n> "
         "refund\nYes.",
         "No.\n\nYes."},
        {"Nein.\nAm 04.05.2026 um 12:00 schrieb Ana:\n> Storno", "Nein."},
        {"Nein.\nAna Muster schrieb am Montag, 4. Mai 2026 12:00:\n> Storno", "Nein."},
        {"Non.\nLe lun. 4 mai 2026 à 12:00, Ana <ana@example.com> a écrit\xC2\xA0:\n> remboursement", "Non."},
        {"No.\nEl lun, 4 may 2026 a las 12:00, Ana (<ana@example.com>) escribió:\n> reembolso", "No."},
        {"No.\nIl giorno lun 4 mag 2026 alle ore 12:00 Ana ha scritto:\n> rimborso", "No."},
        {"Não.\nEm seg., 4 de mai. de 2026 às 12:00, Ana escreveu:\n> reembolso", "Não."},
        {"Nee.\nOp ma 4 mei 2026 om 12:00 schreef Ana <ana@example.com>:\n> geld terug", "Nee."},
        {"Nej.\nDen mån 4 maj 2026 12:00 skrev Ana:\n> pengar", "Nej."},
        {"See below.\n\n-----Original Message-----\nFrom: Ana\nrefund", "See below.\n"},
        {"Siehe unten.\n-----Ursprüngliche Nachricht-----\nStorno", "Siehe unten."},
        {"See below.\nFrom: Ana <ana@example.com>\nSent: Monday, May 4, 2026 12:00\nTo: Bob\nSubject: "
         "refund\n\nx",
         "See below."},
        {"Siehe unten.\nVon: Ana\nGesendet: Montag\nAn: Bob\nBetreff: Storno\n\nx", "Siehe unten."},
        {"Voir.\n*De :* Ana\n*Envoyé :* lundi\n*À :* Bob\n*Objet :* remboursement", "Voir."},
        {"Thanks\n-- \nAna\nRefund Department", "Thanks"},
        {"Thanks\r\n--\r\nAna", "Thanks\r"},
        // What people write themselves.
        {"On Monday I wrote:\nplease cancel", "On Monday I wrote:\nplease cancel"},
        {"From: Berlin\nTo: Paris\nDate: 4 May 2026", "From: Berlin\nTo: Paris\nDate: 4 May 2026"},
        {"Options:\n--- a\n---- b", "Options:\n--- a\n---- b"},
        {"> all of it\n> is quoted", ""},
    };
    for (const auto& [text, own] : mails) {
        INFO(text);
        CHECK(own_words(text) == own);
    }
}

}  // namespace evaluator_tagging
