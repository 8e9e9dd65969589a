/// audit: proves, signs and exports the journal, live or not.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>

#include "engine/app/checkpoints.h"
#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/progress.h"
#include "engine/app/rebuild_commands.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/store/verify.h"

namespace engine::app {
namespace {

// ---- verify

struct VerifyCommand : StoreOptions {
    std::vector<std::string> checkpoints;
    std::vector<std::string> keys;
    bool deep = false;
    int threads = 0;
    bool reexecute = false;
    std::uint64_t named_max = 100;
};

/// What the files of checkpoints say, and what is wrong with them.
struct Signed {
    SignedHeads heads;
    std::uint64_t checkpoints = 0;
    std::uint64_t rollbacks = 0;
    bool torn = false;  ///< the last line has no end: a power cut, before anybody was told of it
    std::vector<std::string> faults;
};

bool is_file(const std::string& path) {
    return !path.empty() && ::access(path.c_str(), F_OK) == 0;
}

/// What is there when nothing was said.
void find_defaults(VerifyCommand& options) {
    const auto sink = default_sink(options.store);
    if (options.checkpoints.empty() && is_file(sink)) options.checkpoints = {sink};
    const auto key = default_key(sink) + ".pub";
    if (options.keys.empty() && !options.checkpoints.empty() && is_file(key)) options.keys = {key};
}

Result<Signed> read_signed(const VerifyCommand& options) {
    Signed read;
    if (options.checkpoints.empty()) return read;
    if (options.keys.empty())
        return invalid("say whose signatures count with --key FILE.pub, or leave --checkpoints out");
    std::vector<VerifyingKey> keys;
    for (const auto& path : options.keys) {
        auto key = load_public_key(path);
        if (!key) return key.error();
        keys.push_back(*std::move(key));
    }
    SinkCheck check(std::move(keys));
    for (const auto& path : options.checkpoints) {
        std::ifstream file(path, std::ios::binary);
        if (!file) return unavailable("cannot read " + path);
        check.begin_file();
        std::string line;
        for (std::uint64_t number = 1; std::getline(file, line); ++number) {
            read.torn = file.eof();
            if (read.torn) break;
            const auto taken = check.take(line);
            if (taken) continue;
            // What follows a broken line proves nothing.
            read.faults.push_back(path + ":" + std::to_string(number) + ": " + taken.error().message);
            break;
        }
    }
    read.heads = check.heads();
    read.checkpoints = check.lines();
    read.rollbacks = check.rollbacks();
    return read;
}

void print_faults(const ChainReport& report, const Signed& read) {
    for (const auto& fault : read.faults) std::cout << "BAD " << fault << "\n";
    for (const auto& fault : report.faults)
        std::cout << "BAD " << fault.tenant.text() << " " << fault.stream << "#" << fault.seq << ": "
                  << fault.what << "\n";
}

void print_report(const ChainReport& report, const Signed& read, double seconds) {
    print_faults(report, read);
    const auto bad = report.faults.size();
    std::cout << report.rows << " rows in " << report.streams << " streams, "
              << (bad == 0 ? "all good" : std::to_string(bad) + " bad streams") << " ("
              << static_cast<std::uint64_t>(static_cast<double>(report.rows) / std::max(seconds, 1e-6))
              << " rows a second)\n";
    if (read.checkpoints > 0)
        std::cout << read.checkpoints << " checkpoints, " << report.signed_heads << " signed heads fit"
                  << (read.rollbacks > 0 ? ", " + std::to_string(read.rollbacks) + " accepted rollbacks" : "")
                  << "\n";
    if (read.torn)
        std::cerr << "signalbox: the last checkpoint was cut off by a power cut and does not count\n";
}

Json report_json(const ChainReport& report, const Signed& read, double seconds) {
    Json faults = Json::array();
    for (const auto& fault : report.faults)
        faults.push_back({{"tenant", fault.tenant.text()},
                          {"stream", fault.stream},
                          {"seq", fault.seq},
                          {"what", fault.what}});
    return {{"ok", report.faults.empty() && read.faults.empty()},
            {"rows", report.rows},
            {"streams", report.streams},
            {"erased_bodies", report.erased_bodies},
            {"seconds", seconds},
            {"rows_per_s", static_cast<double>(report.rows) / std::max(seconds, 1e-6)},
            {"checkpoints", read.checkpoints},
            {"signed_heads", report.signed_heads},
            {"rollbacks", read.rollbacks},
            {"checkpoint_faults", read.faults},
            {"faults", faults}};
}

Result<TenantName> chosen_or_all(const StoreOptions& options) {
    if (options.tenant.empty()) return TenantName();
    const auto store = open_for_reading(options.store);
    if (!store) return store.error();
    return choose_tenant(**store, options.tenant);
}

int reexecute_command(const VerifyCommand& options) {
    const auto store = open_for_reading(options.store);
    if (!store) return complain(store.error());
    return reexecute_and_print(**store, options.tenant, options.json, options.named_max);
}

int verify_command(VerifyCommand options) {
    if (options.reexecute) return reexecute_command(options);
    find_defaults(options);
    const auto read = read_signed(options);
    if (!read) return complain(read.error());
    const auto tenant = chosen_or_all(options);
    if (!tenant && tenant.error().code == Code::not_found)
        return complain(exit_code::usage, tenant.error().message);
    if (!tenant) return complain(tenant.error());
    const auto begin = std::chrono::steady_clock::now();
    VerifyOptions how{*tenant, options.deep, &read->heads,
                      options.threads > 0 ? options.threads : verify_threads()};
    const auto report = verify([&options] { return open_for_reading(options.store); }, how);
    if (!report) return complain(report.error());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (options.json)
        std::cout << canonical_json(report_json(*report, *read, seconds)) << "\n";
    else
        print_report(*report, *read, seconds);
    return report->faults.empty() && read->faults.empty() ? exit_code::ok : exit_code::failed;
}

void add_verify(CLI::App& audit, Chosen& chosen) {
    auto options = std::make_shared<VerifyCommand>();
    auto* command = audit.add_subcommand(
        "verify", "Checks every row, digest and hash; names the first bad row of a stream");
    add_store_options(*command, *options);
    command->add_flag("--deep", options->deep,
                      "Also writes every body again, and follows subjects, versions and decisions");
    command->add_option("--checkpoints", options->checkpoints,
                        "Files of signed checkpoints, oldest first; default: the one beside the store");
    command->add_option("--key", options->keys,
                        "Public keys whose signatures count; default: the one beside the checkpoints");
    command->add_option("--threads", options->threads, "Streams read at once; 0 = one a core")
        ->check(CLI::Range(0, 256))
        ->capture_default_str();
    command->add_flag("--reexecute", options->reexecute,
                      "Instead: makes every decision again and compares it with the journal");
    command
        ->add_option("--limit", options->named_max, "With --reexecute: how many differing decisions to name")
        ->capture_default_str();
    command->callback([options, &chosen] { chosen = [options] { return verify_command(*options); }; });
}

// ---- checkpoint

struct CheckpointCommand : StoreOptions {
    std::string sink;
    std::string key;
};

int checkpoint_command(CheckpointCommand options) {
    if (options.sink.empty()) options.sink = default_sink(options.store);
    if (options.sink.empty()) return complain(exit_code::usage, "say where with --checkpoints");
    if (options.key.empty()) options.key = default_key(options.sink);
    const auto store = open_for_reading(options.store);
    if (!store) return complain(store.error());
    const auto key = load_or_make_key(options.key);
    if (!key) return complain(key.error());
    auto sink = CheckpointSink::open(options.sink);
    if (!sink) return complain(sink.error());
    const auto made = make_checkpoints(**store, *sink, *key, SystemClock().now());
    if (!made) return complain(made.error());
    if (options.json)
        std::cout << canonical_json(Json{{"made", *made}, {"last", sink->lines()}, {"sink", options.sink}})
                  << "\n";
    else if (*made == 0)
        std::cout << "Nothing has been added since checkpoint " << sink->lines() << " of " << options.sink
                  << ".\n";
    else
        std::cout << "Checkpoint " << sink->lines() << " is in " << options.sink << ".\n";
    return exit_code::ok;
}

void add_checkpoint(CLI::App& audit, Chosen& chosen) {
    auto options = std::make_shared<CheckpointCommand>();
    auto* command =
        audit.add_subcommand("checkpoint", "Signs where the journal stands now, in a file outside the store");
    add_store_option(*command, options->store);
    add_json_option(*command, options->json);
    command->add_option("--checkpoints", options->sink, "The file; default: beside the store")
        ->envname("SIGNALBOX_CHECKPOINTS");
    command
        ->add_option("--checkpoint-key", options->key,
                     "Private key, made when it is not there; default: beside the checkpoints")
        ->envname("SIGNALBOX_CHECKPOINT_KEY");
    command->callback([options, &chosen] { chosen = [options] { return checkpoint_command(*options); }; });
}

// ---- export

struct ExportCommand : StoreOptions {
    std::string stream;
};

/// Up to the head it had at the start: all streams are of one state, however long the export takes.
Result<void> export_stream(Store& store, const TenantName& tenant, const StreamHead& head,
                           Progress& progress) {
    return store.scan(tenant, head.stream, 0, [&](const JournalRecord& record) {
        if (record.seq > head.seq) return false;
        std::cout << canonical_json(export_line(record)) << '\n';
        progress.step();
        return static_cast<bool>(std::cout) && record.seq < head.seq;
    });
}

int export_command(const ExportCommand& options) {
    auto store = open_for_reading(options.store);
    if (!store) return complain(store.error());
    const auto tenant = choose_tenant(**store, options.tenant);
    if (!tenant) return complain(exit_code::usage, tenant.error().message);
    const auto streams = (*store)->streams(*tenant);
    if (!streams) return complain(streams.error());
    bool known = options.stream.empty();
    Progress progress("rows");
    for (const auto& head : *streams) {
        if (!options.stream.empty() && head.stream != options.stream) continue;
        known = true;
        if (head.seq == 0) continue;
        if (auto done = export_stream(**store, *tenant, head, progress); !done) return complain(done.error());
    }
    if (!known) return complain(exit_code::usage, "the tenant has no stream " + options.stream);
    std::cout.flush();
    return std::cout ? exit_code::ok : complain(exit_code::input_output, "the export could not be written");
}

void add_export(CLI::App& audit, Chosen& chosen) {
    auto options = std::make_shared<ExportCommand>();
    auto* command = audit.add_subcommand("export", "Writes a tenant's journal as JSON lines");
    add_store_options(*command, *options);
    command->add_option("--stream", options->stream, "One stream only, such as p3 or control");
    command->callback([options, &chosen] { chosen = [options] { return export_command(*options); }; });
}

}  // namespace

void add_audit_commands(CLI::App& app, Chosen& chosen) {
    auto* audit = app.add_subcommand("audit", "Proves, signs or exports the journal");
    audit->require_subcommand(1);
    add_verify(*audit, chosen);
    add_checkpoint(*audit, chosen);
    add_audit_list(*audit, chosen);
    add_export(*audit, chosen);
}

}  // namespace engine::app
