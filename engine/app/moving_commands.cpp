/// backup, restore, copy: a whole store into a file, out of it, and from one kind of store to the other.

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/durable_file.h"
#include "engine/app/progress.h"
#include "engine/app/requests.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/store/sqlite/owner_lock.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "engine/store/transfer.h"
#include "engine/store/verify.h"

namespace engine::app {
namespace {

namespace fs = std::filesystem;

/// What SQLite and the owner's lock keep beside a file.
constexpr const char* companions[] = {"-wal", "-shm", "-journal", ".lock"};
/// An owner that only reads says that often that it is alive.
constexpr auto probe_every = std::chrono::seconds(2);

struct MovingOptions {
    std::string store = store_default;
    std::string from;
    std::string to;
    bool force = false;
    bool no_verify = false;
    bool live = false;
    bool json = false;
};

/// Why a command ended, and with which exit code.
struct Failure {
    int code;
    std::string message;
};

/// What was done.
struct Moved {
    Census census;
    bool verified = false;
    double seconds = 0;
};

using Outcome = std::variant<Moved, Failure>;

Failure failure(const Error& error) {
    switch (error.code) {
        case Code::unavailable:
            return {exit_code::unavailable, error.message};
        case Code::outcome_unknown:
            return {exit_code::input_output, error.message};
        case Code::conflict:
            return {exit_code::unavailable, error.message};
        default:
            return {exit_code::bad_data, error.message};
    }
}

Json json_of(const Census& census) {
    Json counts = Json::object();
    for (const auto& [kind, count] : census.counts) counts[kind] = count;
    return counts;
}

Json heads_of(const Census& census, const TenantName& tenant) {
    Json heads = Json::array();
    for (const auto& row : census.heads)
        if (tenant.empty() || row.tenant == tenant)
            heads.push_back({{"tenant", row.tenant.text()},
                             {"stream", row.head.stream},
                             {"seq", row.head.seq},
                             {"hash", to_hex(bytes_of(row.head.hash))}});
    return heads;
}

void print(const Moved& moved, const std::string& what, bool json) {
    const auto& census = moved.census;
    if (json) {
        std::cout << canonical_json(Json{{"rows", census.count("journal rows")},
                                         {"tenants", census.count("tenants")},
                                         {"items", census.items()},
                                         {"counts", json_of(census)},
                                         {"heads", heads_of(census, TenantName())},
                                         {"verified", moved.verified},
                                         {"seconds", moved.seconds}})
                  << "\n";
        return;
    }
    for (const auto& row : census.heads)
        std::cout << row.tenant.text() << "  " << row.head.stream << "  " << row.head.seq << "  "
                  << to_hex(bytes_of(row.head.hash)) << "\n";
    std::cout << what << ": " << census.count("journal rows") << " journal rows of "
              << census.count("tenants") << " tenants, " << census.items() << " things in all, " << std::fixed
              << std::setprecision(1) << moved.seconds << " s, "
              << (moved.verified ? "checked" : "not checked") << "\n";
}

/// Runs the command, measures it and prints what came of it.
template <class Run>
int timed(const char* what, const MovingOptions& options, Run run) {
    const auto begun = std::chrono::steady_clock::now();
    Outcome outcome = run();
    if (const auto* failed = std::get_if<Failure>(&outcome)) return complain(failed->code, failed->message);
    auto& moved = std::get<Moved>(outcome);
    moved.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    print(moved, what, options.json);
    return exit_code::ok;
}

/// The first thing that is wrong with the store's journal.
std::optional<Failure> fault_of(Store& store, const std::string& name) {
    const auto report = verify(store, TenantName());
    if (!report) return failure(report.error());
    if (report->faults.empty()) return std::nullopt;
    const auto& fault = report->faults.front();
    return Failure{exit_code::failed, "the journal of " + name + " is damaged: " + fault.tenant.text() + " " +
                                          fault.stream + "#" + std::to_string(fault.seq) + ": " + fault.what};
}

/// Whether all that was written is there.
std::optional<Failure> loss_in(Store& store, const Census& written, const std::string& name) {
    const auto census = census_of(store);
    if (!census) return failure(census.error());
    const auto difference = written.difference_to(*census);
    if (difference.empty()) return std::nullopt;
    return Failure{exit_code::failed, name + " does not hold what was written to it: " + difference};
}

/// `watch` is told of progress too.
Result<Census> transfer_shown(
    Store& from, Store& to, const std::function<void()>& watch = [] {}) {
    Progress progress("rows");
    TransferLimits limits;
    limits.progress = [&](std::uint64_t count) {
        progress.reach(count);
        watch();
    };
    return transfer(from, to, limits);
}

// ---- backup

std::optional<Failure> check_target(const MovingOptions& options) {
    std::error_code error;
    if (fs::is_directory(options.to, error))
        return Failure{exit_code::usage, options.to + " is a folder; say a file"};
    const auto folder = fs::path(options.to).parent_path();
    if (!folder.empty() && !fs::is_directory(folder, error))
        return Failure{exit_code::usage, "there is no folder " + folder.string()};
    if (!fs::exists(options.to, error)) return std::nullopt;
    if (!options.force)
        return Failure{exit_code::usage, options.to + " is there already; --force replaces it"};
    const auto taken = OwnerLock(options.to + ".lock").taken_by_any();
    if (!taken) return failure(taken.error());
    const auto log = fs::file_size(options.to + "-wal", error);
    if (*taken || (!error && log > 0))
        return Failure{exit_code::unavailable, options.to + " is in use or was not closed; say another file"};
    return std::nullopt;
}

/// Removes what a backup that was killed has left, unless one is at it.
std::optional<Failure> clear_away(const std::string& unfinished) {
    const auto taken = OwnerLock(unfinished + ".lock").taken_by_any();
    if (!taken) return failure(taken.error());
    if (*taken) return Failure{exit_code::unavailable, "another backup is writing " + unfinished};
    std::error_code ignored;
    fs::remove(unfinished, ignored);
    for (const auto* companion : companions) fs::remove(unfinished + companion, ignored);
    return std::nullopt;
}

Outcome write_backup(Store& from, const std::string& unfinished, bool verify_it) {
    OpenOptions open;
    open.partitions = from.info().partitions;
    open.also_loading = true;
    auto to = open_sqlite(unfinished, open);
    if (!to) return failure(to.error());
    if (auto owned = (*to)->own(); !owned) return failure(owned.error());
    auto census = transfer_shown(from, **to);
    if (!census) return failure(census.error());
    if (verify_it)
        if (auto fault = fault_of(**to, "the backup")) return *std::move(fault);
    if (auto finished = (*to)->finish_load(); !finished) return failure(finished.error());
    return Moved{*std::move(census), verify_it};
}

Outcome backup(const MovingOptions& options) {
    if (auto refused = check_target(options)) return *std::move(refused);
    auto from = open_for_reading(options.store);
    if (!from) return failure(from.error());
    const auto unfinished = options.to + ".unfinished";
    if (auto refused = clear_away(unfinished)) return *std::move(refused);
    auto outcome = write_backup(**from, unfinished, !options.no_verify);
    std::error_code error;
    // A log that is left holds what the file does not.
    if (std::holds_alternative<Moved>(outcome) && fs::exists(unfinished + "-wal", error))
        outcome = Failure{exit_code::input_output, unfinished + " could not be written whole"};
    if (std::holds_alternative<Moved>(outcome))
        if (auto placed = put_in_place(unfinished, options.to); !placed) outcome = failure(placed.error());
    (void)clear_away(unfinished);
    return outcome;
}

// ---- restore and copy

/// The store that is to be filled, owned.
std::variant<std::unique_ptr<Store>, Failure> open_target(const std::string& url, const Store& from) {
    OpenOptions open;
    open.partitions = from.info().partitions;
    open.also_loading = true;
    auto to = open_store(url, open);
    if (!to) return failure(to.error());
    if (auto owned = (*to)->own(); !owned) return failure(owned.error());
    return *std::move(to);
}

/// Fills the store and checks it; it is not finished yet.
Outcome fill(Store& from, Store& to, const std::string& name, const std::function<void()>& watch) {
    auto census = transfer_shown(from, to, watch);
    if (!census && census.error().code == Code::conflict)
        return Failure{exit_code::bad_data, name + ": " + census.error().message + "; nothing was changed"};
    if (!census) return failure(census.error());
    if (auto fault = fault_of(to, name)) return *std::move(fault);
    if (auto loss = loss_in(to, *census, name)) return *std::move(loss);
    return Moved{*std::move(census), true};
}

/// As an operator's act, in each tenant's control stream. It is the store's owner who appends: we are, and
/// nobody else can be before the load has ended.
Result<void> journal_restore(Store& store, const Census& census, const std::string& file) {
    const auto tenants = store.tenants();
    if (!tenants) return tenants.error();
    std::vector<Step> steps;
    for (const auto& tenant : *tenants) {
        NewRecord record;
        record.stream = control_stream;
        record.kind = record_kind::operator_act;
        record.actor = operator_name();
        record.body = canonical_json(Json{
            {"command", "restore"}, {"arguments", {{"from", file}, {"heads", heads_of(census, tenant)}}}});
        Step step;
        step.tenant = tenant;
        step.time = SystemClock().now();
        step.records.push_back(std::move(record));
        steps.push_back(std::move(step));
    }
    return store.commit(steps);
}

Outcome restore(const MovingOptions& options) {
    auto from = open_sqlite(options.from, {.read_only = true});
    if (!from) return failure(from.error());
    if (auto fault = fault_of(**from, options.from)) return *std::move(fault);
    auto target = open_target(options.store, **from);
    if (auto* refused = std::get_if<Failure>(&target)) return *refused;
    auto& to = *std::get<std::unique_ptr<Store>>(target);
    auto outcome = fill(**from, to, "the store", [] {});
    const auto* moved = std::get_if<Moved>(&outcome);
    if (moved == nullptr) return outcome;
    const auto file = fs::path(options.from).filename().string();
    if (auto journaled = journal_restore(to, moved->census, file); !journaled)
        return failure(journaled.error());
    if (auto finished = to.finish_load(); !finished) return failure(finished.error());
    return outcome;
}

/// Keeps the source to ourselves while it is copied, so that nothing is committed that the copy lacks.
class Hold {
public:
    static Result<Hold> take(const std::string& url) {
        auto store = open_store(url);
        if (!store) return store.error();
        if (auto owned = (*store)->own(); !owned)
            return Error{owned.error().code,
                         owned.error().message + ": stop it, or copy what is committed now with --live"};
        return Hold(*std::move(store));
    }
    /// The lease of an owner that says nothing runs out.
    void renew() {
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < probe_every) return;
        last_ = now;
        if (auto probed = store_->probe(); !probed) lost_ = probed.error();
    }
    const std::optional<Error>& lost() const { return lost_; }

private:
    explicit Hold(std::unique_ptr<Store> store) : store_(std::move(store)) {}
    std::unique_ptr<Store> store_;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
    std::optional<Error> lost_;
};

Outcome copy(const MovingOptions& options) {
    auto from = open_for_reading(options.from);
    if (!from) return failure(from.error());
    std::optional<Hold> hold;
    if (!options.live) {
        auto taken = Hold::take(options.from);
        if (!taken) return failure(taken.error());
        hold.emplace(*std::move(taken));
    }
    const auto watch = [&hold] {
        if (hold) hold->renew();
    };
    if (auto fault = fault_of(**from, "the source")) return *std::move(fault);
    watch();
    auto target = open_target(options.to, **from);
    if (auto* refused = std::get_if<Failure>(&target)) return *refused;
    auto& to = *std::get<std::unique_ptr<Store>>(target);
    auto outcome = fill(**from, to, "the target", watch);
    if (!std::holds_alternative<Moved>(outcome)) return outcome;
    watch();
    if (hold && hold->lost()) return failure(*hold->lost());
    if (auto finished = to.finish_load(); !finished) return failure(finished.error());
    return outcome;
}

}  // namespace

void add_moving_commands(CLI::App& app, Chosen& chosen) {
    auto backup_options = std::make_shared<MovingOptions>();
    auto* backing = app.add_subcommand(
        "backup", "Writes all that a store holds, of one moment, to a file; a daemon may serve it meanwhile");
    add_store_option(*backing, backup_options->store);
    backing->add_option("--to", backup_options->to, "The file, a SQLite store")->required();
    backing->add_flag("--force", backup_options->force, "Replace the file when it is there");
    backing->add_flag("--no-verify", backup_options->no_verify, "Do not check the journal that was written");
    add_json_option(*backing, backup_options->json);
    backing->callback([backup_options, &chosen] {
        chosen = [backup_options] {
            return timed("backup", *backup_options, [&] { return backup(*backup_options); });
        };
    });

    auto restore_options = std::make_shared<MovingOptions>();
    auto* restoring = app.add_subcommand("restore", "Fills an empty store with a backup, and journals that");
    restoring->add_option("--from", restore_options->from, "The file that backup wrote")->required();
    add_store_option(*restoring, restore_options->store);
    add_json_option(*restoring, restore_options->json);
    restoring->callback([restore_options, &chosen] {
        chosen = [restore_options] {
            return timed("restored", *restore_options, [&] { return restore(*restore_options); });
        };
    });

    auto copy_options = std::make_shared<MovingOptions>();
    auto* copying = app.add_subcommand(
        "copy", "Fills an empty store with all that another one holds, such as PostgreSQL from SQLite");
    copying->add_option("--from", copy_options->from, store_help)->required();
    copying->add_option("--to", copy_options->to, "A store that is not there or is empty")->required();
    copying->add_flag("--live", copy_options->live, "Copy what is committed now though a daemon goes on");
    add_json_option(*copying, copy_options->json);
    copying->callback([copy_options, &chosen] {
        chosen = [copy_options] {
            return timed("copied", *copy_options, [&] { return copy(*copy_options); });
        };
    });
}

}  // namespace engine::app
