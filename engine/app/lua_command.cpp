/// lua: one of a tenant's scripts, or lines as they are typed, on one event; nothing is sent or stored.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <set>
#include <sstream>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/input_files.h"
#include "engine/app/render.h"
#include "engine/app/script_hosts.h"
#include "engine/app/support.h"
#include "engine/base/text.h"
#include "engine/pipeline/connector_functions.h"
#include "engine/pipeline/dry_run.h"
#include "engine/pipeline/envelope.h"

namespace engine::app {
namespace {

constexpr auto typed_file = "scripts/typed.lua";
constexpr auto rule_id = "lua";

struct LuaOptions {
    std::string folder;
    std::string event;
    std::string script;
    std::string with;
    std::string value;
    Supposition supposed;
    bool json = false;
};

/// The tenant's folder with one rule in the place of its own: it runs the script on every event.
class Workbench {
public:
    Workbench(rules::Files files, const std::string& folder, Json request, Instant now)
        : files_(std::move(files)),
          name_(tenant_name_of(files_, folder)),
          request_(std::move(request)),
          now_(now) {
        load_.scripts = command_scripts();
        note_whole_files();
        std::erase_if(files_, [](const auto& file) {
            return file.first == "rules.yaml" || file.first.starts_with("rules/") ||
                   file.first.starts_with("tests/");
        });
    }

    void type(const std::string& source) { files_[typed_file] = source; }

    /// `returned  true`, or nothing when the function of the file returns nothing.
    std::string returned(const std::string& script, const Json& with) {
        const auto hash = script.find('#');
        if (hash == std::string::npos) return "";
        const auto module = script.substr(0, script.rfind(".lua", hash));
        // What a step returns goes nowhere: a script of ours calls it and says what came.
        type("local returned = require(\"" + module + "\")." + script.substr(hash + 1) +
             "(ctx) if returned ~= nil then ctx.log(json.encode(returned)) end");
        const auto decision = decide(typed_file, with);
        if (!decision) return "";
        const auto* notes = find(*decision, "notes");
        const auto line = notes == nullptr || notes->empty() ? "" : notes->back().get<std::string>();
        const std::string log = "log of rule " + std::string(rule_id) + ": ";
        return line.starts_with(log) ? "returned " + line.substr(log.size()) + "\n" : "";
    }

    /// Fails with invalid_input when the script, or what surrounds it, has errors.
    Result<Json> decide(const std::string& script, const Json& with) {
        const auto type = text_or(request_, "event.type", "");
        // What is JSON is YAML.
        Json step = {{"script", script}};
        if (!with.is_null()) step["with"] = with;
        const Json rule = {{"id", rule_id}, {"on", type}, {"then", Json::array({{{"lua", step}}})}};
        Json rules = Json::array({rule});
        if (!whole_files_.empty()) rules.push_back(rule_of_whole_files(type));
        files_["rules.yaml"] = Json{{"rules", std::move(rules)}}.dump();
        Diagnostics diagnostics;
        const auto tenant = load_tenant(name_, files_, load_, diagnostics);
        std::string problems;
        for (const auto& one : diagnostics.sorted())
            if (one.severity == Severity::error) problems += (problems.empty() ? "" : "\n") + said(one);
        if (!tenant) return invalid(problems);
        return dry_run(*tenant, request_, now_);
    }

private:
    /// Which files their rules use whole: statements of those run when they are called, not when they are
    /// loaded.
    void note_whole_files() {
        Diagnostics theirs;  // what is wrong with their rules is not asked for
        const auto tenant = load_tenant(name_, files_, load_, theirs);
        if (!tenant || !tenant->rule_set->scripts) return;
        for (const auto& file : tenant->rule_set->scripts->files)
            if (file.is_function && file.name.starts_with("scripts/")) whole_files_.push_back(file.name);
    }

    /// Never fires; it says of those files what their rules say.
    Json rule_of_whole_files(const std::string& type) const {
        Json steps = Json::array();
        for (const auto& file : whole_files_) steps.push_back({{"lua", file}});
        return {{"id", "whole-files"}, {"enabled", false}, {"on", type}, {"then", std::move(steps)}};
    }

    /// The rule is no file of theirs.
    static std::string said(const Diagnostic& problem) {
        return problem.place.file == "rules.yaml" ? problem.message : to_text(problem);
    }

    rules::Files files_;
    TenantName name_;
    Json request_;
    LoadOptions load_;
    std::vector<std::string> whole_files_;
    Instant now_;
};

/// Of the script alone: what came in is not its doing, nor what policies make of it.
std::string shown(const Json& decision) {
    auto own = decision;
    for (const auto* name : {"merged", "scores", "sla", "routed", "escalations", "conflicts"})
        own.erase(name);
    for (const auto* name : {"changes", "actions", "emitted", "timers"}) {
        const auto all = own.find(name);
        if (all == own.end()) continue;
        Json kept = Json::array();
        for (const auto& one : *all)
            if (text_or(one, "rule", "") == rule_id) kept.push_back(one);
        *all = std::move(kept);
    }
    // The first lines say what came and what fired.
    std::string lines;
    std::istringstream in(render_decision(own));
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("  ") && !line.starts_with("  fired")) lines += line.substr(2) + "\n";
    return lines;
}

bool has_failed(const Json& decision) {
    const auto* failures = find(decision, "failures");
    return failures != nullptr && !failures->empty();
}

/// What was typed is run again from its start with each line: a run leaves nothing behind, and does the same
/// again. Shown is what was not there the time before.
class TypedLines {
public:
    explicit TypedLines(Workbench& bench) : bench_(bench) {}

    /// A line, or the next one of a statement that goes over several; an empty one ends such a statement.
    void take(const std::string& typed) {
        if (typed.empty() && unfinished_.empty()) return;
        const auto line = unfinished_ + typed;
        const auto value = without_return(line);
        unfinished_.clear();
        // What has a value is shown.
        auto decision = run("ctx.log(" + value + ")");
        const bool has_value = static_cast<bool>(decision);
        if (!has_value) decision = run(line);
        if (!typed.empty() && (ends_early(decision) || (!decision && ends_early(run("return " + value))))) {
            unfinished_ = line + "\n";
            return;
        }
        if (!decision) {
            std::cerr << decision.error().message << "\n";
            has_failed_ = true;
            return;
        }
        show(*decision);
        if (has_failed(*decision)) {
            has_failed_ = true;
            return;
        }
        // A value alone does nothing the next time, and is no statement.
        if (has_value) decision = run(value);
        if (!decision) return;
        kept_ += ";" + (has_value ? value : line) + "\n";
        known_ = lines_of(*decision);
    }

    bool is_unfinished() const { return !unfinished_.empty(); }
    /// Whether any of the lines had an error; it is not among those that are run again.
    bool any_failed() const { return has_failed_; }

private:
    static bool ends_early(const Result<Json>& decision) {
        return !decision && decision.error().message.find("near <eof>") != std::string::npos;
    }

    /// `return x` asks for a value like `x`; kept, it would end whatever is typed next.
    static std::string without_return(const std::string& line) {
        static constexpr std::string_view word = "return";
        if (!line.starts_with(word)) return line;
        const auto rest = line.substr(word.size());
        if (rest.empty() || rest.front() != ' ') return line;
        return std::string(trim(rest));
    }

    Result<Json> run(const std::string& line) {
        // Without the semicolon a line that begins with a bracket would be a call of what ends the one
        // before.
        bench_.type(kept_ + ";" + line + "\n");
        return bench_.decide(typed_file, Json());
    }

    static std::multiset<std::string> lines_of(const Json& decision) {
        std::multiset<std::string> lines;
        std::istringstream in(shown(decision));
        for (std::string line; std::getline(in, line);) lines.insert(line);
        return lines;
    }

    void show(const Json& decision) {
        auto before = known_;
        std::istringstream in(shown(decision));
        const std::string log = "note     log of rule " + std::string(rule_id) + ":";
        for (std::string line; std::getline(in, line);) {
            if (const auto old = before.find(line); old != before.end()) {
                before.erase(old);
                continue;
            }
            const bool is_log = line.starts_with(log);
            const auto text = is_log ? std::string(trim(line.substr(log.size()))) : line;
            if (!text.empty()) std::cout << text << "\n";
        }
        std::cout.flush();
    }

    Workbench& bench_;
    std::string kept_;
    std::string unfinished_;
    std::multiset<std::string> known_;
    bool has_failed_ = false;
};

int type_lines(Workbench& bench) {
    const bool is_person = ::isatty(STDIN_FILENO) == 1;
    if (is_person) std::cerr << "ctx is the event's. Ctrl-D ends.\n";
    TypedLines lines(bench);
    while (true) {
        if (is_person) std::cerr << (lines.is_unfinished() ? ">> " : "> ");
        std::string line;
        if (!std::getline(std::cin, line)) break;
        lines.take(std::string(trim(line)));
    }
    lines.take("");
    // A person has seen what failed; a program asks how it went.
    return lines.any_failed() && !is_person ? exit_code::failed : exit_code::ok;
}

bool is_of_connector(const std::string& script) {
    return script.starts_with("connectors/");
}

/// A function of a connector, on a value as it stands in a webhook.
int run_connector_function(const LuaOptions& options) {
    const auto hash = options.script.find('#');
    if (!is_of_connector(options.script) || hash == std::string::npos)
        return complain(exit_code::usage,
                        "--value is for functions of connectors, such as connectors/forms/forms.lua#phone");
    const auto value = parse_json(options.value);
    if (!value) return complain(exit_code::usage, "--value: " + value.error().message);
    const auto now = clock_of(options.supposed);
    if (!now) return complain(exit_code::usage, now.error().message);
    const auto loaded = load_folder(options.folder);
    if (loaded.error) return complain(exit_code::bad_data, loaded.error->message);
    print_diagnostics(loaded.diagnostics, options.folder);
    if (!loaded.tenant) return exit_code::bad_data;
    const auto made =
        ConnectorFunctions(loaded.tenant, std::chrono::seconds(10))
            .call(options.script.substr(0, hash), options.script.substr(hash + 1), *value, *now);
    if (!made) return complain(exit_code::failed, made.error().message);
    std::cout << canonical_json(*made) << "\n";
    return exit_code::ok;
}

int run_lua(const LuaOptions& options) {
    if (!options.value.empty()) return run_connector_function(options);
    if (is_of_connector(options.script))
        return complain(exit_code::usage,
                        "a function of a connector takes a value of a webhook: --value JSON");
    if (options.event.empty())
        return complain(exit_code::usage,
                        "--event FILE says what came in, --value JSON what a function of a connector gets");
    auto files = read_folder(options.folder);
    if (!files) return complain(exit_code::bad_data, files.error().message);
    auto request = read_dry_run(options.event, options.supposed);
    if (!request) return complain(exit_code::bad_data, request.error().message);
    auto with = options.with.empty() ? Result<Json>(Json()) : parse_json(options.with);
    if (!with) return complain(exit_code::usage, "--with: " + with.error().message);
    const auto now = clock_of(options.supposed);
    if (!now) return complain(exit_code::usage, now.error().message);
    Workbench bench(*std::move(files), options.folder, *std::move(request), *now);
    if (options.script.empty()) return type_lines(bench);
    const auto decision = bench.decide(options.script, *with);
    if (!decision) return complain(exit_code::bad_data, decision.error().message);
    if (options.json)
        std::cout << canonical_json(*decision) << "\n";
    else
        std::cout << shown(*decision) << (has_failed(*decision) ? "" : bench.returned(options.script, *with));
    std::cout.flush();
    return has_failed(*decision) ? exit_code::failed : exit_code::ok;
}

}  // namespace

void add_lua_command(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<LuaOptions>();
    auto* command = app.add_subcommand(
        "lua", "Runs a script of the tenant on one event, or what is typed; nothing is sent or stored");
    command->add_option("TENANT_DIR", options->folder, "The tenant's folder")->required();
    command->add_option("SCRIPT", options->script,
                        "scripts/FILE.lua#FUNCTION; without it lines are read and run as they come");
    command->add_option("--event", options->event, "File with the CloudEvents envelope");
    command->add_option("--with", options->with, "What the step's `with` would give, as JSON: ctx.args");
    command->add_option("--value", options->value,
                        "What a function of a connector (connectors/NAME/NAME.lua#FUNCTION) gets, as JSON");
    add_supposition(*command, options->supposed, "The script's clock, RFC 3339");
    command->add_flag("--json", options->json, "The decision as one JSON object, like a line of replay");
    command->callback([options, &chosen] { chosen = [options] { return run_lua(*options); }; });
}

}  // namespace engine::app
