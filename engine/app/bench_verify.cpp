#include "engine/app/bench_verify.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "engine/app/bench_tally.h"
#include "engine/app/render.h"
#include "engine/app/scratch_folder.h"
#include "engine/app/support.h"
#include "engine/base/hash.h"
#include "engine/store/url.h"
#include "engine/store/verify.h"

namespace engine::app {
namespace {

using SteadyClock = std::chrono::steady_clock;

const TenantName filled_tenant(std::string("bench"));
constexpr std::uint64_t subjects = 50'000;
constexpr std::uint64_t steps_per_commit = 1'000;
/// Sizes of an event and its decision as `bench e2e` finds them.
constexpr std::size_t message_bytes = 420;
constexpr std::size_t note_bytes = 160;
/// Bytes that the floor hashes over and over: more than the caches hold.
constexpr std::size_t floor_bytes = 64u << 20;

NewRecord record_of(const char* kind, const Subject& subject, int partition, const std::string& event) {
    NewRecord record;
    record.stream = partition_stream(partition);
    record.kind = kind;
    record.subject = subject.text();
    record.cause_event = event;
    record.actor = "engine";
    return record;
}

/// An event of one of many conversations, and its decision: two rows.
Step step_of(std::uint64_t number, int partitions) {
    const auto subject = Subject::of("conversation", "bench", "conv_" + std::to_string(number % subjects));
    const auto id = "evt-" + std::to_string(number);
    const int partition = partition_of(filled_tenant, subject, partitions);
    Step step;
    step.tenant = filled_tenant;
    step.time = instant_of(1'777'881'600'000'000 + static_cast<std::int64_t>(number) * 100);
    auto event = record_of(record_kind::event, subject, partition, id);
    event.body =
        canonical_json(Json{{"id", id},
                            {"source", "bench"},
                            {"subject", subject.text()},
                            {"type", "conversation.updated"},
                            {"data", {{"message", std::string(message_bytes, 'm')}, {"n", number}}}});
    auto decision = record_of(record_kind::decision, subject, partition, id);
    decision.entity_version = number / subjects + 1;
    decision.ruleset = "sha256:" + std::string(64, 'a');
    decision.body = canonical_json(Json{{"event", {{"id", id}}},
                                        {"outcome", "ok"},
                                        {"changes", Json::array()},
                                        {"notes", {std::string(note_bytes, 'd')}}});
    step.records = {std::move(event), std::move(decision)};
    return step;
}

Result<bool> is_empty(Store& store) {
    const auto tenants = store.tenants();
    if (!tenants) return tenants.error();
    return tenants->empty();
}

/// In commits of many steps: as fast as the store takes them.
Result<void> fill(Store& store, std::uint64_t rows) {
    if (auto owned = store.own(); !owned) return owned;
    const auto partitions = store.info().partitions;
    std::vector<Step> steps;
    for (std::uint64_t number = 0; number * 2 < rows; ++number) {
        steps.push_back(step_of(number, partitions));
        if (steps.size() < steps_per_commit && (number + 1) * 2 < rows) continue;
        if (auto done = store.commit(steps); !done) return done;
        steps.clear();
    }
    return {};
}

Result<void> fill_if_empty(const std::string& url, std::uint64_t rows) {
    const auto store = open_store(url);
    if (!store) return store.error();
    const auto empty = is_empty(**store);
    if (!empty) return empty.error();
    return *empty ? fill(**store, rows) : Result<void>();
}

/// What any proof of these rows must at least do: for each a digest of its body and one of its columns.
double floor_seconds(const ChainReport& report, int threads) {
    if (report.rows == 0) return 0;
    const std::string bytes(floor_bytes, 'f');
    const auto piece = std::max<std::size_t>(1, report.bytes / report.rows / 2);
    const auto pieces = 2 * report.rows / static_cast<std::uint64_t>(threads);
    const auto hash = [&] {
        Digest last{};
        std::size_t at = 0;
        for (std::uint64_t i = 0; i < pieces; ++i) {
            if (at + piece > bytes.size()) at = 0;
            last = sha256({bytes_of(last), std::string_view(bytes).substr(at, piece)});
            at += piece;
        }
    };
    const auto begin = SteadyClock::now();
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(hash);
    hash();
    for (auto& other : others) other.join();
    return seconds_since(begin);
}

double per_second(std::uint64_t count, double seconds) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

Result<VerifyBenchReport> measure(const std::string& url, const VerifyBenchOptions& options) {
    const auto parsed = parse_store_url(url);
    if (!parsed) return parsed.error();
    if (parsed->in_memory())
        return invalid("bench verify needs a store that lasts: sqlite:///file.db or postgresql://…");
    if (auto filled = fill_if_empty(url, options.rows); !filled) return filled.error();
    VerifyBenchReport report;
    report.store = parsed->backend == StoreUrl::Backend::sqlite ? "sqlite" : "postgresql";
    report.deep = options.deep;
    report.threads = options.threads > 0 ? options.threads : verify_threads();
    const auto begin = SteadyClock::now();
    VerifyOptions how;
    how.deep = options.deep;
    how.threads = report.threads;
    const auto found = verify([&url] { return open_for_reading(url); }, how);
    if (!found) return found.error();
    report.seconds = seconds_since(begin);
    report.rows = found->rows;
    report.bytes = found->bytes;
    report.faults = found->faults.size();
    report.floor_seconds = floor_seconds(*found, report.threads);
    return report;
}

}  // namespace

Result<VerifyBenchReport> run_verify_bench(const VerifyBenchOptions& options) {
    if (!options.store.empty()) return measure(options.store, options);
    const auto scratch = ScratchFolder::make();
    if (!scratch) return scratch.error();
    return measure("sqlite:///" + (scratch->path() / "verify.db").string(), options);
}

Json to_json(const VerifyBenchReport& report) {
    return {{"store", report.store},
            {"rows", report.rows},
            {"bytes", report.bytes},
            {"threads", report.threads},
            {"deep", report.deep},
            {"seconds", report.seconds},
            {"rows_per_s", per_second(report.rows, report.seconds)},
            {"floor_seconds", report.floor_seconds},
            {"floor_rows_per_s", per_second(report.rows, report.floor_seconds)},
            {"faults", report.faults}};
}

std::string render(const VerifyBenchReport& report) {
    const auto line = [&](const std::string& name, double seconds) {
        return "  " + name + std::string(30 - name.size(), ' ') +
               rounded(per_second(report.rows, seconds), 0) + " rows/s  " +
               rounded(per_second(report.bytes, seconds) / 1e6, 0) + " MB/s  " + rounded(seconds, 2) + " s\n";
    };
    return report.store + ": " + std::to_string(report.rows) + " rows, " +
           rounded(static_cast<double>(report.bytes) / 1e6, 0) + " MB hashed, " +
           std::to_string(report.threads) + " threads\n" +
           line(report.deep ? "audit verify --deep" : "audit verify", report.seconds) +
           line("floor: SHA-256 of the bytes", report.floor_seconds);
}

}  // namespace engine::app
