#pragma once
/// Sandbox: one Lua state that holds the scripts of one tenant, and runs them one after another as if each
/// run had the state for itself.

#include <memory>
#include <set>
#include <string>

#include "rules/lua/meter.h"
#include "rules/script.h"

namespace rules {

/// One thread. What a run could leave behind it leaves behind in what is made anew for the next one: its
/// globals, the tables of the libraries, what the files returned, `ctx` and the random numbers. Two things
/// stay and are reset: the functions of the files get the new globals as their only upvalue, and the
/// metatable of texts, which scripts cannot reach, the new table `string`. There is nothing else that a
/// script can write to: it has no metatables, no registry, no upvalues of ours, and closures of a run are
/// gone with its globals. After a run that was refused memory or failed while failing, the state is opened
/// anew.
class Sandbox {
public:
    struct Opened {
        std::unique_ptr<Sandbox> sandbox;  ///< none when there are errors
        std::vector<engine::Diagnostic> diagnostics;
    };

    /// Compiles all files, and runs the statements of those that are no function themselves. `lines` gets
    /// those that are run from now on, and outlives this; null = nobody wants to know.
    static Opened open(std::shared_ptr<const ScriptSet> scripts, ScriptLines* lines = nullptr);
    ~Sandbox();

    ScriptOutcome run(const ScriptCall& call);
    /// Opens the state anew if the last run has worn it out, which the next one would have to wait for.
    void settle() {
        if (is_worn_) open_state();
    }

    /// What compiling gave, by file.
    const std::vector<std::string>& code() const { return compiled_; }
    /// What the state holds now.
    std::size_t bytes() const;
    /// The most of it during the last run.
    std::size_t bytes_peak() const;
    const ScriptSet& scripts() const { return *scripts_; }
    /// Which lines of the file have something to run.
    std::set<int> lines_of(const std::string& file) const;

private:
    struct State;
    Sandbox(std::shared_ptr<const ScriptSet> scripts, ScriptLines* lines);
    bool take_code();
    std::vector<engine::Diagnostic> compile();
    void open_state();
    enum class Part { statements, function };
    ScriptOutcome perform(const ScriptCall& call, Part part);

    std::shared_ptr<const ScriptSet> scripts_;
    std::vector<std::string> compiled_;  ///< of each file, by ourselves, and shown to nobody
    std::unique_ptr<State> state_;
    ScriptLines* lines_;
    bool is_worn_ = false;
};

}  // namespace rules
