#include <cstdlib>
#include <set>

#include "rules/checker/finding.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_diagnostics {

namespace {

using rules::Files;
namespace fs = std::filesystem;

const fs::path golden = "tests/golden/diagnostics";
const fs::path reference = "docs/reference/diagnostics.md";

/// Set to write what is instead of comparing it with what was.
bool updating() {
    return std::getenv("SIGNALBOX_UPDATE_GOLDEN") != nullptr;
}

std::vector<fs::path> cases() {
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(golden))
        if (entry.is_directory()) folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    return folders;
}

rules::Loaded load_case(const fs::path& folder) {
    auto files = rules::read_folder(folder);
    files.erase("expected.txt");
    return rules::load_files(files);
}

std::set<std::string> listed_classes() {
    std::set<std::string> names;
    for (const auto& entry : rules::diagnostic_classes()) names.insert(entry.kind);
    return names;
}

std::string heading() {
    return "# Diagnostics of rule files\n\n"
           "`signalbox check` reports every problem of a tenant's folder at once, one a line:\n\n"
           "```\nrules/a.yaml:3:7: error: unknown field \"ticket.staus\", did you mean \"ticket.status\"? "
           "[unknown-field]\n```\n\n"
           "The word in brackets is the class of the problem. With an error nothing goes live; a warning "
           "lets the\n"
           "rules go live, and fails `check --strict`. An example of each class with its exact output is "
           "under\n"
           "`tests/golden/diagnostics/`.\n\n"
           "What `connections.yaml` and connector definitions may get wrong stands in\n"
           "[connector-definition.md](connector-definition.md#diagnostics).\n\n"
           "This page is made from `rules/language/diagnostic_classes.cpp` and "
           "`rules/checker/finding_classes.cpp`:\n"
           "`SIGNALBOX_UPDATE_GOLDEN=1 test_language` writes it anew.\n\n"
           "| class | meaning | what to do |\n|---|---|---|\n";
}

std::string escaped(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return text;
}

std::string reference_page() {
    std::string page = heading();
    for (const auto& entry : rules::diagnostic_classes())
        page += "| `" + entry.kind + "` | " + escaped(entry.meaning) + " | " + escaped(entry.remedy) + " |\n";
    page +=
        "\n## Findings\n\n"
        "What `check` says of rules that can be read, warnings all of them "
        "([guide](../guides/checking-rules.md)). A rule may accept what is meant: "
        "`accept: { <class>: <reason> }`.\n"
        "Examples of each class are under `tests/golden/findings/`.\n\n"
        "| class | meaning | what to do |\n|---|---|---|\n";
    for (const auto& entry : rules::finding_classes())
        page += "| `" + entry.kind + "` | " + escaped(entry.meaning) + " | " + escaped(entry.remedy) + " |\n";
    return page;
}

}  // namespace

TEST_CASE("diagnostics: each golden case gives exactly its expected output", "[language]") {
    for (const auto& folder : cases()) {
        const auto output = load_case(folder).text();
        if (updating()) rules::write_file(folder / "expected.txt", output);
        INFO(folder.string() << ": if the new output is right, run with SIGNALBOX_UPDATE_GOLDEN=1");
        CHECK(output == rules::read_file(folder / "expected.txt"));
    }
}

TEST_CASE("diagnostics: every listed class has a golden case that shows it", "[language]") {
    for (const auto& name : listed_classes()) {
        INFO("tests/golden/diagnostics/" << name);
        REQUIRE(fs::exists(golden / name / "expected.txt"));
        CHECK(rules::read_file(golden / name / "expected.txt").find("[" + name + "]") != std::string::npos);
    }
}

TEST_CASE("diagnostics: no case reports a class that is not listed", "[language]") {
    const auto listed = listed_classes();
    for (const auto& folder : cases())
        for (const auto& diagnostic : load_case(folder).diagnostics.sorted()) {
            INFO(engine::to_text(diagnostic));
            CHECK(listed.contains(diagnostic.kind));
        }
}

TEST_CASE("diagnostics: a case with an error gives no rule set, one with warnings only gives one",
          "[language]") {
    for (const auto& folder : cases()) {
        const auto loaded = load_case(folder);
        INFO(folder.string());
        CHECK(loaded.rule_set.has_value() == !loaded.diagnostics.has_errors());
    }
}

TEST_CASE("diagnostics: the reference page says what the program says", "[language]") {
    if (updating()) rules::write_file(reference, reference_page());
    INFO("run test_language with SIGNALBOX_UPDATE_GOLDEN=1 from the project's root to write "
         << reference.string());
    CHECK(rules::read_file(reference) == reference_page());
}

TEST_CASE("diagnostics: every class is named once, in small letters, with a meaning and a remedy",
          "[language]") {
    std::set<std::string> seen;
    for (const auto& entry : rules::diagnostic_classes()) {
        INFO(entry.kind);
        CHECK(seen.insert(entry.kind).second);
        CHECK(entry.kind.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string::npos);
        CHECK(entry.meaning.ends_with("."));
        CHECK(entry.remedy.size() > 5);
    }
}

}  // namespace language_diagnostics
