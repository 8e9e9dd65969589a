/// serve: the daemon, wired together. The network runs on this thread; worker and reader have their own.

#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "connectors/kit/http_client.h"
#include "engine/app/checkpointed_door.h"
#include "engine/app/checkpoints.h"
#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/http_outbound.h"
#include "engine/app/requests.h"
#include "engine/app/script_hosts.h"
#include "engine/app/settings.h"
#include "engine/app/support.h"
#include "engine/base/failpoint.h"
#include "engine/base/log.h"
#include "engine/http/api.h"
#include "engine/http/metrics.h"
#include "engine/http/server.h"
#include "engine/pipeline/runtime.h"
#include "rules/lua/hosts_by_thread.h"

namespace engine::app {
namespace {

namespace fs = std::filesystem;

bool is_tenant_folder(const fs::path& folder) {
    return fs::exists(folder / "tenant.yaml") || fs::exists(folder / "rules.yaml") ||
           fs::exists(folder / "rules");
}

std::set<fs::path> tenant_folders(const std::string& folder) {
    std::set<fs::path> folders;
    std::error_code error;
    if (is_tenant_folder(folder)) return {folder};
    for (const auto& entry : fs::directory_iterator(folder, error))
        if (entry.is_directory() && is_tenant_folder(entry.path())) folders.insert(entry.path());
    return folders;
}

LoadOptions load_options(const std::shared_ptr<rules::ScriptHost>& scripts) {
    LoadOptions options;
    options.secrets_required = true;
    options.scripts = scripts;
    return options;
}

struct Folders {
    Tenants tenants;
    bool fine = true;  ///< every folder could be loaded
};

/// What is wrong goes to stderr.
Folders load_folders(const std::string& parent, const LoadOptions& options) {
    Folders folders;
    for (const auto& path : tenant_folders(parent)) {
        const auto loaded = load_folder(path.string(), options);
        if (loaded.error) std::cerr << "signalbox: " << loaded.error->message << "\n";
        if (!loaded.tenant) std::cerr << "signalbox: tenant folder " << path.string() << ":\n";
        print_diagnostics(loaded.diagnostics, path.string());
        if (!loaded.tenant) {
            folders.fine = false;
            continue;
        }
        if (!folders.tenants.emplace(loaded.tenant->name, loaded.tenant).second) {
            std::cerr << "signalbox: two folders are tenant " << loaded.tenant->name.text() << "\n";
            folders.fine = false;
        }
    }
    return folders;
}

struct Address {
    std::string host;
    std::uint16_t port = 0;
};

Result<Address> parse_address(const std::string& text) {
    const auto colon = text.rfind(':');
    Address address;
    if (colon == std::string::npos) return invalid("--listen needs ADDRESS:PORT");
    address.host = text.substr(0, colon);
    if (address.host.starts_with('[') && address.host.ends_with(']'))
        address.host = address.host.substr(1, address.host.size() - 2);
    int port = -1;
    const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port < 0 || port > 65535)
        return invalid("--listen: \"" + text.substr(colon + 1) + "\" is no port");
    address.port = static_cast<std::uint16_t>(port);
    return address;
}

RuntimeOptions runtime_options(const Settings& settings, const std::shared_ptr<rules::ScriptHost>& scripts) {
    RuntimeOptions options;
    options.worker.batch_events_max = settings.batch_events_max;
    options.worker.intake_events_max = settings.intake_events_max;
    options.worker.intake_tenant_percent = settings.intake_tenant_percent;
    options.worker.lane_waiting_max = settings.lane_waiting_max;
    options.worker.outbox_rows_max = settings.outbox_rows_max;
    options.worker.outbox_memory_max = settings.outbox_memory_max;
    options.worker.timers_memory_max = settings.timers_memory_max;
    options.worker.watched_max = settings.watched_max;
    options.worker.lookups_per_event_max = settings.lookups_per_event_max;
    options.worker.answers = std::make_shared<LiveAnswers>(settings.lookup_answers_max);
    options.lookups_max = settings.lookups_max;
    options.load = load_options(scripts);
    return options;
}

/// For tests of what a death at a certain moment leaves (docs/guides/crash-rounds.md).
constexpr auto failpoints_env = "SIGNALBOX_FAILPOINTS";

constexpr Duration lease_min = std::chrono::seconds(1);
constexpr Duration intake_scripts_min = std::chrono::milliseconds(1);
/// As long as the server waits for an answer.
constexpr Duration intake_scripts_max = std::chrono::seconds(30);
constexpr int journal_partitions_ahead_max = 366;
/// How often a daemon that stands by, or a start, looks whether the owner is gone.
constexpr auto standby_poll = std::chrono::milliseconds(200);

/// Times that settings give.
struct Times {
    Duration drain{};
    Duration checkpoint_every{};
    Duration wait_for_owner{};
    Duration lookup{};
    Duration turn_share{};
    Duration intake_scripts{};
};

OpenOptions open_options(const Settings& settings, Duration lease, JournalSpan span) {
    OpenOptions open;
    open.partitions = settings.partitions;
    open.cache_bytes = settings.cache_bytes;
    open.lease = lease;
    open.journal_span = span;
    open.journal_ahead = settings.journal_partitions_ahead;
    return open;
}

/// Whoever was taken over has done nothing wrong, and nothing of it is in doubt: another one goes on.
int code_of(const Error& error) {
    return error.code == Code::denied ? exit_code::unavailable : exit_code::input_output;
}

/// Everything that lives as long as the daemon, in the order it is taken down from the end.
class Daemon {
public:
    Daemon(const Settings& settings, const Times& times, const OpenOptions& open, MakeScripts make_scripts)
        : settings_(settings),
          times_(times),
          open_(open),
          scripts_(std::make_shared<rules::HostsByThread>(std::move(make_scripts))) {}

    int run() {
        // A daemon that started with half of its tenants would answer for the others with silence.
        auto folders = load_folders(settings_.tenants, load_options(scripts_));
        if (!folders.fine) return exit_code::bad_data;
        const auto address = parse_address(settings_.listen);
        if (!address) return complain(exit_code::settings, address.error().message);
        if (const int code = open_runtime(std::move(folders.tenants)); code != exit_code::ok) return code;
        const auto started = start_runtime();
        const bool stands_by = !started && settings_.standby && started.error().code == Code::conflict;
        if (refused_) return *refused_;
        if (!started && !stands_by) return refuse_start(started.error());
        if (stands_by) runtime_->stand_by("standby: " + started.error().message);
        if (!stands_by && runtime_->serves_nobody()) return complain(exit_code::settings, serves_nobody());
        if (const int code = open_server(*address); code != exit_code::ok) return code;
        wait_for_signals();
        wait_for_reload();
        if (!stands_by)
            if (const int code = start_checkpoints(); code != exit_code::ok) return code;
        if (stands_by) standby_ = std::thread([this] { wait_for_ownership(); });
        log_info("started", {{"listen", address->host + ":" + std::to_string(server_->port())},
                             {"store", settings_.store.substr(0, settings_.store.find(':'))},
                             {"version", SIGNALBOX_VERSION}});
        // For whoever started us with port 0.
        std::cout << "listening on http://" << address->host << ":" << server_->port() << std::endl;
        network_.run();
        runtime_->stop(Duration(0));
        if (checkpoints_) checkpoints_->stop();  // signs what came last
        log_info("stopped", {{"code", exit_}});
        return exit_;
    }

private:
    /// A command that found no daemon owns the store until it is through.
    Result<void> start_runtime() {
        const auto until = std::chrono::steady_clock::now() + times_.wait_for_owner;
        while (true) {
            auto started = runtime_->start();
            const bool owned_by_other = !started && !refused_ && started.error().code == Code::conflict;
            if (!owned_by_other || settings_.standby || std::chrono::steady_clock::now() >= until)
                return started;
            std::this_thread::sleep_for(standby_poll);
        }
    }

    int open_runtime(Tenants tenants) {
        auto open = open_;
        auto writer = open_store(settings_.store, open);
        if (!writer) return complain(writer.error());
        if ((*writer)->info().simulated)
            return complain(exit_code::bad_data,
                            "the store was filled by replay (simulated); serve needs another one");
        open.read_only = true;
        open.cache_bytes = settings_.cache_bytes / 4;
        auto view = open_store(settings_.store, open);
        if (!view) return complain(view.error());
        auto reader = open_store(settings_.store, open);
        if (!reader) return complain(reader.error());
        connectors::HttpClientOptions client_options;
        client_options.response_bytes_max = settings_.response_bytes_max;
        client_options.may_send = [this] { return runtime_ && runtime_->may_deliver(); };
        client_ = std::make_unique<connectors::HttpClient>(network_, client_options);
        outbound_ = std::make_unique<HttpOutbound>(network_, *client_, clock_, times_.lookup);
        auto options = runtime_options(settings_, scripts_);
        options.worker.turn_share = times_.turn_share;
        options.on_owned = [this](Store& store) { return hold_against_checkpoints(store); };
        runtime_ = std::make_unique<Runtime>(
            Runtime::Handles{*std::move(writer), *std::move(view), *std::move(reader)}, std::move(tenants),
            *outbound_, clock_, std::move(options), Worker::Listener(),
            [this](const Error& error) { give_up(error); });
        return exit_code::ok;
    }

    Result<void> hold_against_checkpoints(Store& store) {
        const int code = open_checkpoints(store);
        if (code == exit_code::ok) return {};
        refused_ = code;
        return invalid("the store is not taken as it is");
    }

    /// Reads what is signed and holds the store against it, before anything is added to the store.
    int open_checkpoints(Store& store) {
        const auto path = settings_.checkpoints.empty()     ? default_sink(settings_.store)
                          : settings_.checkpoints == "none" ? std::string()
                                                            : settings_.checkpoints;
        if (path.empty()) return go_without_checkpoints("there is no file for them");
        auto key =
            load_or_make_key(settings_.checkpoint_key.empty() ? default_key(path) : settings_.checkpoint_key);
        if (!key && key.error().code != Code::unavailable)
            return complain(exit_code::settings, key.error().message);
        if (!key) return go_without_checkpoints(key.error().message);
        auto sink = CheckpointSink::open(path);
        if (!sink) return complain(sink.error());
        const auto rollbacks = find_rollbacks(store, *sink);
        if (!rollbacks) return complain(rollbacks.error());
        if (!rollbacks->empty())
            if (const int code = accept(store, *rollbacks, *sink, *key); code != exit_code::ok) return code;
        sink_ = *std::move(sink);
        key_ = *std::move(key);
        return exit_code::ok;
    }

    int go_without_checkpoints(const std::string& reason) {
        if (settings_.checkpoints_required)
            return complain(exit_code::settings, "no checkpoints can be made: " + reason);
        log_warn("no checkpoints are made: a journal that is written anew would not be found",
                 {{"reason", reason}});
        return exit_code::ok;
    }

    int accept(Store& store, const std::vector<Rollback>& rollbacks, CheckpointSink& sink,
               const SigningKey& key) {
        const auto& first = rollbacks.front();
        const auto what = first.stored_seq < first.signed_seq
                              ? "ends at " + std::to_string(first.stored_seq) + ", but " +
                                    std::to_string(first.signed_seq) + " rows were signed"
                              : "has another row " + std::to_string(first.signed_seq) + " than was signed";
        const auto message = "the store does not fit its checkpoints in " + sink.path() + ": stream " +
                             first.stream + " of tenant " + first.tenant.text() + " " + what;
        if (!settings_.accept_rollback)
            return complain(exit_code::bad_data,
                            message +
                                ". It may be an old backup: what happened since is missing. Restore a "
                                "newer one, or serve it all the same, on record, with --accept-rollback");
        log_warn("a rollback of the store is accepted", {{"reason", message}});
        const auto accepted = accept_rollbacks(store, rollbacks, sink, key, operator_name(), clock_.now());
        return accepted ? exit_code::ok : complain(accepted.error());
    }

    int start_checkpoints() {
        if (!sink_) return exit_code::ok;
        OpenOptions open;
        open.read_only = true;
        open.cache_bytes = settings_.cache_bytes / 16;
        auto store = open_store(settings_.store, open);
        if (!store) return complain(store.error());
        CheckpointOptions options;
        options.rows = settings_.checkpoint_rows;
        options.every = times_.checkpoint_every;
        if (settings_.checkpoints_required)
            options.on_failure = [this](const Error& error) {
                log_error("no checkpoint could be made; ending", {{"reason", error.message}});
                boost::asio::post(network_, [this] { stop(exit_code::input_output); });
            };
        checkpoints_ = std::make_unique<Checkpoints>(*std::move(store), *std::exchange(sink_, std::nullopt),
                                                     *std::exchange(key_, std::nullopt), std::move(options));
        door_->watch(checkpoints_.get());
        return exit_code::ok;
    }

    static int refuse_start(const Error& error) {
        if (error.code == Code::denied) return complain(exit_code::unavailable, error.message);
        return complain(error);
    }

    /// On a thread of its own: takes the store as soon as nobody has it.
    void wait_for_ownership() {
        log_info("standing by", {{"reason", runtime_->health().reason}});
        while (!standby_over_) {
            const auto started = runtime_->start();
            if (started && runtime_->serves_nobody())
                return end_standby(exit_code::settings, serves_nobody());
            if (started) return go_on_as_owner();
            if (refused_) return end_standby(*refused_, started.error().message);
            const auto& error = started.error();
            const bool passes = error.code == Code::conflict || error.code == Code::unavailable;
            if (!passes || runtime_->owns())
                return end_standby(error.code == Code::invalid_input ? exit_code::bad_data : code_of(error),
                                   error.message);
            runtime_->stand_by("standby: " + error.message);
            std::this_thread::sleep_for(standby_poll);
        }
    }

    void go_on_as_owner() {
        log_info("took the store over");
        if (const int code = start_checkpoints(); code != exit_code::ok)
            end_standby(code, "no checkpoints can be made");
    }

    void end_standby(int code, const std::string& reason) {
        log_error("cannot take the store over; ending", {{"reason", reason}});
        boost::asio::post(network_, [this, code] { stop(code); });
    }

    std::string serves_nobody() const {
        return "no tenant's folder in " + settings_.tenants +
               ", and nobody's rules were pushed; say where they are with --tenants";
    }

    int open_server(const Address& address) {
        door_ = std::make_unique<CheckpointedDoor>(*runtime_);
        http::ApiOptions api_options;
        api_options.body_bytes_max = settings_.body_bytes_max;
        api_options.intake = {settings_.intake_threads, settings_.intake_waiting_max,
                              settings_.intake_tenant_percent};
        api_options.intake_script_deadline = times_.intake_scripts;
        api_ = std::make_unique<http::Api>(
            *door_, clock_, metrics_,
            [this](std::function<void()> work) { boost::asio::post(network_, std::move(work)); },
            api_options);
        http::ServerOptions options;
        options.address = address.host;
        options.port = address.port;
        options.connections_max = settings_.connections_max;
        options.connections_per_address_max = settings_.connections_per_address_max;
        auto server = http::Server::open(network_, *api_, metrics_, clock_, options);
        if (!server) return complain(exit_code::unavailable, server.error().message);
        server_ = std::move(*server);
        return exit_code::ok;
    }

    void wait_for_signals() {
        signals_.async_wait([this](const boost::system::error_code& error, int) {
            if (error) return;
            // A second signal ends us at once: what was acknowledged is durable.
            signals_.async_wait([](const boost::system::error_code& again, int signal) {
                if (again) return;
                log_warn("ended at once by a second signal");
                std::_Exit(128 + signal);
            });
            stop(exit_code::ok);
        });
    }

    /// SIGHUP: the folders are read again, on the thread that may block.
    void wait_for_reload() {
        reload_.async_wait([this](const boost::system::error_code& error, int) {
            if (error) return;
            runtime_->ask([this](Store&) { reload(); });
            wait_for_reload();
        });
    }

    /// A folder that cannot be loaded keeps what it had; the others go live.
    void reload() {
        log_info("reading the tenants' folders again", {{"tenants", settings_.tenants}});
        const auto folders = load_folders(settings_.tenants, load_options(scripts_));
        if (!folders.fine) log_error("a tenant's folder could not be loaded; it goes on as it was");
        runtime_->reload(folders.tenants);
    }

    /// Called on the worker's thread: the store's state is in doubt, and only a new start reads what is true.
    void give_up(const Error& error) {
        log_error("the store failed; ending", {{"reason", error.message}});
        boost::asio::post(network_, [this, code = code_of(error)] { stop(code); });
    }

    void stop(int code) {
        if (stopping_) return;
        stopping_ = true;
        exit_ = code;
        log_info("stopping");
        standby_over_ = true;
        api_->drain();
        server_->stop(times_.drain, [this] { stop_engine(); });
    }

    /// The network goes on while the worker brings home what is in flight.
    void stop_engine() {
        stopper_ = std::thread([this] {
            if (standby_.joinable()) standby_.join();
            runtime_->stop(times_.drain);
            boost::asio::post(network_, [this] {
                stopper_.join();
                client_->stop();
                network_.stop();
            });
        });
    }

    const Settings& settings_;
    Times times_;
    OpenOptions open_;
    std::shared_ptr<rules::ScriptHost> scripts_;
    SystemClock clock_;
    boost::asio::io_context network_{1};
    boost::asio::signal_set signals_{network_, SIGINT, SIGTERM};
    boost::asio::signal_set reload_{network_, SIGHUP};
    http::Metrics metrics_;
    std::unique_ptr<connectors::HttpClient> client_;
    std::unique_ptr<HttpOutbound> outbound_;
    std::optional<CheckpointSink> sink_;
    std::optional<SigningKey> key_;
    std::unique_ptr<Checkpoints> checkpoints_;
    std::unique_ptr<Runtime> runtime_;
    std::unique_ptr<CheckpointedDoor> door_;
    std::unique_ptr<http::Api> api_;
    std::unique_ptr<http::Server> server_;
    std::thread stopper_;
    std::thread standby_;
    std::atomic<bool> standby_over_{false};
    std::optional<int> refused_;  ///< why the store was not taken; said already
    bool stopping_ = false;
    int exit_ = exit_code::ok;
};

int serve(CLI::App& command, Settings& settings) {
    if (auto read = read_settings_file(command, settings); !read)
        return complain(exit_code::settings, read.error().message);
    const auto level = parse_log_level(settings.log_level);
    if (!level) return complain(exit_code::settings, level.error().message);
    const auto format = parse_log_format(settings.log_format);
    if (!format) return complain(exit_code::settings, format.error().message);
    const auto drain = parse_duration(settings.drain);
    if (!drain) return complain(exit_code::settings, "--drain: " + drain.error().message);
    if (settings.partitions < 1 || settings.partitions > 1024)
        return complain(exit_code::settings, "--partitions is between 1 and 1024");
    set_log({*level, *format});
    if (const char* armed = std::getenv(failpoints_env); armed != nullptr && *armed != '\0') {
        if (auto done = arm_failpoints(armed); !done)
            return complain(exit_code::settings, done.error().message);
        log_warn("failpoints are armed: this daemon will fail on purpose", {{"failpoints", armed}});
    }
    std::signal(SIGPIPE, SIG_IGN);
    const auto lease = parse_duration(settings.lease);
    if (!lease) return complain(exit_code::settings, "--lease: " + lease.error().message);
    if (*lease < lease_min) return complain(exit_code::settings, "--lease: at least " + to_text(lease_min));
    const auto span = parse_journal_span(settings.journal_partition);
    if (!span) return complain(exit_code::settings, "--journal-partition: " + span.error().message);
    if (settings.journal_partitions_ahead < 1 ||
        settings.journal_partitions_ahead > journal_partitions_ahead_max)
        return complain(exit_code::settings, "--journal-partitions-ahead is between 1 and " +
                                                 std::to_string(journal_partitions_ahead_max));
    const auto every = parse_duration(settings.checkpoint_every);
    if (!every) return complain(exit_code::settings, "--checkpoint-every: " + every.error().message);
    if (settings.checkpoint_rows == 0)
        return complain(exit_code::settings, "--checkpoint-rows is at least 1");
    const auto scripts = script_hosts(settings);
    if (!scripts) return complain(exit_code::settings, scripts.error().message);
    const auto patience = parse_duration(settings.wait_for_owner);
    if (!patience) return complain(exit_code::settings, "--wait-for-owner: " + patience.error().message);
    const auto lookup = parse_duration(settings.lookup_timeout);
    if (!lookup) return complain(exit_code::settings, "--lookup-timeout: " + lookup.error().message);
    if (settings.intake_threads == 0 || settings.intake_threads > 64)
        return complain(exit_code::settings, "--intake-threads is 1 to 64");
    const auto functions = parse_duration(settings.intake_script_deadline);
    if (!functions)
        return complain(exit_code::settings, "--intake-script-deadline: " + functions.error().message);
    if (*functions < intake_scripts_min || *functions > intake_scripts_max)
        return complain(exit_code::settings, "--intake-script-deadline is 1ms to 30s");
    if (settings.lookups_max == 0 || settings.lookups_per_event_max < 1)
        return complain(exit_code::settings, "--lookups-max and --lookups-per-event-max are at least 1");
    const auto share = parse_duration(settings.turn_share);
    if (!share) return complain(exit_code::settings, "--turn-share: " + share.error().message);
    if (settings.intake_tenant_percent == 0 || settings.intake_tenant_percent > 100)
        return complain(exit_code::settings, "--intake-tenant-percent is 1 to 100");
    return Daemon(settings, {*drain, *every, *patience, *lookup, *share, *functions},
                  open_options(settings, *lease, *span), *scripts)
        .run();
}

}  // namespace

void add_serve_command(CLI::App& app, Chosen& chosen) {
    auto settings = std::make_shared<Settings>();
    auto* command = app.add_subcommand("serve", "Runs the engine: webhooks and events in, actions out");
    add_settings(*command, *settings);
    command->callback([settings, command, &chosen] {
        chosen = [settings, command] { return serve(*command, *settings); };
    });
}

}  // namespace engine::app
