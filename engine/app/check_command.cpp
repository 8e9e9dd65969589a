/// check: what is wrong with a tenant's folder, and what in its rules is probably not meant.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/graph_file.h"
#include "engine/app/script_checks.h"
#include "engine/app/script_hosts.h"
#include "engine/app/support.h"
#include "rules/checker/check.h"
#include "rules/checker/graph.h"

namespace engine::app {
namespace {

struct CheckOptions {
    std::string folder;
    bool json = false;
    bool strict = false;
    bool all = false;
    std::string graph;
    rules::CheckLimits limits;
};

bool has_warnings(const Diagnostics& diagnostics) {
    for (const auto& one : diagnostics.sorted())
        if (one.severity == Severity::warning) return true;
    return false;
}

bool has_warnings(const std::vector<rules::Finding>& findings) {
    return std::any_of(findings.begin(), findings.end(),
                       [](const rules::Finding& one) { return one.accepted_because.empty(); });
}

Json json_of(const Diagnostics& diagnostics, const std::vector<rules::Finding>& findings) {
    Json list = Json::array();
    for (const auto& one : diagnostics.sorted())
        list.push_back({{"severity", one.severity == Severity::error ? "error" : "warning"},
                        {"class", one.kind},
                        {"file", one.place.file},
                        {"line", one.place.line},
                        {"column", one.place.column},
                        {"message", one.message}});
    for (const auto& one : findings) list.push_back(rules::to_json(one));
    return list;
}

int check(const CheckOptions& options) {
    auto loaded = load_folder(options.folder);
    if (loaded.error) return complain(exit_code::failed, loaded.error->message);
    if (loaded.tenant)
        for (auto& problem : script_problems(*loaded.tenant, checked_in_worker))
            loaded.diagnostics.add(std::move(problem));
    std::vector<rules::Finding> findings;
    if (loaded.tenant) findings = rules::check(*loaded.tenant->rule_set, options.limits);
    if (loaded.tenant && !options.graph.empty()) {
        const auto graph = rules::trigger_graph(*loaded.tenant->rule_set, options.limits);
        if (auto written = write_graph(options.graph, graph); !written)
            return written.error().code == Code::invalid_input
                       ? complain(exit_code::usage, written.error().message)
                       : complain(exit_code::unavailable, written.error().message);
    }
    const bool warned = has_warnings(loaded.diagnostics) || has_warnings(findings);
    const bool fine =
        loaded.tenant != nullptr && !loaded.diagnostics.has_errors() && !(options.strict && warned);
    const int code = fine ? exit_code::ok : exit_code::failed;
    if (options.json) {
        Json out{{"ok", fine}, {"diagnostics", json_of(loaded.diagnostics, findings)}};
        if (loaded.tenant) out["ruleset"] = loaded.tenant->rule_set->version;
        if (loaded.tenant) out["rules"] = loaded.tenant->rule_set->rules.size();
        std::cout << canonical_json(out) << "\n";
        return code;
    }
    print_diagnostics(loaded.diagnostics, options.folder);
    for (const auto& one : findings)
        if (options.all || one.accepted_because.empty()) std::cerr << rules::to_text(one);
    if (loaded.tenant)
        std::cout << loaded.tenant->name.text() << ": " << loaded.tenant->rule_set->rules.size() << " rules, "
                  << loaded.tenant->rule_set->version << "\n";
    return code;
}

}  // namespace

void add_check_command(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<CheckOptions>();
    auto* command =
        app.add_subcommand("check", "Reads a tenant's folder and reports every problem with its place");
    command->add_option("TENANT_DIR", options->folder, "The tenant's folder")->required();
    command->add_flag("--json", options->json, "One JSON object");
    command->add_flag("--strict", options->strict, "Warnings fail too");
    command->add_flag("--all", options->all, "Show what rules accept, too, with the reasons");
    command->add_option("--graph", options->graph,
                        "Draw what makes what match: a file ending .dot for Graphviz, .svg for a browser");
    command
        ->add_option("--findings-max", options->limits.findings_max, "Findings of one class that are listed")
        ->capture_default_str();
    command
        ->add_option("--pairs-max", options->limits.pairs_max,
                     "Pairs of rules that are compared for one class of findings")
        ->capture_default_str();
    command
        ->add_option("--proofs-max", options->limits.proofs_max,
                     "Pairs whose conditions are held against each other, for one class")
        ->capture_default_str();
    command
        ->add_option("--trials-max", options->limits.trials_max, "Events that are decided to show conflicts")
        ->capture_default_str();
    command->callback([options, &chosen] { chosen = [options] { return check(*options); }; });
}

}  // namespace engine::app
