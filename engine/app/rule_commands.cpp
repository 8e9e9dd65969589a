/// test, fmt, dry-run, replay: what an admin does with a folder before it goes live.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/input_files.h"
#include "engine/app/lines.h"
#include "engine/app/progress.h"
#include "engine/app/render.h"
#include "engine/app/script_hosts.h"
#include "engine/app/support.h"
#include "engine/base/yaml.h"
#include "engine/pipeline/dry_run.h"
#include "engine/pipeline/rehearsal.h"
#include "engine/pipeline/replayer.h"
#include "engine/pipeline/rule_tests.h"
#include "rules/language/format.h"

namespace engine::app {
namespace {

struct TestOptions {
    std::string folder;
    bool json = false;
    bool coverage = false;
};

/// `3, 7-9`
std::string ranges_of(const std::set<int>& lines) {
    std::string text;
    for (auto at = lines.begin(); at != lines.end();) {
        const int first = *at;
        int last = first;
        while (++at != lines.end() && *at == last + 1) last = *at;
        text += (text.empty() ? "" : ", ") + std::to_string(first);
        if (last > first) text += "-" + std::to_string(last);
    }
    return text;
}

void print_coverage(const std::vector<rules::Coverage>& files) {
    for (const auto& one : files) {
        const auto ran = one.lines.size() - one.missed.size();
        std::cout << one.file << ": " << ran << " of " << one.lines.size() << " lines were run";
        if (!one.missed.empty()) std::cout << ", not " << ranges_of(one.missed);
        std::cout << "\n";
    }
}

Json json_of(const std::vector<rules::Coverage>& files) {
    Json list = Json::array();
    for (const auto& one : files)
        list.push_back({{"file", one.file}, {"lines", one.lines.size()}, {"missed", one.missed}});
    return list;
}

void print_case(const CaseResult& one) {
    if (one.passed) return;
    std::cout << "FAILED " << one.file << ":" << one.line << ": " << one.name << "\n";
    for (const auto& line : one.differences) std::cout << "  " << line << "\n";
}

Json json_of(const std::vector<CaseResult>& results) {
    Json list = Json::array();
    for (const auto& one : results)
        list.push_back({{"file", one.file},
                        {"line", one.line},
                        {"name", one.name},
                        {"passed", one.passed},
                        {"differences", one.differences}});
    return list;
}

int test(const TestOptions& options) {
    LoadOptions load;
    const auto covering = options.coverage ? covering_scripts() : nullptr;
    load.scripts = covering;
    const auto loaded = load_folder(options.folder, load);
    if (loaded.error) return complain(exit_code::failed, loaded.error->message);
    print_diagnostics(loaded.diagnostics, options.folder);
    if (!loaded.tenant) return exit_code::failed;
    Diagnostics diagnostics;
    const auto results = run_rule_tests(loaded.tenant, scratch_store, diagnostics);
    if (!results) return complain(results.error());
    print_diagnostics(diagnostics, options.folder);
    const auto passed =
        std::count_if(results->begin(), results->end(), [](const auto& one) { return one.passed; });
    const auto failed = static_cast<std::ptrdiff_t>(results->size()) - passed;
    if (options.json) {
        Json summary{{"passed", passed}, {"failed", failed}, {"cases", json_of(*results)}};
        if (covering) summary["coverage"] = json_of(covering->coverage());
        std::cout << canonical_json(summary) << "\n";
    } else {
        for (const auto& one : *results) print_case(one);
        if (covering) print_coverage(covering->coverage());
        std::cout << passed << " passed, " << failed << " failed\n";
        if (!failed && results->empty()) std::cout << "There are no cases: put some into tests/*.yaml.\n";
    }
    // A folder without cases must not look like one that passes.
    return failed > 0 || results->empty() || diagnostics.has_errors() ? exit_code::failed : exit_code::ok;
}

struct FormatOptions {
    std::string folder;
    bool check = false;
};

/// Writes beside the file and renames, so that a file is never half written.
bool replace_file(const std::filesystem::path& path, const std::string& text) {
    auto beside = path;
    beside += ".new";
    {
        std::ofstream out(beside, std::ios::binary | std::ios::trunc);
        out << text;
        out.close();
        if (!out) return false;
    }
    std::error_code error;
    std::filesystem::rename(beside, path, error);
    return !error;
}

int format(const FormatOptions& options) {
    const auto files = read_folder(options.folder);
    if (!files) return complain(exit_code::failed, files.error().message);
    int changed = 0;
    Diagnostics unread;
    for (const auto& [path, text] : *files) {
        if (!path.ends_with(".yaml") && !path.ends_with(".yml")) continue;
        static_cast<void>(parse_yaml(text, path, unread));
        const auto formatted = rules::format_rules(text);
        if (formatted == text) continue;
        ++changed;
        std::cout << path << "\n";
        if (!options.check && !replace_file(std::filesystem::path(options.folder) / path, formatted))
            return complain(exit_code::unavailable, "cannot write " + path);
    }
    // What is no YAML stays as it is, and is not laid out.
    print_diagnostics(unread, options.folder);
    if (unread.has_errors()) return exit_code::bad_data;
    return options.check && changed > 0 ? exit_code::failed : exit_code::ok;
}

struct DryRunOptions {
    std::string folder;
    std::string event;
    Supposition supposed;
    std::string advance;
    bool explain = false;
    bool json = false;
};

/// What follows from the event until so long after it: by what it emits, and by timers.
Result<Json> decisions_after(const std::shared_ptr<const Tenant>& tenant, const Json& request, Instant now,
                             Duration advance) {
    auto event = event_from_envelope(tenant->name, request["event"]);
    if (!event) return event.error();
    event->connection = std::string(event->subject.connection());
    // The clock begins where the dry run's stands.
    event->time = std::min(event->time.value_or(now), now);
    const auto known = request.contains("entity") ? request["entity"] : Json::object();
    auto answers = given_answers(request["lookups"], *tenant);
    if (!answers) return answers.error();
    const auto decisions =
        rehearse(tenant, {known, {*std::move(event)}, now, advance, *std::move(answers)}, scratch_store);
    if (!decisions) return decisions.error();
    Json later = Json::array();
    for (std::size_t i = 1; i < decisions->size(); ++i) later.push_back(to_json((*decisions)[i]));
    return later;
}

int dry_run_command(const DryRunOptions& options) {
    const auto loaded = load_folder(options.folder);
    if (loaded.error) return complain(exit_code::bad_data, loaded.error->message);
    print_diagnostics(loaded.diagnostics, options.folder);
    if (!loaded.tenant) return exit_code::bad_data;
    auto request = read_dry_run(options.event, options.supposed);
    if (!request) return complain(exit_code::bad_data, request.error().message);
    (*request)["explain"] = options.explain;
    const auto now = clock_of(options.supposed);
    if (!now) return complain(exit_code::usage, now.error().message);
    Duration advance{};
    if (!options.advance.empty()) {
        const auto span = parse_duration(options.advance);
        if (!span) return complain(exit_code::usage, "--advance: " + span.error().message);
        advance = *span;
    }
    auto decision = dry_run(*loaded.tenant, *request, *now);
    if (!decision) return complain(exit_code::bad_data, options.event + ": " + decision.error().message);
    if (advance > Duration(0)) {
        auto later = decisions_after(loaded.tenant, *request, *now, advance);
        if (!later) return complain(later.error());
        (*decision)["later"] = *std::move(later);
    }
    if (options.json) {
        std::cout << canonical_json(*decision) << "\n";
        return exit_code::ok;
    }
    std::cout << render_decision(*decision);
    if (options.explain) std::cout << render_trace((*decision)["trace"]);
    if (const auto later = decision->find("later"); later != decision->end())
        for (const auto& one : *later) std::cout << "\n" << render_decision(one);
    return exit_code::ok;
}

struct ReplayOptions {
    std::string folder;
    std::string events;
    std::string store;
    std::string lookups;
    std::string until;
    bool json = false;
};

struct ReplayCounts {
    std::map<std::string, std::uint64_t> outcomes;
    std::map<std::string, std::uint64_t> fired;
    std::uint64_t actions = 0;
    std::uint64_t decisions = 0;
};

void count(ReplayCounts& counts, const Decision& decision) {
    ++counts.decisions;
    ++counts.outcomes[std::string(name_of(decision.outcome))];
    for (const auto& rule : decision.fired) ++counts.fired[rule];
    counts.actions += decision.actions.size();
}

void print_counts(const ReplayCounts& counts) {
    std::cout << counts.decisions << " decisions";
    for (const auto& [outcome, number] : counts.outcomes) std::cout << ", " << number << " " << outcome;
    std::cout << "; " << counts.actions << " actions\n";
    for (const auto& [rule, number] : counts.fired) std::cout << "  " << number << "  " << rule << "\n";
}

Result<Event> read_event(const TenantName& tenant, const std::string& line, std::size_t number) {
    const auto at = "line " + std::to_string(number) + ": ";
    auto json = parse_json(line, {event_bytes_max, 64});
    if (!json) return Error{json.error().code, at + json.error().message};
    auto event = event_from_envelope(tenant, *json);
    if (!event) return Error{event.error().code, at + event.error().message};
    event->connection = std::string(event->subject.connection());
    return event;
}

Result<void> play(LineReader& lines, Replayer& replayer, const TenantName& tenant,
                  std::optional<Instant> until) {
    Progress progress("events");
    while (true) {
        auto line = lines.next();
        if (!line) return line.error();
        if (!*line) return replayer.finish(until);
        if ((*line)->empty()) continue;
        auto event = read_event(tenant, **line, lines.number());
        if (!event) return event.error();
        if (until && event->time && *event->time > *until) return replayer.finish(until);
        if (auto taken = replayer.take(std::move(*event)); !taken) return taken.error();
        progress.step();
    }
}

/// What was decided for real must not be mixed with an exercise.
Result<void> may_be_filled(Store& store) {
    const auto tenants = store.tenants();
    if (!tenants) return tenants.error();
    if (tenants->empty() || store.info().simulated) return {};
    return unavailable("the store holds decisions that were not simulated; replay needs one of its own");
}

int replay(const ReplayOptions& options) {
    const auto loaded = load_folder(options.folder);
    if (loaded.error) return complain(exit_code::bad_data, loaded.error->message);
    print_diagnostics(loaded.diagnostics, options.folder);
    if (!loaded.tenant) return exit_code::bad_data;
    std::optional<Instant> until;
    if (!options.until.empty()) {
        const auto instant = parse_instant(options.until);
        if (!instant) return complain(exit_code::usage, "--until: " + instant.error().message);
        until = *instant;
    }
    auto lines = LineReader::open(options.events);
    if (!lines) return complain(exit_code::bad_data, lines.error().message);
    auto store = options.store.empty() ? scratch_store() : open_store(options.store);
    if (!store) return complain(store.error());
    if (auto free = may_be_filled(**store); !free) return complain(free.error());
    const auto lookups = read_lookups(options.lookups);
    auto answers = lookups ? given_answers(*lookups, *loaded.tenant) : lookups.error();
    if (!answers) return complain(exit_code::bad_data, answers.error().message);
    ReplayCounts counts;
    const auto show = [&](const Event&, const Decision& decision) {
        count(counts, decision);
        if (options.json) std::cout << canonical_json(to_json(decision)) << '\n';
    };
    Replayer replayer(**store, loaded.tenant, show, *std::move(answers));
    if (auto started = replayer.start(); !started) return complain(started.error());
    const auto played = play(*lines, replayer, loaded.tenant->name, until);
    std::cout.flush();
    if (!played) return complain(played.error());
    if (!options.json) print_counts(counts);
    if (!until && replayer.has_timers_left())
        std::cerr << "signalbox: timers that are due later than ten years after the last event are left; "
                     "--until says how far to go\n";
    if (replayer.waiting() > 0)
        std::cerr << "signalbox: " << replayer.waiting()
                  << " events wait behind blocked lanes and are not decided\n";
    return exit_code::ok;
}

void add_test(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<TestOptions>();
    auto* command = app.add_subcommand("test", "Runs the cases in the folder's tests/*.yaml");
    command->add_option("TENANT_DIR", options->folder, "The tenant's folder")->required();
    command->add_flag("--json", options->json, "One JSON object");
    command->add_flag("--coverage", options->coverage,
                      "Show which lines of scripts no case runs; scripts run in this process then");
    command->callback([options, &chosen] { chosen = [options] { return test(*options); }; });
}

void add_format(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<FormatOptions>();
    auto* command =
        app.add_subcommand("fmt", "Lays the folder's YAML files out in one way; comments and meaning stay");
    command->add_option("TENANT_DIR", options->folder, "The tenant's folder")->required();
    command->add_flag("--check", options->check, "Change nothing; fail when a file would change");
    command->callback([options, &chosen] { chosen = [options] { return format(*options); }; });
}

void add_dry_run(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<DryRunOptions>();
    auto* command = app.add_subcommand("dry-run", "Decides one event; nothing is sent or stored");
    command->add_option("TENANT_DIR", options->folder, "The tenant's folder")->required();
    command->add_option("--event", options->event, "File with the CloudEvents envelope, - for standard input")
        ->required();
    add_supposition(*command, options->supposed, "The decision's clock, RFC 3339");
    command->add_option("--advance", options->advance,
                        "Shows what timers do until so long after it, such as 3d");
    command->add_flag("--explain", options->explain,
                      "Show every rule with its conditions and the values they saw");
    command->add_flag("--json", options->json, "One JSON object, like a line of replay");
    command->callback([options, &chosen] { chosen = [options] { return dry_run_command(*options); }; });
}

void add_replay(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<ReplayOptions>();
    auto* command =
        app.add_subcommand("replay", "Runs a recorded stream on a virtual clock; nothing is delivered");
    command->add_option("TENANT_DIR", options->folder, "The tenant's folder")->required();
    command
        ->add_option("--events", options->events,
                     "CloudEvents as JSON lines, plain or .gz, - for standard input")
        ->required();
    command->add_option("--store", options->store, "Keep the journal there (marked simulated)");
    command->add_option("--lookups", options->lookups,
                        "File with what scripts find when they look something up, as in test cases");
    command->add_option("--until", options->until, "Stop before later events and timers, RFC 3339");
    command->add_flag("--json", options->json, "One JSON line for each decision");
    command->callback([options, &chosen] { chosen = [options] { return replay(*options); }; });
}

}  // namespace

void add_rule_commands(CLI::App& app, Chosen& chosen) {
    add_check_command(app, chosen);
    add_test(app, chosen);
    add_format(app, chosen);
    add_dry_run(app, chosen);
    add_replay(app, chosen);
    add_lua_command(app, chosen);
}

}  // namespace engine::app
