// The reference page of the rule language: complete, true, and up to date.

#include <algorithm>
#include <cstdlib>

#include "rules/evaluator/template.h"
#include "rules/language/conditions.h"
#include "rules/language/options.h"
#include "rules/language/reference.h"
#include "rules/language/rule_reader.h"
#include "rules/language/steps.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_reference {

using rules::Word;

namespace {

constexpr auto page_file = "docs/reference/rules.md";

std::vector<std::string> names_of(const std::vector<Word>& words) {
    std::vector<std::string> names;
    for (const auto& word : words) names.push_back(word.name);
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    return names;
}

std::string cell(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return text;
}

std::string table(const std::vector<Word>& words, const std::string& name, const std::string& takes) {
    const bool shows =
        std::any_of(words.begin(), words.end(), [](const Word& word) { return !word.example.empty(); });
    std::string text = "| " + name + " | " + takes + " | meaning |" + (shows ? " example |" : "") +
                       "\n|---|---|---|" + (shows ? "---|" : "") + "\n";
    for (const auto& word : words) {
        text += "| `" + word.name + "` | " + cell(word.takes) + " | " + cell(word.meaning) + " |";
        if (shows) text += " `" + cell(word.example) + "` |";
        text += "\n";
    }
    return text;
}

std::string page() {
    return "# The rule language\n\n"
           "What may stand in `rules.yaml` and `rules/**/*.yaml`. Fields and their types are in "
           "[fields.md](fields.md), what `check` "
           "may say in [diagnostics.md](diagnostics.md); the [tutorial](../tutorial.md) shows how it all "
           "fits together. A rule may also be [a file in Lua](../guides/lua.md#a-whole-rule).\n\n"
           "This page is made from `rules/language/reference.cpp`: `SIGNALBOX_UPDATE_GOLDEN=1 test_language` "
           "writes it anew.\n\n"
           "## A rule\n\n"
           "Files hold `rules:`, a list, and may hold `groups:` and the modes below. A mode stands in one "
           "place, `tenant.yaml` or a "
           "rule file.\n\n" +
           table(rules::rule_words(), "key", "takes") +
           "\n`groups: { g: { first_match: true } }` lets at most one rule of the group fire in a pass.\n\n"
           "## Conditions\n\n"
           "A condition is a map of fields to what is asked of them, and of groups.\n\n" +
           table(rules::group_words(), "group", "takes") + "\n" +
           table(rules::operator_words(), "operator", "takes") +
           "\n`contains`, `not_contains`, `starts_with`, `ends_with`, `any_word` and `matches` do not tell "
           "upper from lower case unless "
           "`case: true` stands beside them; all others are exact.\n\n"
           "An absent field makes every operator false but `exists: false`, `ne`, `not_in`, `has_none` and "
           "`not_contains`. A value of "
           "another type than the operand is never converted: the operator is false, the negative ones too, "
           "and the trace says so.\n\n"
           "## Steps\n\n" +
           table(rules::step_words(), "step", "takes") +
           "\nA step writes only the entity its event is about. Steps that name no kind (`add_tags`, "
           "`remove_tags`, `assign`) mean that "
           "entity; where events of several kinds come to the rule, the event's subject chooses.\n\n"
           "`<connection>.<action>: { parameter: value }` asks for an action; the connections' pages list "
           "theirs "
           "([connectors](../connectors/README.md)). It leaves after the commit, in order. Beside it may "
           "stand:\n\n" +
           table(rules::call_words(), "key", "takes") +
           "\n## Templates\n\n"
           "`{{ path | filter: argument }}` inside any text value. A text that is one template keeps the "
           "value's type; numbers print at "
           "their shortest; what is absent prints as nothing. Filters pass nothing on as nothing, but for "
           "`default`, `json` and `size`; "
           "a value a filter cannot take fails the rule.\n\n" +
           table(rules::filter_words(), "filter", "argument") + "\n## Modes\n\n" +
           table(rules::mode_words(), "key", "takes") + "\n" +
           table(rules::limit_words(), "limit", "without it");
}

}  // namespace

TEST_CASE("reference: every word of the language is listed, and no other", "[language]") {
    CHECK(names_of(rules::rule_words()) == sorted(rules::RuleReader::key_names()));
    CHECK(names_of(rules::group_words()) == sorted(rules::group_names()));
    CHECK(names_of(rules::operator_words()) == sorted(rules::operator_names()));
    CHECK(names_of(rules::step_words()) == sorted(rules::step_names()));
    CHECK(names_of(rules::filter_words()) == sorted(rules::filter_names()));
    CHECK(names_of(rules::mode_words()) == sorted(rules::OptionsReader::mode_names()));
    CHECK(names_of(rules::limit_words()) == sorted(rules::OptionsReader::limit_names()));
}

constexpr auto scoring =
    "scores: [ { id: readiness, kind: ticket, field: ticket.custom.ready, points: [ { id: a, on: "
    "ticket.opened, "
    "add: 1 } ] } ]\n";

constexpr auto routing =
    "agents: [ { id: ana, notify: [ { emit: ticket.brought_up } ] } ]\n"
    "escalations: [ { id: retention-leads, levels: [ { notify: [ { person: ana } ] } ] } ]\n";

TEST_CASE("reference: the examples compile without a warning", "[language]") {
    const auto check = [](const std::string& when, const std::string& then, const std::string& on) {
        const bool runs_a_list = then.find("run:") != std::string::npos;
        const auto text = "rules:\n  - id: r\n    on: [" + on + "]\n" + when + "    then: " + then + "\n" +
                          (runs_a_list ? "steps: { tell-the-lead: [ stop ] }\n" : "");
        rules::Files files{{"rules.yaml", text}, {"calendars.yaml", rules::test_calendars}};
        if (then.find("score:") != std::string::npos) files["scoring.yaml"] = scoring;
        if (then.find("escalate:") != std::string::npos) files["routing.yaml"] = routing;
        if (then.find("lua:") != std::string::npos) files["scripts/route.lua"] = "return {}\n";
        const auto loaded = rules::load_files(files);
        INFO(when << then << "\n" << loaded.text());
        CHECK(loaded.rule_set);
        CHECK(loaded.text().empty());
    };
    for (const auto* words : {&rules::group_words(), &rules::operator_words()})
        for (const auto& word : *words)
            check("    when: { " + word.example + " }\n", "[ { emit: ticket.noted } ]",
                  "ticket.updated, conversation.updated");
    for (const auto* words : {&rules::step_words(), &rules::call_words()})
        for (const auto& word : *words)
            check("",
                  word.example.front() == '{' ? "[ " + word.example + " ]" : "[ { " + word.example + " } ]",
                  "ticket.updated");
    for (const auto& word : rules::filter_words())
        check("", "[ { slack.post_message: { channel: C1, text: \"" + word.example + "\" } } ]",
              "ticket.updated");
    for (const auto& word : rules::mode_words()) {
        const auto loaded = rules::load_text(word.example + "\nrules: []\n");
        INFO(loaded.text());
        CHECK(loaded.rule_set);
    }
}

TEST_CASE("reference: the page says what the program says", "[language]") {
    if (std::getenv("SIGNALBOX_UPDATE_GOLDEN") != nullptr) rules::write_file(page_file, page());
    INFO("run test_language with SIGNALBOX_UPDATE_GOLDEN=1 from the project's root to write " << page_file);
    CHECK(rules::read_file(page_file) == page());
}

}  // namespace language_reference
