// Rule sets with what the checker says of them: firing and near-miss cases of every class, and whole sets
// that are clean.

#include <algorithm>
#include <cstdlib>
#include <set>

#include "engine/pipeline/dry_run.h"
#include "engine/pipeline/tenant.h"
#include "rules/checker/check.h"
#include "rules/checker/graph.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace checker_golden {

namespace {

namespace fs = std::filesystem;
using engine::Json;

const fs::path golden = "tests/golden/findings";

bool updating() {
    return std::getenv("SIGNALBOX_UPDATE_GOLDEN") != nullptr;
}

std::vector<fs::path> cases() {
    std::vector<fs::path> folders;
    for (const auto& entry : fs::recursive_directory_iterator(golden))
        if (entry.is_directory() && fs::exists(entry.path() / "rules.yaml")) folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    return folders;
}

struct Checked {
    std::shared_ptr<const engine::Tenant> tenant;
    std::vector<rules::Finding> findings;
};

Checked checked(const fs::path& folder) {
    auto files = rules::read_folder(folder);
    files.erase("expected.txt");
    engine::Diagnostics diagnostics;
    Checked result;
    result.tenant = engine::load_tenant(engine::TenantName("case"), files, {}, diagnostics);
    for (const auto& diagnostic : diagnostics.sorted()) INFO(engine::to_text(diagnostic));
    INFO(folder.string());
    REQUIRE(diagnostics.empty());
    result.findings = rules::check(*result.tenant->rule_set);
    return result;
}

std::string text_of(const std::vector<rules::Finding>& findings) {
    std::string text;
    for (const auto& finding : findings) text += rules::to_text(finding);
    return text;
}

std::string class_of(const fs::path& folder) {
    return folder.parent_path().filename().string();
}

}  // namespace

TEST_CASE("checker: each golden rule set gives exactly its expected findings", "[checker]") {
    for (const auto& folder : cases()) {
        const auto text = text_of(checked(folder).findings);
        if (updating()) rules::write_file(folder / "expected.txt", text);
        INFO(folder.string() << ": if the new output is right, run with SIGNALBOX_UPDATE_GOLDEN=1");
        CHECK(text == rules::read_file(folder / "expected.txt"));
    }
}

TEST_CASE("checker: a case named fires- has its class, a case named near- has not, a clean one has nothing",
          "[checker]") {
    for (const auto& folder : cases()) {
        const auto findings = checked(folder).findings;
        const auto name = folder.filename().string();
        const auto count = std::count_if(findings.begin(), findings.end(),
                                         [&](const auto& one) { return one.kind == class_of(folder); });
        INFO(folder.string() << "\n" << text_of(findings));
        if (name.starts_with("fires-")) CHECK(count > 0);
        if (name.starts_with("near-")) CHECK(count == 0);
        if (class_of(folder) == "clean") CHECK(findings.empty());
        CHECK((name.starts_with("fires-") || name.starts_with("near-") || class_of(folder) == "clean"));
    }
}

TEST_CASE("checker: every class has cases that show it and cases that narrowly do not", "[checker]") {
    for (const auto& entry : rules::finding_classes()) {
        if (entry.kind == "check-limit") continue;  // needs smaller limits; see below
        std::set<std::string> kinds;
        if (fs::exists(golden / entry.kind))
            for (const auto& folder : fs::directory_iterator(golden / entry.kind))
                kinds.insert(folder.path().filename().string().substr(0, 5));
        INFO(entry.kind);
        CHECK(kinds.contains("fires"));
        CHECK(kinds.contains("near-"));
        CHECK(entry.meaning.ends_with("."));
        CHECK(entry.remedy.ends_with("."));
    }
}

TEST_CASE("checker: a dry run of a conflict's example shows the conflict", "[checker]") {
    std::size_t shown = 0;
    for (const auto& folder : cases()) {
        const auto [tenant, findings] = checked(folder);
        for (const auto& finding : findings) {
            if (finding.example.is_null()) continue;
            INFO(rules::to_text(finding));
            const auto decision = engine::dry_run(*tenant, finding.example, engine::Instant{});
            REQUIRE(decision);
            const auto& conflicts = decision->at("conflicts");
            CHECK(std::any_of(conflicts.begin(), conflicts.end(), [&](const Json& conflict) {
                const auto rules = conflict.at("rules").get<std::set<std::string>>();
                return rules == std::set<std::string>(finding.rules.begin(), finding.rules.end());
            }));
            ++shown;
        }
    }
    CHECK(shown > 0);
}

TEST_CASE("checker: what a limit keeps it from looking at is said", "[checker]") {
    const auto tenant = checked(golden / "write-conflict/fires-two-priorities").tenant;
    const auto finds_with = [&](const rules::CheckLimits& limits) {
        const auto found = rules::check(*tenant->rule_set, limits);
        return std::any_of(found.begin(), found.end(),
                           [](const rules::Finding& one) { return one.kind == "check-limit"; });
    };
    CHECK_FALSE(finds_with({}));
    rules::CheckLimits no_pairs, no_findings;
    no_pairs.pairs_max = 0;
    no_findings.findings_max = 0;
    CHECK(finds_with(no_pairs));
    CHECK(finds_with(no_findings));
}

TEST_CASE("checker: the trigger graph names every rule and draws rounds in red", "[checker]") {
    const auto tenant = checked(golden / "trigger-cycle/fires-three-rules").tenant;
    const auto graph = rules::trigger_graph(*tenant->rule_set);
    for (const auto& rule : tenant->rule_set->rules) {
        INFO(rule.id);
        CHECK(graph.find("\"rule " + rule.id + "\" [label=") != std::string::npos);
    }
    CHECK(graph.find("\"rule a\" -> \"rule b\" [label=\"adds the tag \\\"two\\\"\", color=red]") !=
          std::string::npos);
    CHECK(graph.starts_with("digraph rules {\n"));
    CHECK(graph.ends_with("}\n"));
}

}  // namespace checker_golden
