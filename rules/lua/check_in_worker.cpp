#include "rules/lua/check_in_worker.h"

#include "engine/base/time.h"
#include "rules/lua/worker_wire.h"

namespace rules {
namespace {

using engine::Diagnostic;
using SteadyClock = std::chrono::steady_clock;

std::vector<Diagnostic> not_checked(const std::string& why) {
    Diagnostic problem;
    problem.kind = "script-worker";
    problem.message = "the scripts are not checked: " + why;
    return {std::move(problem)};
}

}  // namespace

std::vector<Diagnostic> check_in_worker(const ScriptCheck& asked, const WorkerOptions& options) {
    WireWriter writer;
    write(writer, asked);
    const auto body = writer.take();
    if (body.size() > options.call_bytes_max)
        return not_checked("they have " + std::to_string(body.size()) + " bytes, more than " +
                           std::to_string(options.call_bytes_max));
    auto worker_options = options;
    worker_options.command.push_back(std::to_string(options.memory_bytes_max));
    WorkerStats stats;
    WorkerPool pool(worker_options, stats);
    const auto found = pool.worker_of(asked.scripts->tenant);
    if (!found) return not_checked(found.error().message);
    auto& process = *(*found)->process;
    constexpr std::uint64_t id = 1;
    process.send(FrameKind::check, id, body);
    process.expect_up_to(options.call_bytes_max);
    const auto said = process.read(SteadyClock::now() + options.load_deadline);
    if (const auto* trouble = std::get_if<WorkerTrouble>(&said))
        return not_checked(*trouble == WorkerTrouble::deadline
                               ? "it takes longer than " +
                                     engine::to_text(engine::Duration(options.load_deadline))
                               : pool.lose(*trouble));
    const auto& frame = std::get<Frame>(said);
    WireReader reader(frame.body);
    auto problems = read_diagnostics(reader);
    if (frame.kind != FrameKind::found || frame.id != id || !reader.is_done())
        return not_checked(pool.lose(WorkerTrouble::forged));
    return problems;
}

}  // namespace rules
