/// rules: the versions of a tenant's rule set, live or not.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/file_diff.h"
#include "engine/app/requests.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/pipeline/activation.h"
#include "engine/pipeline/rule_changes.h"
#include "engine/pipeline/rule_tests.h"

namespace engine::app {
namespace {

constexpr std::size_t prefix_min = 4;
constexpr std::string_view scheme = "sha256:";
constexpr std::size_t shown_digits = 12;

struct VersionOptions : StoreOptions {
    std::string folder;
    std::string message;
    bool no_tests = false;
    std::vector<std::string> versions;
};

int print_answer(const VersionOptions& options, const Result<Json>& answer) {
    if (!answer) return complain(answer.error());
    if (options.json)
        std::cout << canonical_json(*answer) << "\n";
    else
        std::cout << text_or(*answer, "version", "") << " "
                  << (text_or(*answer, "state", "") == "active" ? "is live" : "was live already") << "\n";
    return exit_code::ok;
}

// ---- push

/// False when a case fails; what failed goes to stderr.
bool cases_pass(const std::shared_ptr<const Tenant>& tenant, const std::string& folder) {
    Diagnostics diagnostics;
    const auto results = run_rule_tests(tenant, scratch_store, diagnostics);
    if (!results) {
        complain(results.error());
        return false;
    }
    print_diagnostics(diagnostics, folder);
    bool fine = !diagnostics.has_errors();
    for (const auto& one : *results) {
        if (one.passed) continue;
        fine = false;
        std::cerr << "FAILED " << one.file << ":" << one.line << ": " << one.name << "\n";
        for (const auto& line : one.differences) std::cerr << "  " << line << "\n";
    }
    return fine;
}

int push(const VersionOptions& options) {
    const auto loaded = load_folder(options.folder);
    if (loaded.error) return complain(exit_code::bad_data, loaded.error->message);
    print_diagnostics(loaded.diagnostics, options.folder);
    if (!loaded.tenant)
        return complain(exit_code::bad_data, options.folder + " has errors; nothing was pushed");
    if (!options.no_tests && !cases_pass(loaded.tenant, options.folder))
        return complain(exit_code::failed,
                        "its cases fail, so nothing was pushed; --no-tests pushes without running them");
    return print_answer(options,
                        make_live(options.store, *loaded.tenant, activated_via::push, options.message));
}

// ---- what the store holds

struct Opened {
    std::unique_ptr<Store> store;
    TenantName tenant;
    std::vector<Activation> known;  ///< never empty
};

Result<Opened> open_versions(const VersionOptions& options) {
    auto store = open_for_reading(options.store);
    if (!store) return store.error();
    auto tenant = choose_tenant(**store, options.tenant);
    if (!tenant) return tenant.error();
    auto known = activations(**store, *tenant);
    if (!known) return known.error();
    if (known->empty()) return not_found("tenant " + tenant->text() + " has no rule set yet");
    return Opened{*std::move(store), *std::move(tenant), *std::move(known)};
}

/// The version with that name or with that beginning of its digits; `active` and `previous` are names too.
Result<std::string> version_of(const Opened& opened, const std::string& name) {
    const auto& last = opened.known.back();
    if (name == "active") return last.version;
    if (name == "previous") {
        if (last.previous.empty()) return not_found("there was no version before " + last.version);
        return last.previous;
    }
    const auto digits = name.starts_with(scheme) ? name.substr(scheme.size()) : name;
    if (digits.size() < prefix_min)
        return invalid("\"" + name + "\" is too short: say at least " + std::to_string(prefix_min) +
                       " digits of the version");
    std::set<std::string> fitting;
    for (const auto& one : opened.known)
        if (one.version.starts_with(std::string(scheme) + digits)) fitting.insert(one.version);
    if (fitting.empty())
        return not_found("no version " + name +
                         " was ever live; `signalbox rules list` shows those that were");
    if (fitting.size() > 1) return invalid("several versions begin with " + name + ": say more digits");
    return *fitting.begin();
}

// ---- list

std::string counted(const Json& changed) {
    const auto* rules = find(changed, "rules");
    if (rules == nullptr) return "";
    std::string text;
    for (const auto& [name, sign] : {std::pair("added", "+"), {"changed", "~"}, {"removed", "-"}})
        if (const auto* list = find(*rules, name))
            text += (text.empty() ? "" : " ") + std::string(sign) + std::to_string(list->size());
    return "  (" + text + ")";
}

Json json_of(const Activation& one, bool active) {
    Json json{
        {"version", one.version}, {"time", to_text(one.time)}, {"author", one.by.actor}, {"via", one.by.via},
        {"rules", one.rules},     {"changed", one.changed},    {"active", active},       {"seq", one.seq}};
    if (!one.previous.empty()) json["previous"] = one.previous;
    if (!one.by.message.empty()) json["message"] = one.by.message;
    return json;
}

int list(const VersionOptions& options) {
    const auto opened = open_versions(options);
    if (!opened) return complain(opened.error());
    for (auto one = opened->known.rbegin(); one != opened->known.rend(); ++one) {
        const bool active = one == opened->known.rbegin();
        if (options.json)
            std::cout << canonical_json(json_of(*one, active)) << "\n";
        else
            std::cout << (active ? "* " : "  ") << one->version.substr(0, scheme.size() + shown_digits)
                      << "  " << to_text(one->time) << "  " << one->by.via << "  " << one->by.actor << "  "
                      << one->rules << " rules" << counted(one->changed)
                      << (one->by.message.empty() ? "" : "  " + one->by.message) << "\n";
    }
    return exit_code::ok;
}

// ---- diff

struct Side {
    std::string name;
    rules::Files files;
};

Result<Side> side_of(const Opened& opened, const std::string& name) {
    if (std::filesystem::is_directory(name)) {
        auto files = read_folder(name);
        if (!files) return files.error();
        return Side{name, *std::move(files)};
    }
    auto version = version_of(opened, name);
    if (!version) return version.error();
    const auto files = opened.store->rule_set(opened.tenant, *version);
    if (!files) return files.error();
    if (!*files) return Error{Code::corrupt, "the store has lost the files of " + *version};
    return Side{*std::move(version), files_from_json(**files)};
}

void print_changes(const RuleChanges& changes) {
    for (const auto& rule : changes.rules.added) std::cout << "+ rule " << rule << "\n";
    for (const auto& rule : changes.rules.removed) std::cout << "- rule " << rule << "\n";
    for (const auto& rule : changes.rules.changed) std::cout << "~ rule " << rule << "\n";
}

int diff(const VersionOptions& options) {
    const auto opened = open_versions(options);
    if (!opened) return complain(opened.error());
    const auto& names = options.versions;
    const bool is_first = opened->known.back().previous.empty();
    const std::string from = names.size() == 2 ? names[0] : names.size() == 1 ? "active" : "previous";
    const auto before = names.empty() && is_first ? Side() : side_of(*opened, from);
    if (!before) return complain(before.error());
    const auto after = side_of(*opened, names.empty() ? "active" : names.back());
    if (!after) return complain(after.error());
    const auto changes = rule_changes(before->files, after->files);
    const auto text = unified_diff(before->files, after->files);
    if (options.json) {
        auto json = to_json(changes);
        json["from"] = before->name;
        json["to"] = after->name;
        json["diff"] = text;
        std::cout << canonical_json(json) << "\n";
    } else {
        print_changes(changes);
        std::cout << text;
    }
    return text.empty() ? exit_code::ok : exit_code::failed;
}

// ---- rollback

int rollback(const VersionOptions& options) {
    auto opened = open_versions(options);
    if (!opened) return complain(opened.error());
    const auto version =
        version_of(*opened, options.versions.empty() ? "previous" : options.versions.front());
    if (!version) return complain(version.error());
    const auto tenant = stored_tenant(*opened->store, opened->tenant, *version, {});
    if (!tenant) return complain(tenant.error());
    opened->store.reset();
    return print_answer(options,
                        make_live(options.store, **tenant, activated_via::rollback, options.message));
}

/// Adds a command that runs `act` with options of its own.
template <class Act>
std::pair<CLI::App*, VersionOptions*> add_version_command(CLI::App& parent, Chosen& chosen,
                                                          const std::string& name, const std::string& help,
                                                          Act act) {
    auto options = std::make_shared<VersionOptions>();
    auto* command = parent.add_subcommand(name, help);
    add_store_option(*command, options->store);
    add_json_option(*command, options->json);
    command->callback([options, &chosen, act] { chosen = [options, act] { return act(*options); }; });
    return {command, options.get()};
}

}  // namespace

void add_version_commands(CLI::App& app, Chosen& chosen) {
    auto* rules = app.add_subcommand("rules", "Versions of a tenant's rules: push, list, diff, roll back");
    rules->require_subcommand(1);

    const auto [pushing, push_options] = add_version_command(
        *rules, chosen, "push", "Checks a tenant's folder, runs its cases, and makes its rules live", push);
    pushing->add_option("TENANT_DIR", push_options->folder, "The tenant's folder")->required();
    pushing->add_option("--message,-m", push_options->message, "Why; kept with the version");
    pushing->add_flag("--no-tests", push_options->no_tests, "Do not run the folder's cases");

    const auto [listing, list_options] = add_version_command(
        *rules, chosen, "list", "Shows which versions were live, when, by whom and why; newest first", list);
    add_tenant_option(*listing, list_options->tenant);

    const auto [comparing, diff_options] = add_version_command(
        *rules, chosen, "diff",
        "Shows what changed from one version to another: from the one before to the active one, from the "
        "active "
        "one to the one named, or between two; ends with 1 when they differ",
        diff);
    comparing
        ->add_option("VERSION", diff_options->versions,
                     "Digits of a version, `active`, `previous`, or a tenant's folder")
        ->expected(0, 2);
    add_tenant_option(*comparing, diff_options->tenant);

    const auto [returning, rollback_options] =
        add_version_command(*rules, chosen, "rollback", "Makes an earlier version live again", rollback);
    returning
        ->add_option("VERSION", rollback_options->versions,
                     "Which; the one before the active one if left out")
        ->expected(0, 1);
    returning->add_option("--message,-m", rollback_options->message, "Why; kept with the version");
    add_tenant_option(*returning, rollback_options->tenant);
}

}  // namespace engine::app
