#pragma once
/// Scripts of a rule set, and the host that runs them: behind an interface that looks pure, so that a
/// decision with scripts can be made again. rules/lua has the two hosts.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/model/decision.h"

namespace rules {

struct ScriptFile {
    std::string name;          ///< as below the tenant's folder, `scripts/route.lua`, `rules/96-vip.lua`
    std::string source;        ///< text, never compiled code
    bool is_function = false;  ///< its statements are the function, so they do not run when it is loaded
    std::string code = {};  ///< what compiling it gave before, in a process of this program; empty = unknown
};

/// What a run may use. All but the deadline are counted the same on every machine, so that a run that ends at
/// a limit does so again. The names are those of the settings, `scripts: { fuel_max: … }` in tenant.yaml.
struct ScriptLimits {
    std::uint64_t fuel_max =
        2'000'000;  ///< instructions, turns of loops in the library, and bytes made, 16 for one
    std::size_t memory_bytes_max = 8U << 20U;   ///< held by the script at once
    std::size_t text_bytes_max = 256U << 10U;   ///< of one text
    std::size_t keys_max = 8192;                ///< of one table, the items of a list apart
    std::size_t source_bytes_max = 32U << 10U;  ///< of one file
    std::size_t sources_bytes_max = 1U << 20U;  ///< of all files of a rule set
    std::size_t result_bytes_max = 64U << 10U;  ///< of what it returns and asks for, as JSON
    std::size_t depth_max = 32;                 ///< of values nested in values, as they come and go
    std::size_t log_lines_max = 32;             ///< of one run; more are left out, and it says so
    std::size_t log_line_bytes_max = 1024;      ///< more is cut off
    std::size_t calls_max = 16;                 ///< look-ups of one run
    std::chrono::milliseconds deadline{50};     ///< processor time; ends a run that no other limit has ended
    friend bool operator==(const ScriptLimits&, const ScriptLimits&) = default;
};

/// All Lua of a rule set; immutable.
struct ScriptSet {
    std::string tenant;   ///< who it belongs to: runs of two tenants never share anything
    std::string version;  ///< changes with any file or limit
    std::vector<ScriptFile> files;
    ScriptLimits limits;
};

/// The texts that stand in a script, as they are written: what it may name when it runs. Of a rule file those
/// of its own code alone, and not of what says when the rule fires.
std::vector<std::string> texts_in(const ScriptFile& file);

/// One run of one function of the table that a file returns.
struct ScriptCall {
    std::string file;      ///< name of one of the set's files
    std::string function;  ///< `run`, in tables of the table `a.run`; empty = the file itself is the function
    engine::Json context = engine::Json::object();  ///< what `ctx` shows, as schema/signalbox.d.lua says
    engine::Instant now{};                          ///< the script's only clock
    std::string seed;  ///< of its random numbers: the same text, the same numbers
    /// What look-ups gave, as far as they are known: key → answer. A run that needs another one ends with it.
    engine::Json answers = engine::Json::object();
    friend bool operator==(const ScriptCall&, const ScriptCall&) = default;
};

/// What a run cannot know by itself. It is made again from its start with the answer.
using ScriptNeed = engine::Need;

struct ScriptFailure {
    std::string message;                 ///< without the place
    engine::Place place;                 ///< in the tenant's own code
    std::vector<std::string> traceback;  ///< `scripts/a.lua:7: in function 'score'`, innermost first
    std::string limit;                   ///< setting that ended the run, `fuel_max`; empty = no limit did
    bool lost = false;                   ///< its worker was, and the run with it; never said by a worker
};

struct ScriptOutcome {
    engine::Json result;  ///< what the function returned; null too when it failed
    /// What the script asked for, in its order: `{"do":"set","field","value","file","line"}` and so on, as
    /// schema/signalbox.d.lua says. Empty when it failed or needs something.
    engine::Json effects = engine::Json::array();
    std::vector<std::string> log;  ///< also of a run that failed
    std::optional<ScriptNeed> need;
    std::optional<ScriptFailure> failure;
    std::uint64_t fuel_used = 0;
    std::size_t memory_bytes_peak = 0;
};

/// Runs scripts. One thread. A call is answered whatever the script does: within its deadline and a bounded
/// time to notice, with a failure at worst.
class ScriptHost {
public:
    virtual ~ScriptHost() = default;

    /// What is wrong with the files: each that cannot be compiled or whose own statements fail, with its
    /// place. The set is kept ready for runs when nothing is.
    virtual std::vector<engine::Diagnostic> load(const std::shared_ptr<const ScriptSet>& scripts) = 0;
    virtual ScriptOutcome run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) = 0;
    /// How many runs of one set may be under way at once. With 1 nothing is gained by `run_all`.
    virtual std::size_t together_max() const { return 1; }
    /// The same for many calls, which share the way to where they run; in the order of the calls. `meanwhile`
    /// is called once, when the first of them are on their way; it may run others.
    virtual std::vector<ScriptOutcome> run_all(const std::shared_ptr<const ScriptSet>& scripts,
                                               std::span<const ScriptCall> calls,
                                               const std::function<void()>& meanwhile);
    /// What compiling the set gave, by file, for `ScriptFile::code`; empty when it is not known.
    virtual std::vector<std::string> code_of(const ScriptSet&) { return {}; }
    /// How long all scripts of a decision may take together, by the clock on the wall: with others they wait
    /// for it.
    virtual std::chrono::milliseconds decision_time_max() const { return std::chrono::milliseconds::max(); }
    /// Makes ready what the next run would have to wait for; called while nobody waits.
    virtual void settle() {}
    /// Counts for metrics, by name; `script_kills_total{limit="fuel_max"}`.
    virtual std::map<std::string, double> figures() { return {}; }
};

}  // namespace rules
