/// bench: what this build does on this machine, against floors measured in the same run.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/app/bench_e2e.h"
#include "engine/app/bench_match.h"
#include "engine/app/bench_policies.h"
#include "engine/app/bench_scripts.h"
#include "engine/app/bench_timers.h"
#include "engine/app/bench_verify.h"
#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/support.h"

namespace engine::app {
namespace {

struct EndToEndBench {
    BenchOptions bench;
    bool json = false;
};

int bench_e2e(const EndToEndBench& options) {
    const auto report = run_bench(options.bench);
    if (!report) return complain(report.error());
    if (options.json)
        std::cout << to_json(*report).dump() << "\n";
    else
        std::cout << render(*report);
    if (!report->trouble.empty()) std::cerr << "signalbox: " << report->trouble << "\n";
    const bool kept = report->lost == 0 && report->duplicated == 0 && report->out_of_order == 0;
    return kept ? exit_code::ok : exit_code::failed;
}

void add_e2e_bench(CLI::App& bench, Chosen& chosen) {
    auto options = std::make_shared<EndToEndBench>();
    auto& of = options->bench;
    auto* command = bench.add_subcommand(
        "e2e", "Webhook in, decision, commit, action out: a daemon of its own, a destination and a load");
    command->add_option("--events", of.events, "Events of the part flat out")
        ->check(CLI::Range(1, 10'000'000))
        ->capture_default_str();
    command->add_option("--rate", of.rate, "Events per second of the part that measures latency")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    command->add_option("--seconds", of.seconds, "Length of that part")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    command->add_option("--connections", of.connections, "Keep-alive connections that send")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    command->add_option("--lanes", of.lanes, "Conversations that the events are about")
        ->check(CLI::Range(1, 10'000'000))
        ->capture_default_str();
    command->add_option("--rules", of.rules, "Rules that fit no event, besides the one that does")
        ->check(CLI::Range(0, 100'000))
        ->capture_default_str();
    command
        ->add_option("--unread-bytes", of.unread_bytes,
                     "Bytes of each webhook, about, that no connector reads, as vendors send them")
        ->check(CLI::Range(0, 500'000))
        ->capture_default_str();
    command->add_option("--store", of.store,
                        "sqlite:///file.db or postgresql://…; left out: a new file that is removed again");
    command
        ->add_option("--past-rows", of.past.rows,
                     "Rows that the journal has before, as years would leave them")
        ->check(CLI::Range(0, 100'000'000))
        ->capture_default_str();
    command
        ->add_option("--past-waiting", of.past.waiting,
                     "Deliveries that wait before, for a receiver that is away")
        ->check(CLI::Range(0, 1'000'000))
        ->capture_default_str();
    command->add_flag("!--no-floors", of.floors, "Leave out what the bare database does");
    command->add_flag("--json", options->json, "JSON for programs");
    command->callback([options, &chosen] { chosen = [options] { return bench_e2e(*options); }; });
}

struct VerifyBench {
    VerifyBenchOptions bench;
    bool json = false;
};

int bench_verify(const VerifyBench& options) {
    const auto report = run_verify_bench(options.bench);
    if (!report) return complain(report.error());
    if (options.json)
        std::cout << to_json(*report).dump() << "\n";
    else
        std::cout << render(*report);
    return report->faults == 0 ? exit_code::ok : exit_code::failed;
}

void add_verify_bench(CLI::App& bench, Chosen& chosen) {
    auto options = std::make_shared<VerifyBench>();
    auto& of = options->bench;
    auto* command =
        bench.add_subcommand("verify", "The proof of a journal, beside the bare digests of its bytes");
    command->add_option("--rows", of.rows, "Rows of a store that is filled")
        ->check(CLI::Range(std::uint64_t{2}, std::uint64_t{1'000'000'000}))
        ->capture_default_str();
    command->add_option("--store", of.store,
                        "Filled when it is empty; left out: a new SQLite file that is removed again");
    command->add_option("--threads", of.threads, "That read at once; 0 = one a core")
        ->check(CLI::Range(0, 256))
        ->capture_default_str();
    command->add_flag("--deep", of.deep, "Measure audit verify --deep");
    command->add_flag("--json", options->json, "JSON for programs");
    command->callback([options, &chosen] { chosen = [options] { return bench_verify(*options); }; });
}

struct TimersBench {
    TimersBenchOptions bench;
    bool json = false;
};

int bench_timers(const TimersBench& options) {
    const auto report = run_timers_bench(options.bench);
    if (!report) return complain(report.error());
    if (options.json)
        std::cout << to_json(*report).dump() << "\n";
    else
        std::cout << render(*report);
    return report->lost == 0 && report->doubled == 0 ? exit_code::ok : exit_code::failed;
}

void add_timers_bench(CLI::App& bench, Chosen& chosen) {
    auto options = std::make_shared<TimersBench>();
    auto& of = options->bench;
    auto* command = bench.add_subcommand(
        "timers",
        "A daemon of its own with many timers that wait: its start, its memory, and how late it is");
    command->add_option("--waiting", of.waiting, "Timers that are due in a year")
        ->check(CLI::Range(0, 100'000'000))
        ->capture_default_str();
    command->add_option("--rate", of.rate, "Timers that are due in each second besides")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    command->add_option("--seconds", of.seconds, "For so long")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    command->add_option("--store", of.store, "Empty; left out: a new SQLite file that is removed again");
    command->add_flag("--json", options->json, "JSON for programs");
    command->callback([options, &chosen] { chosen = [options] { return bench_timers(*options); }; });
}

struct MatchBench {
    MatchBenchOptions bench;
    bool json = false;
};

int bench_match(const MatchBench& options) {
    Json results = Json::array();
    bool same = true;
    if (!options.json) std::cout << match_bench_head();
    const auto done = run_match_bench(options.bench, [&](const MatchBenchResult& result) {
        same = same && result.mismatches == 0;
        if (options.json)
            results.push_back(to_json(result));
        else
            std::cout << render(result) << std::flush;
    });
    if (options.json) std::cout << Json{{"results", results}}.dump() << "\n";
    if (!done) return complain(done.error());
    return same ? exit_code::ok : exit_code::failed;
}

void add_match_bench(CLI::App& bench, Chosen& chosen) {
    auto options = std::make_shared<MatchBench>();
    auto& of = options->bench;
    auto* command = bench.add_subcommand(
        "match",
        "The bytes of an event in, the rules that fit out: beside the bare parse and a look at every rule");
    command->add_option("--profile", of.profiles, "Made-up rules of these kinds; left out: all of them")
        ->check(CLI::IsMember(match_profiles()))
        ->delimiter(',');
    command->add_option("--counts", of.counts, "Numbers of made-up rules")
        ->check(CLI::Range(1, 1'000'000))
        ->delimiter(',')
        ->capture_default_str();
    command->add_option("--event-count", of.events, "Made-up events")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    command->add_option("--seed", of.seed, "Another one makes other rules and events")->capture_default_str();
    command->add_option("--seconds", of.seconds, "Length of each measurement")
        ->check(CLI::Range(0.01, 600.0))
        ->capture_default_str();
    auto* rules = command->add_option("--rules", of.rules_folder, "A tenant's folder instead; with --events");
    auto* events = command->add_option("--events", of.events_file, "CloudEvents as JSON lines, plain or .gz");
    rules->needs(events);
    events->needs(rules);
    command
        ->add_option("--workload", of.workload,
                     "A folder with rules-NAME.jsonl, events.jsonl and oracle-NAME.jsonl instead")
        ->excludes(rules);
    command->add_flag("--json", options->json, "JSON for programs");
    command->callback([options, &chosen] { chosen = [options] { return bench_match(*options); }; });
}

// ---- policies

template <class Options>
struct PolicyBench {
    Options bench;
    bool json = false;
    Result<void> (*run)(const Options& options, const EachPolicyRow& each) = nullptr;
};

template <class Options>
int bench_policy(const PolicyBench<Options>& options) {
    Json results = Json::array();
    const auto done = options.run(options.bench, [&](const PolicyBenchRow& row) {
        if (options.json)
            results.push_back(to_json(row));
        else
            std::cout << render(row) << std::flush;
    });
    if (options.json) std::cout << Json{{"results", results}}.dump() << "\n";
    return done ? exit_code::ok : complain(done.error());
}

/// The command with the options that all of them have; the others are for the caller to add.
template <class Options>
std::pair<CLI::App*, std::shared_ptr<PolicyBench<Options>>> add_policy_bench(
    CLI::App& bench, Chosen& chosen, const std::string& name, const std::string& help,
    Result<void> (*run)(const Options& options, const EachPolicyRow& each)) {
    auto options = std::make_shared<PolicyBench<Options>>();
    options->run = run;
    auto* command = bench.add_subcommand(name, help);
    command->add_option("--seconds", options->bench.seconds, "Length of each measurement, floor and all")
        ->check(CLI::Range(0.01, 600.0))
        ->capture_default_str();
    command->add_option("--turns", options->bench.turns, "In which it and its floor take turns")
        ->check(CLI::Range(1, 1'000))
        ->capture_default_str();
    command->add_option("--seed", options->bench.seed, "Another one makes other things up")
        ->capture_default_str();
    command->add_flag("--json", options->json, "JSON for programs");
    command->callback([options, &chosen] { chosen = [options] { return bench_policy(*options); }; });
    return {command, options};
}

void add_counts_option(CLI::App& command, const std::string& name, std::vector<std::size_t>& counts,
                       std::size_t most, const std::string& help) {
    command.add_option(name, counts, help)
        ->check(CLI::Range(std::size_t{1}, most))
        ->delimiter(',')
        ->capture_default_str();
}

void add_routing_bench(CLI::App& bench, Chosen& chosen) {
    const auto [command, options] = add_policy_bench<RoutingBenchOptions>(
        bench, chosen, "routing",
        "Decisions that give somebody work or let it wait, beside the same ones without routing",
        run_routing_bench);
    command->add_option("--agents", options->bench.agents, "Who work there")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    command->add_option("--waiting", options->bench.waiting, "Tickets that wait, where nobody has room")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    add_counts_option(*command, "--queues", options->bench.queues, 10'000,
                      "Numbers of queues; agents are dealt out to their teams");
}

void add_scoring_bench(CLI::App& bench, Chosen& chosen) {
    const auto [command, options] = add_policy_bench<ScoringBenchOptions>(
        bench, chosen, "scoring", "Decisions about what has a score, beside the same ones without scores",
        run_scoring_bench);
    add_counts_option(*command, "--entries", options->bench.entries, 10'000,
                      "Numbers of entries of the score");
    command->add_option("--counted", options->bench.counted, "Events that were counted before, of each lead")
        ->check(CLI::Range(0, 1'000))
        ->capture_default_str();
}

void add_tagging_bench(CLI::App& bench, Chosen& chosen) {
    const auto [command, options] = add_policy_bench<TaggingBenchOptions>(
        bench, chosen, "tagging",
        "Words, phrases and regexes looked for in one pass, beside one after the other", run_tagging_bench);
    add_counts_option(*command, "--patterns", options->bench.patterns, 1'000'000, "Numbers of patterns");
}

void add_sweep_bench(CLI::App& bench, Chosen& chosen) {
    const auto [command, options] = add_policy_bench<SweepBenchOptions>(
        bench, chosen, "sweep", "A rule on a schedule that looks at each entity, beside a bare read",
        run_sweep_bench);
    add_counts_option(*command, "--entities", options->bench.entities, 100'000'000, "Numbers of entities");
    command->add_option("--one-in", options->bench.one_in, "Of so many, one is what the rule is for")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    command->add_option("--store", options->bench.store,
                        "Empty; left out: a new SQLite file that is removed again");
}

// ---- scripts

struct ScriptsBench {
    ScriptsBenchOptions bench;
    bool json = false;
};

int bench_scripts(const ScriptsBench& options) {
    const auto report = run_scripts_bench(options.bench);
    if (!report) return complain(report.error());
    if (options.json)
        std::cout << to_json(*report).dump() << "\n";
    else
        std::cout << render(*report);
    return report->failures == 0 && report->differences == 0 ? exit_code::ok : exit_code::failed;
}

void add_scripts_bench(CLI::App& bench, Chosen& chosen) {
    auto options = std::make_shared<ScriptsBench>();
    auto& of = options->bench;
    auto* command = bench.add_subcommand(
        "scripts", "Calls of scripts in this process and in one of their own, beside the same in plain Lua");
    command->add_option("--seconds", of.seconds, "Length of each measurement")
        ->check(CLI::Range(0.01, 600.0))
        ->capture_default_str();
    command->add_option("--rounds", of.rounds, "In so many parts, by turns, of which the middle one counts")
        ->check(CLI::Range(1, 1'000))
        ->capture_default_str();
    command->add_option("--batches", of.batches, "Numbers of calls that go to a process together")
        ->check(CLI::Range(1, 10'000))
        ->delimiter(',')
        ->capture_default_str();
    command->add_option("--turn", of.turn_events, "Events that are decided in one turn")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    command->add_flag("--json", options->json, "JSON for programs");
    command->callback([options, &chosen] { chosen = [options] { return bench_scripts(*options); }; });
}

}  // namespace

void add_bench_commands(CLI::App& app, Chosen& chosen) {
    auto* bench = app.add_subcommand("bench", "Measures this build on this machine");
    bench->require_subcommand(1);
    add_e2e_bench(*bench, chosen);
    add_match_bench(*bench, chosen);
    add_routing_bench(*bench, chosen);
    add_scoring_bench(*bench, chosen);
    add_scripts_bench(*bench, chosen);
    add_sweep_bench(*bench, chosen);
    add_tagging_bench(*bench, chosen);
    add_timers_bench(*bench, chosen);
    add_verify_bench(*bench, chosen);
}

}  // namespace engine::app
