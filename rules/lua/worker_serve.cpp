#include "rules/lua/worker_serve.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>

#include "rules/lua/worker_confine.h"
#include "rules/lua/worker_frame.h"
#include "rules/lua/worker_wire.h"

namespace rules {
namespace {

using SteadyClock = std::chrono::steady_clock;

// The daemon has limits of its own; this one keeps a mistake of ours from looking like a lack of memory.
constexpr std::size_t request_bytes_max = 64U << 20U;
// Answers go together, but not for so long that the daemon could take a worker for dead.
constexpr std::size_t answers_bytes_max = 64U << 10U;
constexpr std::chrono::milliseconds answers_held_max{1};

class ScriptServer {
public:
    explicit ScriptServer(const MakeScriptHost& make_host) : make_host_(make_host) {}

    void greet(const std::string& trouble) {
        WireWriter body;
        body.text(trouble);
        answer(FrameKind::hello, 0, body.take());
        flush();
    }

    /// Until the daemon hangs up; false when what it sends is no request.
    bool serve() {
        std::array<char, 64 * 1024> bytes;  // NOLINT(*-member-init): written before it is read
        while (true) {
            const auto got = ::read(worker_socket, bytes.data(), bytes.size());
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return got == 0;
            frames_.append({bytes.data(), static_cast<std::size_t>(got)});
            while (const auto frame = frames_.next())
                if (!perform(*frame)) return false;
            if (frames_.is_broken() || !flush()) return false;
            for (auto& [number, set] : sets_) set.host->settle();
        }
    }

private:
    struct Set {
        std::shared_ptr<const ScriptSet> scripts;
        std::unique_ptr<ScriptHost> host;
    };

    bool perform(const Frame& frame) {
        if (!out_.empty() && (out_.size() > answers_bytes_max || SteadyClock::now() > flush_by_) && !flush())
            return false;
        WireReader reader(frame.body);
        if (frame.kind == FrameKind::check) return check(frame.id, reader);
        const auto number = reader.number();
        if (frame.kind == FrameKind::load) return load(frame.id, number, reader);
        if (frame.kind == FrameKind::run) return run(frame.id, number, reader);
        if (frame.kind == FrameKind::cover) return cover(frame.id, number, reader);
        if (frame.kind == FrameKind::drop) return sets_.erase(number) == 1;
        return false;
    }

    bool load(std::uint64_t id, std::uint64_t number, WireReader& reader) {
        Set set{std::make_shared<const ScriptSet>(read_set(reader)), make_host_()};
        if (!reader.is_done()) return false;
        WireWriter body;
        const auto problems = set.host->load(set.scripts);
        write(body, problems);
        // Whoever gave it has it.
        const auto& files = set.scripts->files;
        const bool is_given = !files.empty() && !files.front().code.empty();
        write(body,
              is_given || !problems.empty() ? std::vector<std::string>() : set.host->code_of(*set.scripts));
        sets_.insert_or_assign(number, std::move(set));
        answer(FrameKind::loaded, id, body.take());
        return true;
    }

    bool run(std::uint64_t id, std::uint64_t number, WireReader& reader) {
        const auto set = sets_.find(number);
        const auto call = read_call(reader);
        if (set == sets_.end() || !reader.is_done()) return false;
        WireWriter body;
        write(body, set->second.host->run(set->second.scripts, call));
        answer(FrameKind::outcome, id, body.take());
        return true;
    }

    bool cover(std::uint64_t id, std::uint64_t number, WireReader& reader) {
        const auto set = sets_.find(number);
        if (set == sets_.end() || !reader.is_done()) return false;
        const auto* covering = dynamic_cast<CoverageHost*>(set->second.host.get());
        if (covering == nullptr) return false;
        WireWriter body;
        write(body, covering->coverage());
        answer(FrameKind::covered, id, body.take());
        return true;
    }

    bool check(std::uint64_t id, WireReader& reader) {
        const auto asked = read_check(reader);
        if (!reader.is_done()) return false;
        WireWriter body;
        write(body, problems_of(asked));
        answer(FrameKind::found, id, body.take());
        return true;
    }

    void answer(FrameKind kind, std::uint64_t id, const std::string& body) {
        if (out_.empty()) flush_by_ = SteadyClock::now() + answers_held_max;
        append_frame(out_, kind, id, body);
    }

    bool flush() {
        std::string_view left = out_;
        while (!left.empty()) {
            const auto written = ::write(worker_socket, left.data(), left.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return false;
            left.remove_prefix(static_cast<std::size_t>(written));
        }
        out_.clear();
        return true;
    }

    const MakeScriptHost& make_host_;
    std::map<std::uint64_t, Set> sets_;
    FrameReader frames_{request_bytes_max};
    std::string out_;
    SteadyClock::time_point flush_by_{};
};

}  // namespace

void serve_scripts(const MakeScriptHost& make_host, std::size_t memory_bytes_max) {
    ScriptServer server(make_host);
    const auto confined = confine_worker(memory_bytes_max);
    server.greet(confined ? std::string() : confined.error().message);
    // What is left when it ends is the kernel's to tidy up.
    ::_exit(confined && server.serve() ? 0 : 1);
}

}  // namespace rules
