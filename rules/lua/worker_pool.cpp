#include "rules/lua/worker_pool.h"

#include <algorithm>
#include <utility>

#include "engine/base/time.h"
#include "rules/lua/worker_wire.h"

namespace rules {
namespace {

using engine::Result;
using SteadyClock = std::chrono::steady_clock;

/// What keeps it from running scripts; empty = nothing does.
std::string trouble_in_greeting(WorkerProcess& process, std::chrono::milliseconds deadline) {
    const auto said = process.read(SteadyClock::now() + deadline);
    const auto* trouble = std::get_if<WorkerTrouble>(&said);
    if (trouble && *trouble == WorkerTrouble::deadline)
        return "it says nothing within " + engine::to_text(engine::Duration(deadline));
    if (trouble) return "it " + process.end();
    const auto& frame = std::get<Frame>(said);
    WireReader reader(frame.body);
    auto reason = reader.text();
    const bool is_hello = frame.kind == FrameKind::hello && reader.is_done();
    return is_hello ? reason : "it does not say hello";
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerPool::start_process() {
    ++stats_.starts;
    return WorkerProcess::start(options_.command);
}

void WorkerPool::keep_one_ready() {
    if (!options_.one_ready || ready_) return;
    if (auto process = start_process()) ready_ = *std::move(process);
}

Result<std::unique_ptr<WorkerProcess>> WorkerPool::take_process() {
    // It may have been killed meanwhile. The next one starts while this one works.
    auto ready = std::exchange(ready_, nullptr);
    if (ready) keep_one_ready();
    if (ready && trouble_in_greeting(*ready, options_.start_deadline).empty() && ready->is_running())
        return ready;
    auto process = start_process();
    if (!process) return process.error();
    const auto trouble = trouble_in_greeting(**process, options_.start_deadline);
    if (!trouble.empty()) return engine::unavailable("no script worker can be started: " + trouble);
    return process;
}

Result<Worker*> WorkerPool::worker_of(const std::string& tenant) {
    rest();
    workers_.remove_if(
        [&](const Worker& worker) { return worker.tenant == tenant && worker.busy > options_.busy_max; });
    const auto found = std::find_if(workers_.begin(), workers_.end(),
                                    [&](const Worker& worker) { return worker.tenant == tenant; });
    if (found != workers_.end()) {
        workers_.splice(workers_.begin(), workers_, found);
    } else {
        auto process = take_process();
        if (!process) return process.error();
        if (workers_.size() >= options_.workers_max) workers_.pop_back();
        workers_.push_front({tenant, *std::move(process), {}, {}, {}});
    }
    workers_.front().used = SteadyClock::now();
    return &workers_.front();
}

void WorkerPool::rest() {
    const auto since = SteadyClock::now() - options_.idle_max;
    while (!workers_.empty() && workers_.back().used < since) workers_.pop_back();
}

std::string WorkerPool::lose(WorkerTrouble trouble) {
    const auto how = workers_.front().process->end();
    workers_.pop_front();
    ++stats_.restarts;
    if (trouble == WorkerTrouble::deadline) {
        ++stats_.deadlines;
        return "its worker did not answer in time";
    }
    if (trouble == WorkerTrouble::forged) {
        ++stats_.forgeries;
        return "its worker sent what is no answer";
    }
    ++stats_.crashes;
    return "its worker " + how;
}

}  // namespace rules
