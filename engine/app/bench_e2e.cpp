#include "engine/app/bench_e2e.h"

#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>

#include "engine/app/bench_daemon.h"
#include "engine/app/bench_load.h"
#include "engine/app/bench_server.h"
#include "engine/app/bench_tally.h"
#include "engine/app/bench_workload.h"
#include "engine/app/scratch_folder.h"
#include "engine/app/support.h"
#include "engine/store/postgres/floor.h"
#include "engine/store/sqlite/floor.h"
#include "engine/store/url.h"

namespace engine::app {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

/// How long nothing may happen before what is missing counts as lost.
constexpr auto patience = std::chrono::seconds(10);
constexpr auto tick = std::chrono::milliseconds(20);
constexpr std::size_t rows_sampled = 2'000;

double own_processor_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The value of a sample of /metrics; 0 when it is not there.
double sample_of(const std::string& metrics, const std::string& name) {
    const auto at = metrics.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::strtod(metrics.c_str() + at + name.size() + 2, nullptr);
}

/// What rows of the journal and the entities took on the average, for floors of the same size.
class RowMeter {
public:
    explicit RowMeter(Store& store) : store_(store) {}

    Result<RowSizes> read() {
        const TenantName tenant(bench_tenant);
        const auto streams = store_.streams(tenant);
        if (!streams) return streams.error();
        for (const auto& head : *streams) {
            auto left = rows_sampled / streams->size() + 1;
            const auto scanned = store_.scan(tenant, head.stream, 0, [&](const JournalRecord& record) {
                add(record);
                return --left > 0;
            });
            if (!scanned) return scanned.error();
        }
        const auto entities = store_.entities(tenant, "conversation", "", rows_sampled);
        if (!entities) return entities.error();
        for (const auto& entity : *entities) {
            fields_.add(entity.fields.dump().size());
            meta_.add(meta_to_json(entity).dump().size());
        }
        return sizes();
    }

private:
    struct Mean {
        std::size_t sum = 0;
        std::size_t count = 0;
        void add(std::size_t value) { sum += value, ++count; }
        std::size_t value() const { return count == 0 ? 0 : sum / count; }
    };

    void add(const JournalRecord& record) {
        const auto bytes = record.body ? record.body->size() : 0;
        if (record.kind == record_kind::event) {
            event_.add(bytes);
            subject_.add(record.subject.size());
            event_id_.add(record.cause_event.size());
        } else if (record.kind == record_kind::delivered) {
            delivered_.add(bytes);
        } else if (record.kind == record_kind::decision) {
            decision_.add(bytes);
            if (record.body) add_outbox(record);
        }
    }

    /// Outbox rows are gone by now; their action stands in the decision.
    void add_outbox(const JournalRecord& record) {
        const auto decision = parse_json(*record.body);
        const auto* actions = decision ? find(*decision, "actions") : nullptr;
        if (actions == nullptr || !actions->is_array() || actions->empty()) return;
        Delivery delivery;
        delivery.key = DeliveryKey(std::string(32, 'k'));
        delivery.event = EventId(record.cause_event);
        delivery.ruleset = record.ruleset;
        delivery.action.rule = text_or(actions->front(), "rule", "");
        delivery.action.connection = text_or(actions->front(), "connection", "");
        delivery.action.action = text_or(actions->front(), "action", "");
        if (const auto* params = find(actions->front(), "params")) delivery.action.params = *params;
        outbox_.add(to_json(delivery).dump().size());
    }

    RowSizes sizes() const {
        return {event_.value(),  decision_.value(), delivered_.value(), outbox_.value(),
                fields_.value(), meta_.value(),     subject_.value(),   event_id_.value()};
    }

    Store& store_;
    Mean event_, decision_, delivered_, outbox_, fields_, meta_, subject_, event_id_;
};

/// One measurement at work.
class Bench {
public:
    Bench(const BenchOptions& options, const fs::path& scratch)
        : options_(options),
          scratch_(scratch),
          flat_out_{0, options.events},
          at_rate_{options.events,
                   options.events + static_cast<std::size_t>(std::ceil(options.rate * options.seconds))},
          lane_of_(bench_lanes(at_rate_.end, options.lanes)),
          requests_(bench_requests(lane_of_, options.unread_bytes)),
          tally_(lane_of_) {}

    Result<BenchReport> run() {
        // What is made for a run goes with it, also when somebody is tired of waiting.
        signals_.async_wait([this](const boost::system::error_code& error, int) { interrupted_ = !error; });
        if (auto started = start(); !started) return started.error();
        if (auto measured = measure(); !measured) return measured.error();
        if (options_.floors)
            if (auto floors = measure_floors(); !floors) return floors.error();
        return report_;
    }

private:
    Result<void> start() {
        auto store = bench_store(options_.store, scratch_);
        if (!store) return store.error();
        store_ = *std::move(store);
        report_.store = store_.name();
        report_.events = flat_out_.size();
        auto destination = BenchServer::open(network_, [this](std::string_view body) {
            tally_.delivered(event_of_action(body), SteadyClock::now());
            return true;
        });
        if (!destination) return destination.error();
        destination_ = std::move(*destination);
        const auto folder = scratch_ / "tenants" / bench_tenant;
        if (auto written = write_bench_tenant(folder, destination_->port(), options_.rules); !written)
            return written;
        if (auto written = write_past_if_wanted(); !written) return written;
        auto daemon = BenchDaemon::start({options_.program, folder.parent_path().string(), store_.url});
        if (!daemon) return daemon.error();
        daemon_ = std::move(*daemon);
        return {};
    }

    Result<void> write_past_if_wanted() {
        if (options_.past.rows == 0 && options_.past.waiting == 0) return {};
        auto store = open_store(store_.url);
        if (!store) return store.error();
        return write_past(**store, options_.past);
    }

    Result<void> measure() {
        report_.cold_start_ms = daemon_->cold_start_ms();
        const auto idle = daemon_->memory();
        if (!idle) return idle.error();
        report_.rss_idle_mb = idle->now_mb;
        auto load = std::make_shared<BenchLoad>(network_, requests_, tally_);
        if (auto connected = load->connect(daemon_->port(), options_.connections); !connected)
            return connected;
        const auto before = daemon_->processor_seconds();
        load->flat_out(flat_out_);
        if (auto waited = wait_for(*load); !waited) return waited;
        const auto used = daemon_->processor_seconds() - before;
        report_.cpu_us_per_event = used * 1e6 / static_cast<double>(flat_out_.size());
        load->at_rate(at_rate_, options_.rate);
        if (auto waited = wait_for(*load); !waited) return waited;
        if (auto read = read_daemon(); !read) return read;
        report_.trouble = load->trouble();
        report_tally();
        return daemon_->stop();
    }

    Result<void> wait_for(const BenchLoad& load) {
        return run_until([&] { return load.done() && tally_.deliveries() >= tally_.acks(); },
                         [this] { return tally_.acks() + tally_.refusals() + tally_.deliveries(); });
    }

    /// Runs the network until `done` or until nothing new happened for too long.
    template <class Done, class Progress>
    Result<void> run_until(Done done, Progress progress) {
        auto last = progress();
        auto last_change = SteadyClock::now();
        while (!done() && SteadyClock::now() - last_change < patience) {
            if (interrupted_) return unavailable("interrupted");
            network_.restart();
            network_.run_one_for(tick);
            if (const auto here = progress(); here != last) {
                last = here;
                last_change = SteadyClock::now();
            }
        }
        return {};
    }

    Result<void> read_daemon() {
        const auto memory = daemon_->memory();
        if (!memory) return memory.error();
        report_.rss_mb = memory->peak_mb;
        const auto metrics = daemon_->get("/metrics");
        if (!metrics) return metrics.error();
        report_.commit_p50_ms = sample_of(*metrics, "signalbox_commit_seconds{quantile=\"0.5\"}") * 1000;
        return {};
    }

    void report_tally() {
        const auto seconds = tally_.seconds_to_last_delivery(flat_out_);
        const auto actions = static_cast<double>(tally_.action_times(flat_out_).size());
        report_.events_per_s = seconds > 0 ? actions / seconds : 0;
        const auto acks = tally_.ack_times(at_rate_);
        report_.ack_p50_ms = quantile(acks, 0.5);
        report_.ack_p99_ms = quantile(acks, 0.99);
        const auto arrivals = tally_.action_times(at_rate_);
        report_.action_p50_ms = quantile(arrivals, 0.5);
        report_.action_p99_ms = quantile(arrivals, 0.99);
        report_.lost = tally_.lost();
        report_.duplicated = tally_.duplicates() + tally_.strangers();
        report_.out_of_order = tally_.out_of_order();
        report_.refused = tally_.refusals();
    }

    /// Beside the store, so that the floors use the same disk.
    fs::path floor_path(const std::string& name) const {
        const auto folder = on_postgres() ? scratch_ : fs::path(store_.parsed.location).parent_path();
        return folder / ("signalbox-floor-" + std::to_string(::getpid()) + "-" + name + ".db");
    }

    static void remove_store(const fs::path& path) {
        std::error_code ignored;
        for (const auto* end : {"", "-wal", "-shm", ".lock"}) fs::remove(path.string() + end, ignored);
    }

    Result<void> measure_floors() {
        const auto batch = floor_path("batch");
        auto done = measure_batch_floor(batch);
        remove_store(batch);
        if (!done) return done;
        const auto single = floor_path("single");
        done = measure_round_trip(single);
        remove_store(single);
        return done;
    }

    bool on_postgres() const { return report_.store == "postgresql"; }

    Result<void> measure_batch_floor(const fs::path& path) {
        OpenOptions open;
        open.read_only = true;
        auto store = open_store(store_.url, open);
        if (!store) return store.error();
        const auto sizes = RowMeter(**store).read();
        if (!sizes) return sizes.error();
        FloorOptions floor;
        floor.sizes = *sizes;
        floor.events = flat_out_.size();
        floor.lanes = options_.lanes;
        floor.partitions = (*store)->info().partitions;
        const auto before = own_processor_seconds();
        const auto rate =
            on_postgres() ? postgres_batch_floor(store_.url, floor) : batch_floor(path.string(), floor);
        if (!rate) return rate.error();
        report_.floor_events_per_s = *rate;
        report_.floor_cpu_us_per_event =
            (own_processor_seconds() - before) * 1e6 / static_cast<double>(flat_out_.size());
        return {};
    }

    /// The least that any durable webhook costs: the same requests to a server that only keeps their body.
    Result<void> measure_round_trip(const fs::path& path) {
        auto floor = CommitFloor::open(path.string());
        if (!floor) return floor.error();
        boost::asio::io_context theirs(1);
        auto server = BenchServer::open(
            theirs, [&floor](std::string_view body) { return static_cast<bool>((*floor)->commit(body)); });
        if (!server) return server.error();
        std::thread thread([&theirs] { theirs.run(); });
        BenchTally tally(lane_of_);
        auto load = std::make_shared<BenchLoad>(network_, requests_, tally);
        auto done = load->connect((*server)->port(), options_.connections);
        if (done) {
            load->at_rate(at_rate_, options_.rate);
            done = run_until([&] { return load->done(); }, [&] { return tally.acks(); });
        }
        theirs.stop();
        thread.join();
        if (!done) return done;
        const auto times = tally.ack_times(at_rate_);
        report_.roundtrip_p50_ms = quantile(times, 0.5);
        report_.roundtrip_p99_ms = quantile(times, 0.99);
        return {};
    }

    const BenchOptions& options_;
    const fs::path scratch_;
    const EventRange flat_out_;
    const EventRange at_rate_;
    const std::vector<std::uint32_t> lane_of_;
    const std::vector<std::string> requests_;
    BenchTally tally_;
    boost::asio::io_context network_{1};
    boost::asio::signal_set signals_{network_, SIGINT, SIGTERM};
    bool interrupted_ = false;
    std::unique_ptr<BenchServer> destination_;
    std::unique_ptr<BenchDaemon> daemon_;
    BenchStore store_;
    BenchReport report_;
};

double ratio(double of, double to) {
    return to > 0 ? of / to : 0;
}

/// Three digits are what a run is good for.
double rounded(double value) {
    if (value == 0 || !std::isfinite(value)) return 0;
    const double scale = std::pow(10, 2 - std::floor(std::log10(std::abs(value))));
    return std::round(value * scale) / scale;
}

std::string number(double value) {
    return number_text(Json(rounded(value)));
}

std::string line(const std::string& name, const std::string& value, const std::string& remark = "") {
    std::string text = "  " + name;
    text.resize(std::max<std::size_t>(text.size() + 1, 34), ' ');
    text += value;
    if (remark.empty()) return text + "\n";
    text.resize(std::max<std::size_t>(text.size() + 2, 54), ' ');
    return text + remark + "\n";
}

std::string pair(double p50, double p99) {
    return number(p50) + " / " + number(p99) + " ms";
}

}  // namespace

Json to_json(const BenchReport& report) {
    return {{"store", report.store},
            {"events", report.events},
            {"events_per_s", rounded(report.events_per_s)},
            {"floor_events_per_s", rounded(report.floor_events_per_s)},
            {"ratio", rounded(ratio(report.events_per_s, report.floor_events_per_s))},
            {"ack_p50_ms", rounded(report.ack_p50_ms)},
            {"ack_p99_ms", rounded(report.ack_p99_ms)},
            {"action_p50_ms", rounded(report.action_p50_ms)},
            {"action_p99_ms", rounded(report.action_p99_ms)},
            {"commit_p50_ms", rounded(report.commit_p50_ms)},
            {"roundtrip_p50_ms", rounded(report.roundtrip_p50_ms)},
            {"roundtrip_p99_ms", rounded(report.roundtrip_p99_ms)},
            {"cold_start_ms", rounded(report.cold_start_ms)},
            {"rss_mb", rounded(report.rss_mb)},
            {"rss_idle_mb", rounded(report.rss_idle_mb)},
            {"cpu_us_per_event", rounded(report.cpu_us_per_event)},
            {"floor_cpu_us_per_event", rounded(report.floor_cpu_us_per_event)},
            {"lost", report.lost},
            {"duplicated", report.duplicated},
            {"out_of_order", report.out_of_order},
            {"refused", report.refused}};
}

std::string render(const BenchReport& report) {
    const auto rate_ratio = ratio(report.events_per_s, report.floor_events_per_s);
    const auto ack_ratio = ratio(report.ack_p99_ms, report.roundtrip_p99_ms);
    const std::string bare = report.store == "sqlite" ? "bare SQLite" : "bare PostgreSQL";
    std::string text =
        std::to_string(report.events) + " events flat out, then a fixed rate, on " + report.store + ":\n";
    text += line("events delivered per second", number(report.events_per_s),
                 number(rate_ratio) + " of the " + bare + " rate, " + number(report.floor_events_per_s));
    text += line("webhook acknowledged p50 / p99", pair(report.ack_p50_ms, report.ack_p99_ms),
                 number(ack_ratio) + " times a bare durable round trip, " +
                     pair(report.roundtrip_p50_ms, report.roundtrip_p99_ms));
    text += line("action received p50 / p99", pair(report.action_p50_ms, report.action_p99_ms));
    text += line("commit p50", number(report.commit_p50_ms) + " ms");
    text += line("processor time of an event", number(report.cpu_us_per_event) + " us",
                 bare + " " + number(report.floor_cpu_us_per_event) + " us");
    text += line("memory idle / peak", number(report.rss_idle_mb) + " / " + number(report.rss_mb) + " MB");
    text += line("cold start", number(report.cold_start_ms) + " ms");
    text += line("lost, duplicated, out of order", std::to_string(report.lost) + ", " +
                                                       std::to_string(report.duplicated) + ", " +
                                                       std::to_string(report.out_of_order));
    if (report.refused > 0) text += line("refused", std::to_string(report.refused));
    return text;
}

Result<BenchReport> run_bench(const BenchOptions& options) {
    const auto scratch = ScratchFolder::make();
    if (!scratch) return scratch.error();
    return Bench(options, scratch->path()).run();
}

}  // namespace engine::app
