#include "engine/app/bench_timers.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <vector>

#include "engine/app/bench_daemon.h"
#include "engine/app/bench_tally.h"
#include "engine/app/progress.h"
#include "engine/app/render.h"
#include "engine/app/scratch_folder.h"
#include "engine/app/support.h"
#include "engine/model/journal_record.h"
#include "engine/store/url.h"

namespace engine::app {
namespace {

namespace fs = std::filesystem;

const TenantName tenant_name(std::string("bench"));
constexpr std::uint64_t timers_per_commit = 10'000;
constexpr auto far_off = std::chrono::hours(24 * 365);
/// The first timer is due so long after the store is filled: by then the daemon should be ready.
constexpr auto head_start = std::chrono::seconds(5);
constexpr auto longest_silence = std::chrono::seconds(30);
constexpr auto timed_rules =
    "rules:\n"
    "  - id: timed\n"
    "    on: ticket.timed\n"
    "    then: [ { add_tags: [timed] } ]\n";

Timer timer_of(const std::string& prefix, std::uint64_t number, Instant due, int partitions) {
    Timer timer;
    timer.tenant = tenant_name;
    timer.subject = Subject::of("ticket", "", prefix + std::to_string(number));
    timer.partition = partition_of(tenant_name, timer.subject, partitions);
    timer.name = "timed";
    timer.due = due;
    timer.body =
        Json{{"event", "ticket.timed"}, {"data", Json::object()}, {"set", engine::to_text(due - far_off)},
             {"by", "bench"},           {"source", "/bench"},     {"hops", 0},
             {"rule", "timed"}};
    return timer;
}

/// What came of the timers, as the journal has it.
struct Firings {
    std::map<std::string, int> times;  ///< by subject
    std::vector<double> lags_ms;
};

class Run {
public:
    Run(const TimersBenchOptions& options, fs::path scratch)
        : options_(options), scratch_(std::move(scratch)) {}

    Result<TimersBenchReport> run() {
        auto store = bench_store(options_.store, scratch_);
        if (!store) return store.error();
        store_ = *std::move(store);
        report_.store = store_.name();
        report_.waiting = options_.waiting;
        report_.rate = options_.rate;
        report_.due = static_cast<std::uint64_t>(options_.rate * options_.seconds);
        if (auto written = write_tenant(); !written) return written.error();
        if (auto filled = fill_timers(); !filled) return filled.error();
        if (auto served = serve(); !served) return served.error();
        if (auto judged = judge(); !judged) return judged.error();
        return report_;
    }

private:
    Result<void> write_tenant() {
        std::error_code error;
        const auto folder = scratch_ / "tenants" / tenant_name.text();
        fs::create_directories(folder, error);
        std::ofstream(folder / "tenant.yaml") << "name: " << tenant_name.text() << "\n";
        std::ofstream rules(folder / "rules.yaml");
        rules << timed_rules;
        rules.close();
        if (error || !rules) return unavailable("cannot write " + folder.string());
        return {};
    }

    Result<void> fill_timers() {
        const auto store = open_store(store_.url);
        if (!store) return store.error();
        const auto tenants = (*store)->tenants();
        if (!tenants) return tenants.error();
        if (!tenants->empty()) return invalid("bench timers needs an empty store");
        if (auto owned = (*store)->own(); !owned) return owned;
        const auto later = SystemClock().now() + far_off;
        Progress progress("timers");
        if (auto put = put_all(**store, "waiting", options_.waiting, progress,
                               [&](std::uint64_t number) { return later + Duration(number); });
            !put)
            return put;
        begin_ = std::chrono::ceil<std::chrono::seconds>(SystemClock().now()) + head_start;
        const auto apart = Duration(1'000'000 / options_.rate);
        return put_all(**store, "due", report_.due, progress,
                       [&](std::uint64_t number) { return begin_ + number * apart; });
    }

    template <class DueOf>
    static Result<void> put_all(Store& store, const std::string& prefix, std::uint64_t count,
                                Progress& progress, DueOf due_of) {
        const auto partitions = store.info().partitions;
        for (std::uint64_t number = 0; number < count;) {
            Step step;
            step.tenant = tenant_name;
            for (; number < count && step.timers_set.size() < timers_per_commit; ++number) {
                step.timers_set.push_back(timer_of(prefix, number, due_of(number), partitions));
                progress.step();
            }
            if (auto done = store.commit(std::span(&step, 1)); !done) return done;
        }
        return {};
    }

    Result<void> serve() {
        const auto daemon =
            BenchDaemon::start({options_.program, (scratch_ / "tenants").string(), store_.url});
        if (!daemon) return daemon.error();
        ready_ = SystemClock().now();
        report_.cold_start_ms = (*daemon)->cold_start_ms();
        const auto idle = (*daemon)->memory();
        if (!idle) return idle.error();
        report_.rss_ready_mb = idle->now_mb;
        const auto end =
            begin_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options_.seconds));
        if (auto waited = wait_until_fired(end); !waited) return waited;
        const auto memory = (*daemon)->memory();
        if (!memory) return memory.error();
        report_.rss_peak_mb = memory->peak_mb;
        return (*daemon)->stop();
    }

    Result<void> wait_until_fired(Instant end) {
        std::this_thread::sleep_until(std::chrono::time_point_cast<std::chrono::system_clock::duration>(end));
        const auto until = std::chrono::steady_clock::now() + longest_silence;
        while (std::chrono::steady_clock::now() < until) {
            const auto left = due_left();
            if (!left) return left.error();
            if (!*left) return {};
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
        return {};
    }

    Result<bool> due_left() {
        const auto store = open_for_reading(store_.url);
        if (!store) return store.error();
        const auto next = (*store)->next_timers(nullptr, 1);
        if (!next) return next.error();
        return !next->empty() && next->front().due <= SystemClock().now();
    }

    Result<void> judge() {
        const auto store = open_for_reading(store_.url);
        if (!store) return store.error();
        Firings firings;
        for (int partition = 0; partition < (*store)->info().partitions; ++partition) {
            const auto scanned =
                (*store)->scan(tenant_name, partition_stream(partition), 0, [&](const JournalRecord& record) {
                    note(record, firings);
                    return true;
                });
            if (!scanned) return scanned;
        }
        report_.fired = firings.times.size();
        report_.lost = report_.due - std::min(report_.due, report_.fired);
        for (const auto& [subject, times] : firings.times) report_.doubled += times > 1 ? 1 : 0;
        auto& lags = firings.lags_ms;
        std::sort(lags.begin(), lags.end());
        report_.lag_p50_ms = quantile(lags, 0.5);
        report_.lag_p99_ms = quantile(lags, 0.99);
        report_.lag_max_ms = quantile(lags, 1);
        return {};
    }

    void note(const JournalRecord& record, Firings& firings) const {
        if (record.kind != record_kind::event || !record.actor.starts_with("timer:") || !record.body) return;
        ++firings.times[record.subject];
        const auto event = parse_json(*record.body);
        const auto due =
            event ? parse_instant(text_or(*event, "data.timer.due", "")) : Result<Instant>(Instant());
        if (!due) return;
        const auto since = std::max(*due, std::min(ready_, record.time));
        firings.lags_ms.push_back(std::chrono::duration<double, std::milli>(record.time - since).count());
    }

    const TimersBenchOptions& options_;
    fs::path scratch_;
    BenchStore store_;
    TimersBenchReport report_;
    Instant begin_{};
    Instant ready_{};
};

}  // namespace

Result<TimersBenchReport> run_timers_bench(const TimersBenchOptions& options) {
    auto scratch = ScratchFolder::make();
    if (!scratch) return scratch.error();
    return Run(options, scratch->path()).run();
}

Json to_json(const TimersBenchReport& report) {
    return {{"store", report.store},
            {"waiting", report.waiting},
            {"rate", report.rate},
            {"due", report.due},
            {"fired", report.fired},
            {"lost", report.lost},
            {"doubled", report.doubled},
            {"cold_start_ms", report.cold_start_ms},
            {"lag_p50_ms", report.lag_p50_ms},
            {"lag_p99_ms", report.lag_p99_ms},
            {"lag_max_ms", report.lag_max_ms},
            {"rss_ready_mb", report.rss_ready_mb},
            {"rss_peak_mb", report.rss_peak_mb}};
}

std::string render(const TimersBenchReport& report) {
    return report.store + ", " + std::to_string(report.waiting) + " timers that wait and " +
           std::to_string(report.rate) + " due a second\n" + "  fired       " + std::to_string(report.fired) +
           " of " + std::to_string(report.due) + ", " + std::to_string(report.lost) + " lost, " +
           std::to_string(report.doubled) + " twice\n" + "  lag         p50 " +
           rounded(report.lag_p50_ms, 1) + " ms, p99 " + rounded(report.lag_p99_ms, 1) + " ms, max " +
           rounded(report.lag_max_ms, 1) + " ms\n" + "  cold start  " + rounded(report.cold_start_ms, 0) +
           " ms\n" + "  memory      " + rounded(report.rss_ready_mb, 1) + " MB when ready, " +
           rounded(report.rss_peak_mb, 1) + " MB at most\n";
}

}  // namespace engine::app
