#include "rules/language/tagging.h"
#include "rules/policies/tagging.h"
#include "tests/support/rules.h"
#include "tests/unit/rules/language_support.h"

namespace language_tagging {

using rules::load_files;
using Kind = rules::TextPattern::Kind;

namespace {

rules::Loaded load_tagging(const std::string& text) {
    return load_files({{"calendars.yaml", rules::test_calendars}, {"tagging.yaml", text}});
}

/// Of one entry with these lines, that looks at the description.
rules::Loaded load_entry(const std::string& lines) {
    return load_tagging("fields: ticket.description\nadd:\n  - tag: refund\n" + lines);
}

}  // namespace

TEST_CASE("tagging: entries say what they look for, where and when", "[language]") {
    const auto loaded = load_tagging(R"(fields: [ticket.subject, ticket.description]
strip_quotes: true
language_from: ticket.custom.language
limits: { text_bytes_max: 1000 }
add:
  - tag: refund
    any: [ { word: [refund, refunds] }, { regex: "money.back", case: true } ]
    all: { contains: card }
    none: [ { phrase: "no refund" } ]
  - id: angry-mail
    tags: [angry, escalate]
    on: [ticket.created, message.*]
    when: { ticket.channel: email }
    fields: message.text
    strip_quotes: false
    case: true
    min_chars: 20
    language: [en, de]
    any: [ { starts_with: NO }, { ends_with: "!!!" } ]
set:
  topic:
    description: What it is about
    first_match: true
    entries:
      - { tag: billing, any: [ { word: invoice } ] }
)");
    INFO(loaded.text());
    REQUIRE(loaded.rule_set);
    const auto& file = loaded.rule_set->tagging->file();
    CHECK(file.text_bytes_max == 1000);
    CHECK(file.language->text == "ticket.custom.language");
    REQUIRE(file.add.size() == 2);
    const auto& refund = file.add[0];
    CHECK(refund.id == "refund");
    CHECK(refund.fields.size() == 2);
    CHECK(refund.strip_quotes == true);
    REQUIRE(refund.any.size() == 2);
    CHECK(refund.any[0].patterns.size() == 2);
    CHECK(refund.any[1].patterns[0].kind == Kind::regex);
    CHECK(refund.any[1].patterns[0].case_sensitive);
    CHECK(refund.all.at(0).patterns.at(0).kind == Kind::contains);
    CHECK_FALSE(refund.all[0].patterns[0].case_sensitive);
    CHECK(refund.none.at(0).patterns.at(0).kind == Kind::phrase);
    const auto& angry = file.add[1];
    CHECK(angry.tags == std::vector<std::string>{"angry", "escalate"});
    CHECK(angry.fields.at(0).text == "message.text");
    CHECK(angry.strip_quotes == false);
    CHECK(angry.when);
    CHECK(angry.languages.size() == 2);
    CHECK(angry.all.at(0).patterns.at(0).chars == 20);
    CHECK(angry.any[0].patterns[0].case_sensitive);
    CHECK(file.set.at(0).first_match);
    CHECK(file.set[0].entries.at(0).id == "billing");
    CHECK(loaded.text().empty());
}

TEST_CASE("tagging: what is wrong with an entry is said where it stands", "[language]") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"    any: [ refund ]\n",
         "4:12: error: what is looked for is a map, found \"refund\": write { word: refund }"},
        {"    any: [ { wrod: refund } ]\n",
         "4:14: error: unknown key \"wrod\" in what is looked for, did you mean"},
        {"    any: [ { word: a, contains: b } ]\n", "4:12: error: one thing to look for has one of"},
        {"    any: [ { word: \" a\" } ]\n", "word \" a\" has blanks at its ends"},
        {"    any: []\n", "any is empty"},
        {"    any: [ { word: [] } ]\n", "word is empty"},
        {"    any: [ { regex: \"(a\" } ]\n", "4:21: error: the pattern \"(a\" is wrong"},
        {"    any: [ { regex: \"(?=a)\" } ]\n", "[bad-regex]"},
        {"", "looks for nothing"},
        {"    min_chars: 0\n", "min_chars is 0, it must be from 1"},
        {"    any: { word: a }\n    fields: [ticket.descripton]\n",
         "5:14: error: unknown field \"ticket.descripton\", did you mean \"ticket.description\"?"},
        {"    any: { word: a }\n    fields: ticket.tags\n", "\"ticket.tags\" holds a list of texts"},
        {"    any: { word: a }\n    fields: event.type\n", "\"event.type\" is of no entity"},
        {"    any: { word: a }\n    when: { ticket.statu: open }\n", "unknown field \"ticket.statu\""},
        {"    any: { word: a }\n    on: \"ticket created\"\n", "is no event type"},
        {"    any: { word: a }\n    tags: [b]\n", "tag or tags, not both"},
        {"    any: { word: a }\n    langauge: en\n",
         "unknown key \"langauge\" in an entry, did you mean \"language\"?"},
        {"    any: { word: a }\n  - tag: refund\n    any: { word: b }\n",
         "\"refund\" is there already in line 3: without an id an entry is called by its tag"},
        {"    any: { word: a }\n  - { any: { word: b } }\n", "the entry has no tag"},
        {"    any: { word: a }\n  - { tag: \"a\\nb\", any: { word: b } }\n", "a tag is one line"},
        {"    any: { word: a }\nset: [ { tag: b } ]\n", "write set: { <name of the list>"},
        {"    any: { word: a }\nset: { topic: {} }\n", "the list \"topic\" has no entries"},
        {"    any: { word: a }\nset: { refund: { entries: [] } }\n", "\"refund\" is there already"},
        {"    any: { word: [a, b, c] }\nlimits: { patterns_max: 2 }\n", "looks for 3 things; the limit is 2"},
        {"    any: { word: a }\nlanguage_from: ticket.langage\n", "did you mean \"ticket.language\"?"},
    };
    for (const auto& [lines, words] : cases) {
        const auto loaded = load_entry(lines);
        INFO(lines << "\n" << loaded.text());
        CHECK_FALSE(loaded.rule_set);
        CHECK(loaded.says(words));
        CHECK(loaded.text().starts_with("tagging.yaml:"));
    }
    CHECK(load_tagging("add: [ { tag: a, any: { word: b } } ]").says("looks at no field"));
    CHECK(rules::load_text("rules: [ { id: \"tagging:a\", on: ticket.created, then: [] } ]")
              .says("are those of the entries of tagging.yaml"));
}

TEST_CASE("tagging: an entry that cannot match is warned of, and one that can is not", "[language]") {
    const std::vector<std::pair<std::string, bool>> cases{
        {"    any: { word: pinterest }\n    none: { contains: pin }\n", true},
        {"    any: { contains: pin }\n    none: { contains: pinterest }\n", false},
        {"    any: [ { word: pin }, { word: code } ]\n    none: { contains: pin }\n", false},
        {"    all: [ { word: code }, { word: pin } ]\n    none: { word: PIN }\n", true},
        {"    all: [ { contains: pin } ]\n    none: { word: pin }\n", false},
        {"    all: [ { word: pin } ]\n    none: { word: PIN, case: true }\n", false},
        {"    all: [ { word: PIN, case: true } ]\n    none: { word: pin }\n", true},
        {"    all: [ { regex: \"a+\" } ]\n    none: { regex: \"a+\" }\n", true},
        {"    min_chars: 20\n    none: { min_chars: 10 }\n", true},
        {"    min_chars: 20\n    none: { min_chars: 30 }\n", false},
        {"    all: { starts_with: \"re: a\" }\n    none: { starts_with: \"re:\" }\n", true},
        {"    all: { contains: \"re: a\" }\n    none: { starts_with: \"re:\" }\n", false},
        {"    any: { word: a }\n    on: conversation.created\n", true},
        {"    any: { word: a }\n    on: message.created\n", false},
    };
    for (const auto& [lines, warned] : cases) {
        const auto loaded = load_entry(lines);
        INFO(lines << "\n" << loaded.text());
        CHECK(loaded.rule_set);
        CHECK(loaded.says("[never-matches]") == warned);
    }
}

TEST_CASE("tagging: ten thousand words fit into a file", "[language]") {
    std::string text = "fields: message.text\nadd:\n";
    for (int i = 0; i < 1'000; ++i) {
        text += "  - tag: t" + std::to_string(i) + "\n    any: { word: [";
        for (int k = 0; k < 10; ++k) text += (k > 0 ? ", w" : "w") + std::to_string(i * 10 + k);
        text += "] }\n";
    }
    const auto loaded = load_tagging(text);
    INFO(loaded.text());
    REQUIRE(loaded.rule_set);
    CHECK(loaded.rule_set->tagging->pattern_count() == 10'000);
}

TEST_CASE("tagging: the trace says of every entry why it gave its tags or did not", "[language]") {
    const auto loaded = load_tagging(
        "fields: ticket.description\n"
        "add:\n"
        "  - { tag: a, any: { word: hello }, all: { contains: ell } }\n"
        "  - { tag: b, any: { word: hello }, none: { word: world } }\n"
        "  - { tag: c, any: { word: hello }, when: { ticket.status: open } }\n"
        "  - { tag: d, any: { word: hello }, language: de }\n"
        "  - { tag: e, any: { word: hello }, on: ticket.updated }\n"
        "  - { tag: f, any: { word: hello }, fields: message.text }\n"
        "set:\n"
        "  l:\n"
        "    first_match: true\n"
        "    entries: [ { tag: g, any: { word: hello } }, { tag: h, any: { word: world } } ]\n");
    INFO(loaded.text());
    REQUIRE(loaded.rule_set);
    const auto decision = rules::testing::Case()
                              .ticket(R"({"description":"hello world","language":"en"})")
                              .merged("ticket.description", "null", "\"hello world\"")
                              .traced()
                              .decided_by(*loaded.rule_set);
    std::vector<std::string> lines;
    for (const auto& entry : decision.trace["tagging"])
        lines.push_back(engine::text_or(entry, "list", "-") + " " + engine::text_or(entry, "id", "") + " " +
                        engine::text_or(entry, "status", "") +
                        (entry.contains("found") ? " " + entry["found"].dump() : ""));
    CHECK(lines == std::vector<std::string>{R"(- a matched ["word \"hello\"","contains \"ell\""])",
                                            R"(- b not_matched ["word \"hello\"","word \"world\""])",
                                            R"(- c conditions_not_met ["word \"hello\""])",
                                            R"(- d other_language ["word \"hello\""])",
                                            R"(- e other_event_type ["word \"hello\""])", "- f not_looked_at",
                                            R"(l g matched ["word \"hello\""])",
                                            R"(l h behind_first_match ["word \"world\""])"});
    CHECK(rules::testing::lines_of(decision.changes) ==
          std::vector<std::string>{R"(tagging:a: ticket.tags null → ["a"])",
                                   R"(tagging:l: ticket.tags ["a"] → ["a","g"])"});
}

}  // namespace language_tagging
