#include "rules/lua/worker.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/time.h"
#include "rules/lua/meter.h"
#include "rules/lua/worker_wire.h"

namespace rules {
namespace {

using engine::Diagnostic;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Of an answer besides what the script says: places, tracebacks, what is wrong with files.
constexpr std::size_t answer_bytes_spare = 256U << 10U;
// Most runs are over by then, and nobody has to look at the time they used.
constexpr milliseconds quick_max{4};

std::size_t answer_bytes_max(const ScriptLimits& limits) {
    // What is shortest as JSON is four times as long here.
    return answer_bytes_spare + 4 * limits.result_bytes_max +
           limits.log_lines_max * (limits.log_line_bytes_max + 16);
}

std::size_t answer_bytes_max(const std::list<WorkerSet>& sets) {
    std::size_t max = 0;
    for (const auto& set : sets) max = std::max(max, set.answer_bytes_max);
    return max;
}

std::string text_of(milliseconds span) {
    return engine::to_text(engine::Duration(span));
}

bool is_same(const ScriptFile& one, const ScriptFile& other) {
    return one.name == other.name && one.source == other.source && one.is_function == other.is_function;
}

/// The version says so; but what would be run is somebody else's code if it did not.
bool is_same(const ScriptSet& one, const ScriptSet& other) {
    return &one == &other ||
           (one.version == other.version && one.tenant == other.tenant && one.limits == other.limits &&
            std::equal(one.files.begin(), one.files.end(), other.files.begin(), other.files.end(),
                       [](auto& a, auto& b) { return is_same(a, b); }));
}

std::list<WorkerSet>::iterator set_of(Worker& worker, const ScriptSet& scripts) {
    return std::find_if(worker.sets.begin(), worker.sets.end(),
                        [&](const WorkerSet& set) { return is_same(*set.scripts, scripts); });
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
    return std::any_of(diagnostics.begin(), diagnostics.end(),
                       [](const Diagnostic& one) { return one.severity == engine::Severity::error; });
}

Diagnostic worker_error(std::string message) {
    Diagnostic error;
    error.kind = "script-worker";
    error.message = std::move(message);
    return error;
}

}  // namespace

WorkerHost::WorkerHost(WorkerOptions options) : options_(std::move(options)) {
    ENSURE(options_.workers_max > 0 && options_.sets_max > 0 && options_.batch_calls_max > 0);
    options_.command.push_back(std::to_string(options_.memory_bytes_max));
}

WorkerStats WorkerHost::stats() const {
    auto stats = stats_;
    stats.workers = pool_.workers().size();
    return stats;
}

std::map<std::string, double> WorkerHost::figures() {
    const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
    std::map<std::string, double> figures{{"script_workers", number(pool_.workers().size())},
                                          {"script_runs_total", number(stats_.runs)},
                                          {"script_retries_total", number(stats_.retries)},
                                          {"script_crashes_total", number(stats_.script_crashes)},
                                          {"script_paused_total", number(stats_.paused)},
                                          {"script_worker_starts_total", number(stats_.starts)},
                                          {"script_worker_losses_total", number(stats_.restarts)}};
    for (const auto& [limit, count] : stats_.limits)
        figures["script_kills_total{limit=\"" + limit + "\"}"] = number(count);
    return figures;
}

std::vector<pid_t> WorkerHost::processes() const {
    std::vector<pid_t> ids;
    for (const auto& worker : pool_.workers()) ids.push_back(worker.process->id());
    return ids;
}

WorkerHost::Loss WorkerHost::lose(WorkerTrouble trouble) {
    return {"script_crashed: " + pool_.lose(trouble), "", true, true};
}

std::vector<Diagnostic> WorkerHost::load(const std::shared_ptr<const ScriptSet>& scripts) {
    std::vector<Diagnostic> diagnostics;
    if (auto wrong = memory_error(scripts->limits)) return {*std::move(wrong)};
    auto loss = ask_to_load(scripts, diagnostics);
    if (loss && loss->may_pass) loss = ask_to_load(scripts, diagnostics);
    pool_.keep_one_ready();
    if (loss) return {worker_error(loss->message)};
    return diagnostics;
}

/// A run that its worker has no memory for would be told that it has reached its own limit.
std::optional<Diagnostic> WorkerHost::memory_error(const ScriptLimits& limits) const {
    if (Meter::bytes_max(limits) <= options_.memory_bytes_max) return std::nullopt;
    return worker_error(
        "memory_bytes_max under `scripts` in tenant.yaml is " + std::to_string(limits.memory_bytes_max) +
        ", for which a process needs " + std::to_string(Meter::bytes_max(limits)) + " bytes and has " +
        std::to_string(options_.memory_bytes_max) + " (--script-memory-bytes-max of the daemon)");
}

milliseconds WorkerHost::deadline_of(const ScriptLimits& limits) const {
    return options_.deadline.value_or(limits.deadline);
}

std::optional<WorkerHost::Loss> WorkerHost::ask_to_load(const std::shared_ptr<const ScriptSet>& scripts,
                                                        std::vector<Diagnostic>& diagnostics) {
    read_what_is_under_way();
    const auto found = pool_.worker_of(scripts->tenant);
    if (!found) return Loss{"script_crashed: " + found.error().message, "", true};
    auto& worker = **found;
    if (const auto old = set_of(worker, *scripts); old != worker.sets.end()) drop_set(worker, old);
    if (auto loss = send_set(worker, scripts, diagnostics)) return loss;
    if (worker.process->said_more()) return lose(WorkerTrouble::forged);
    if (has_errors(diagnostics)) drop_set(worker, worker.sets.begin());
    return std::nullopt;
}

/// Also for all that the runs of its sets may hold at once: memory that the system refuses would be told as
/// the script's own limit.
bool WorkerHost::has_room_for(const Worker& worker, const ScriptLimits& limits) const {
    auto bytes = Meter::bytes_max(limits);
    for (const auto& set : worker.sets) bytes += Meter::bytes_max(set.scripts->limits);
    return worker.sets.size() < options_.sets_max && bytes <= options_.memory_bytes_max;
}

void WorkerHost::drop_set(Worker& worker, std::list<WorkerSet>::iterator set) {
    WireWriter body;
    body.number(set->number);
    worker.process->send(FrameKind::drop, ++last_id_, body.take());
    worker.sets.erase(set);
}

std::optional<WorkerHost::Loss> WorkerHost::send_set(Worker& worker,
                                                     const std::shared_ptr<const ScriptSet>& scripts,
                                                     std::vector<Diagnostic>& diagnostics) {
    WireWriter writer;
    writer.number(++last_set_);
    auto sent = *scripts;
    sent.limits.deadline = deadline_of(scripts->limits);
    const auto code = options_.code ? options_.code->find(*scripts) : nullptr;
    for (std::size_t i = 0; code && i < code->size(); ++i) {
        sent.files[i].code = (*code)[i];
        sent.files[i].source.clear();  // nothing reads it any more
    }
    write(writer, sent);
    const auto body = writer.take();
    if (body.size() > options_.call_bytes_max)
        return Loss{"the scripts of the rule set have " + std::to_string(body.size()) + " bytes, more than " +
                    std::to_string(options_.call_bytes_max)};
    while (!worker.sets.empty() && !has_room_for(worker, scripts->limits))
        drop_set(worker, std::prev(worker.sets.end()));
    worker.sets.push_front({scripts, last_set_, answer_bytes_max(scripts->limits)});
    worker.process->expect_up_to(std::max(options_.call_bytes_max, answer_bytes_max(worker.sets)));
    worker.process->send(FrameKind::load, ++last_id_, body);
    ++stats_.loads;
    auto loss = read_loaded(worker, scripts, diagnostics);
    if (!loss) worker.process->expect_up_to(answer_bytes_max(worker.sets));
    // It may be what was given to the worker that it was lost for.
    if (loss && code) options_.code->forget(*scripts);
    return loss;
}

std::optional<WorkerHost::Loss> WorkerHost::read_loaded(Worker& worker, const Scripts& scripts,
                                                        std::vector<Diagnostic>& diagnostics) {
    const auto said = worker.process->read(SteadyClock::now() + options_.load_deadline);
    if (const auto* trouble = std::get_if<WorkerTrouble>(&said)) {
        auto loss = lose(*trouble);
        if (*trouble != WorkerTrouble::deadline) return loss;
        return Loss{"the scripts of the rule set are not compiled within " + text_of(options_.load_deadline)};
    }
    const auto& frame = std::get<Frame>(said);
    WireReader reader(frame.body);
    diagnostics = read_diagnostics(reader);
    auto code = read_code(reader);
    if (frame.kind != FrameKind::loaded || frame.id != last_id_ || !reader.is_done())
        return lose(WorkerTrouble::forged);
    if (options_.code && diagnostics.empty()) options_.code->keep(*scripts, std::move(code));
    return std::nullopt;
}

std::vector<Coverage> WorkerHost::coverage(const Scripts& scripts) {
    read_what_is_under_way();
    const auto found = pool_.worker_of(scripts->tenant);
    if (!found) return {};
    auto& worker = **found;
    const auto set = set_of(worker, *scripts);
    if (set == worker.sets.end()) return {};
    WireWriter body;
    body.number(set->number);
    worker.process->expect_up_to(options_.call_bytes_max);
    worker.process->send(FrameKind::cover, ++last_id_, body.take());
    const auto said = worker.process->read(SteadyClock::now() + options_.load_deadline);
    if (const auto* trouble = std::get_if<WorkerTrouble>(&said)) {
        lose(*trouble);
        return {};
    }
    const auto& frame = std::get<Frame>(said);
    WireReader reader(frame.body);
    auto files = read_coverage(reader);
    if (frame.kind != FrameKind::covered || frame.id != last_id_ || !reader.is_done()) {
        lose(WorkerTrouble::forged);
        return {};
    }
    worker.process->expect_up_to(answer_bytes_max(worker.sets));
    return files;
}

ScriptOutcome WorkerHost::run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) {
    return run_all(scripts, {&call, 1}).front();
}

std::vector<ScriptOutcome> WorkerHost::run_all(const std::shared_ptr<const ScriptSet>& scripts,
                                               std::span<const ScriptCall> calls,
                                               const Meanwhile& meanwhile) {
    Outcomes outcomes;
    outcomes.reserve(calls.size());
    bool is_told = false;
    const auto tell = [&] {
        if (meanwhile && !std::exchange(is_told, true)) meanwhile();
    };
    while (outcomes.size() < calls.size()) {
        const auto left = calls.subspan(outcomes.size());
        const auto together = left.first(count_together(scripts, left));
        const auto before = outcomes.size();
        if (together.empty())
            run_alone(scripts, left.front(), outcomes);
        else if (together.size() == 1 && !meanwhile)
            run_alone(scripts, together.front(), outcomes);
        else if (ask(scripts, together, outcomes, tell))
            run_one_by_one(scripts, together.subspan(outcomes.size() - before), outcomes);
        else
            for (const auto& call : left.first(outcomes.size() - before)) pauses_.came_back(*scripts, call);
    }
    tell();
    pool_.keep_one_ready();
    return outcomes;
}

/// How many of the first calls go together; none when the first one's function rests.
std::size_t WorkerHost::count_together(const Scripts& scripts, std::span<const ScriptCall> calls) const {
    const auto together = calls.first(std::min(calls.size(), options_.batch_calls_max));
    if (pauses_.empty()) return together.size();
    const auto rests = [&](const ScriptCall& call) { return pause_of(scripts, call).has_value(); };
    return static_cast<std::size_t>(std::find_if(together.begin(), together.end(), rests) - together.begin());
}

std::optional<WorkerHost::Loss> WorkerHost::pause_of(const Scripts& scripts, const ScriptCall& call) const {
    if (!pauses_.until(*scripts, call, SteadyClock::now())) return std::nullopt;
    return Loss{"script_paused: its last runs lost their workers, so it rests for " +
                    text_of(options_.pause) + " (--script-pause)",
                "", true};
}

/// After calls were lost together, until it is found which of them it was.
void WorkerHost::run_one_by_one(const std::shared_ptr<const ScriptSet>& scripts,
                                std::span<const ScriptCall> calls, Outcomes& outcomes) {
    for (const auto& call : calls) {
        ++stats_.retries;
        if (!run_alone(scripts, call, outcomes)) return;
    }
}

/// Twice at most. False when there was no answer, and a failure instead.
bool WorkerHost::run_alone(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call,
                           Outcomes& outcomes) {
    if (const auto pause = pause_of(scripts, call)) {
        ++stats_.paused;
        fail(call, *pause, outcomes);
        return true;
    }
    auto loss = ask(scripts, {&call, 1}, outcomes);
    if (loss && loss->may_pass) {
        ++stats_.retries;
        loss = ask(scripts, {&call, 1}, outcomes);
    }
    if (!loss) {
        pauses_.came_back(*scripts, call);
        return true;
    }
    if (loss->took_worker) pauses_.lost(*scripts, call, SteadyClock::now());
    if (loss->may_pass) ++stats_.script_crashes;
    fail(call, *loss, outcomes);
    return false;
}

void WorkerHost::fail(const ScriptCall& call, const Loss& loss, Outcomes& outcomes) {
    ScriptOutcome outcome;
    auto& failure = outcome.failure.emplace();
    failure.message = loss.message;
    failure.place.file = call.file;
    failure.limit = loss.limit;
    failure.lost = loss.may_pass;
    answer(outcomes, std::move(outcome));
}

void WorkerHost::answer(Outcomes& outcomes, ScriptOutcome outcome) {
    ++stats_.runs;
    if (outcome.failure && !outcome.failure->limit.empty()) ++stats_.limits[outcome.failure->limit];
    outcomes.push_back(std::move(outcome));
}

/// Appends the outcomes that came; all of them came when there is no loss, or fewer if a call is too large.
std::optional<WorkerHost::Loss> WorkerHost::ask(const std::shared_ptr<const ScriptSet>& scripts,
                                                std::span<const ScriptCall> calls, Outcomes& outcomes,
                                                const Meanwhile& meanwhile) {
    read_what_is_under_way();
    const auto found = pool_.worker_of(scripts->tenant);
    if (!found) return Loss{"script_crashed: " + found.error().message, "", true};
    auto& worker = **found;
    const auto begin = SteadyClock::now();
    const auto kept = set_of(worker, *scripts);
    if (kept != worker.sets.end()) {
        worker.sets.splice(worker.sets.begin(), worker.sets, kept);
    } else {
        std::vector<Diagnostic> diagnostics;  // each call fails with them
        if (auto loss = send_set(worker, scripts, diagnostics)) return loss;
    }
    std::string refusal;
    const auto sent = send_calls(worker, calls, refusal);
    if (sent == 0) return Loss{refusal};
    UnderWay under_way{sent, scripts->limits, outcomes, begin};
    under_way_ = &under_way;
    if (meanwhile) {
        worker.process->push();
        meanwhile();
    }
    if (!under_way.is_over) read_what_is_under_way();
    return std::move(under_way.loss);
}

/// Whatever is asked of a worker next stands behind it.
void WorkerHost::read_what_is_under_way() {
    auto* under_way = std::exchange(under_way_, nullptr);
    if (under_way == nullptr) return;
    auto& worker = pool_.used_last();
    under_way->is_over = true;
    under_way->loss = read_outcomes(worker, under_way->limits, under_way->count, under_way->outcomes);
    if (!under_way->loss) worker.busy += SteadyClock::now() - under_way->begin;
}

/// How many; one that is refused, and what is behind it, is not sent.
std::size_t WorkerHost::send_calls(Worker& worker, std::span<const ScriptCall> calls, std::string& refusal) {
    std::size_t sent = 0;
    for (const auto& call : calls) {
        WireWriter writer;
        writer.number(worker.sets.front().number);
        write(writer, call);
        const auto body = writer.take();
        if (writer.is_too_deep())
            refusal = "what is given to the script is nested too deep";
        else if (body.size() > options_.call_bytes_max)
            refusal = "what is given to the script has more than " + std::to_string(options_.call_bytes_max) +
                      " bytes";
        if (!refusal.empty()) break;
        worker.process->send(FrameKind::run, ++last_id_, body);
        ++sent;
    }
    stats_.batch_calls_most = std::max(stats_.batch_calls_most, sent);
    return sent;
}

/// What it answers, or why it does not. A worker has the deadline in processor time and the grace by the
/// clock on the wall; one that is kept from its processor has as long as `patience` for that.
std::variant<Frame, WorkerHost::Loss> WorkerHost::wait_for_outcome(WorkerProcess& worker,
                                                                   milliseconds deadline) {
    const auto begin = SteadyClock::now();
    auto said = worker.read(begin + quick_max);
    const auto is_late = [&said] {
        const auto* trouble = std::get_if<WorkerTrouble>(&said);
        return trouble && *trouble == WorkerTrouble::deadline;
    };
    std::chrono::nanoseconds used{};
    if (is_late()) {
        const auto before = worker.processor_time();
        said = worker.read(begin + deadline + options_.grace);
        while (is_late() && (used = worker.processor_time() - before) < deadline &&
               worker.wants_processor() && SteadyClock::now() < begin + options_.patience)
            said = worker.read(SteadyClock::now() + quick_max);
    }
    if (const auto* frame = std::get_if<Frame>(&said)) return *frame;
    auto loss = lose(std::get<WorkerTrouble>(said));
    if (is_late() && used >= deadline / 2)
        return Loss{"the run did not end within " + text_of(deadline) +
                        " of processor time: let it do less, or raise --script-deadline for all tenants",
                    "deadline", false, true};
    return loss;
}

std::optional<WorkerHost::Loss> WorkerHost::read_outcomes(Worker& worker, const ScriptLimits& limits,
                                                          std::size_t count, Outcomes& outcomes) {
    const auto deadline = deadline_of(limits);
    for (auto id = last_id_ - count + 1; id <= last_id_; ++id) {
        auto said = wait_for_outcome(*worker.process, deadline);
        if (auto* loss = std::get_if<Loss>(&said)) return std::move(*loss);
        const auto& frame = std::get<Frame>(said);
        WireReader reader(frame.body);
        auto outcome = read_outcome(reader);
        const bool is_answer = frame.kind == FrameKind::outcome && frame.id == id && reader.is_done();
        if (!is_answer || (id == last_id_ && worker.process->said_more())) return lose(WorkerTrouble::forged);
        answer(outcomes, std::move(outcome));
    }
    return std::nullopt;
}

}  // namespace rules
